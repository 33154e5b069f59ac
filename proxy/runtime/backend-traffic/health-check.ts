// The health checks of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import { STANDARD_OUTLIERS } from '../../cluster/health/outlier-settings.ts';
import type { OutlierSettings } from '../../cluster/health/outlier-settings.ts';

type HealthCheck = NonNullable<PolicySettings<'BackendTrafficPolicy'>['healthCheck']>;
type Passive = NonNullable<HealthCheck['passive']>;

/** The share and the requests of a rule of which a policy sets only one part. */
const FAILURE_PERCENT = 50;
const LATENCY_FACTOR = 3;
const MIN_REQUESTS = 100;

/** Null if the policy turns ejection off, by its share or its time. */
export function outlierSettings(passive: Passive = {}): OutlierSettings | null {
  const { failureRatio, latency, ...counts } = passive;
  const settings = { ...STANDARD_OUTLIERS, ...counts, failureRatio: failureRatioOf(failureRatio), latency: latencyOf(latency) };
  if (settings.baseEjectionTime === 0) return null;
  return settings.maxEjectionPercent === 0 ? null : settings;
}

function failureRatioOf(ratio: Passive['failureRatio']): OutlierSettings['failureRatio'] {
  if (ratio === undefined) return STANDARD_OUTLIERS.failureRatio;
  const { percent = FAILURE_PERCENT, minRequests = MIN_REQUESTS } = ratio;
  return percent === 0 ? null : { percent, minRequests };
}

function latencyOf(latency: Passive['latency']): OutlierSettings['latency'] {
  if (latency === undefined) return STANDARD_OUTLIERS.latency;
  const { factor = LATENCY_FACTOR, minRequests = MIN_REQUESTS } = latency;
  return factor === 0 ? null : { factor, minRequests };
}
