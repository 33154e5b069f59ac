// How requests of a rule are traced, from `tracing` of TelemetryPolicies.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { TracingPlan } from '../../exchange/tracing.ts';
import { condition } from './condition.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['tracing']>;

/** Null: no policy sets any of it. */
export function tracingPlan(settings: Settings | undefined): TracingPlan | null {
  if (settings === undefined) return null;
  const { enabled = null, sampling, propagation = null, baggage = null, attributes } = settings;
  return Object.freeze({
    ...samplingOf(sampling),
    ...{ enabled, propagation, baggage },
    attributes: attributes?.map(({ name = '', header, value = '' }) => ({ name, header: header?.toLowerCase() ?? null, value })) ?? null,
  });
}

function samplingOf({ percent, parent, errors, slowerThan, always }: NonNullable<Settings['sampling']> = {}) {
  const share = percent === undefined ? null : percent / 100;
  const kept = always === undefined ? null : condition(always, false);
  return { share, parent: parent ?? null, errors: errors ?? null, slowMs: slowerThan ?? null, always: kept };
}
