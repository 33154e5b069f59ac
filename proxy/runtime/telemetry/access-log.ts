// The settings of the access log of a rule, from `accessLog` of TelemetryPolicies.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { AccessLogPlan } from '../../exchange/route-telemetry.ts';
import { condition } from './condition.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['accessLog']>;

/** Null: no policy sets any of it. */
export function accessLogPlan(settings: Settings | undefined): AccessLogPlan | null {
  if (settings === undefined) return null;
  const { enabled = null, filter, sampling: { percent = 100, always } = {}, sinks = null } = settings;
  return Object.freeze({
    enabled,
    // A line too many costs less than the one that explains a failure.
    keeps: filter === undefined ? null : condition(filter, true),
    share: percent / 100,
    always: always === undefined ? null : condition(always, false),
    fields: fieldsOf(settings),
    sinks,
  });
}

/** Logged bodies are fields that need no name in the list. */
function fieldsOf({ fields = [], requestBody, responseBody }: Settings): string | null {
  const sign = fields.every((name) => /^[+-]/.test(name)) ? '+' : '';
  const bodies = [...(requestBody === undefined ? [] : ['requestBody']), ...(responseBody === undefined ? [] : ['responseBody'])];
  const all = [...fields, ...bodies.map((name) => sign + name)];
  return all.length === 0 ? null : all.join(',');
}
