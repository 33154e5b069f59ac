// The settings of the access log of a rule, from `accessLog` of TelemetryPolicies.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { AccessLogPlan } from '../../exchange/route-telemetry.ts';
import { condition } from './condition.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['accessLog']>;

/** Null: no policy sets any of it. */
export function accessLogPlan(settings: Settings | undefined): AccessLogPlan | null {
  if (settings === undefined) return null;
  const { enabled = null, filter, sampling: { percent = 100, always } = {}, fields, sinks = null } = settings;
  return Object.freeze({
    enabled,
    // A line too many costs less than the one that explains a failure.
    keeps: filter === undefined ? null : condition(filter, true),
    share: percent / 100,
    always: always === undefined ? null : condition(always, false),
    fields: fields === undefined ? null : fields.join(','),
    sinks,
  });
}
