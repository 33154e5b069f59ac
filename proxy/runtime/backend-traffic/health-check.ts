// The health checks of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import { STANDARD_OUTLIERS } from '../../cluster/health/outlier-settings.ts';
import type { OutlierSettings } from '../../cluster/health/outlier-settings.ts';
import type { ActiveCheck } from '../../cluster/health/active-check.ts';
import type { BodyMatch, CheckPace } from '../../exchange/probe-target.ts';

type HealthCheck = NonNullable<PolicySettings<'BackendTrafficPolicy'>['healthCheck']>;
type Active = NonNullable<HealthCheck['active']>;
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

const DEFAULT_INTERVAL_MS = 5_000;
/** A shorter pause would load endpoints more than it tells. */
const MIN_INTERVAL_MS = 50;
const DEFAULT_TIMEOUT_MS = 1_000;
const UNHEALTHY_THRESHOLD = 3;
/** As the kubelet has it: redirects are healthy. */
const DEFAULT_STATUSES: readonly (number | string)[] = ['200-399'];
const DEFAULT_BODY_BYTES = 4_096;

/** Null without a check, or if the policy turns it off. */
export function activeCheck(active: Active | undefined): ActiveCheck | null {
  if (active === undefined || active.interval === 0) return null;
  const { port = null, tls } = active;
  return { pace: paceOf(active), port, tls: tls === false ? 'never' : 'transport', clientCertificate: null, request: requestOf(active) };
}

function paceOf({ interval = DEFAULT_INTERVAL_MS, unhealthyInterval = interval, timeout = 0, ...thresholds }: Active): CheckPace {
  const { healthyThreshold = 1, unhealthyThreshold = UNHEALTHY_THRESHOLD } = thresholds;
  return {
    interval: Math.max(MIN_INTERVAL_MS, interval),
    unhealthyInterval: Math.max(MIN_INTERVAL_MS, unhealthyInterval),
    timeout: timeout === 0 ? DEFAULT_TIMEOUT_MS : timeout,
    healthyThreshold,
    unhealthyThreshold,
  };
}

function requestOf(active: Active): ActiveCheck['request'] {
  const { type = 'HTTP', host = null, service = '', send, expect } = active;
  if (type === 'GRPC') return { type: 'grpc', service, host };
  if (type === 'TCP') return { type: 'tcp', send: bytesOf(send), expect: bytesOf(expect) };
  const { method = 'GET', path = '/', headers = [], expectedStatuses = DEFAULT_STATUSES } = active;
  return {
    type: 'http',
    method,
    path,
    host,
    headers: headers.map(({ name = '', value = '' }) => [name.toLowerCase(), value] as const),
    statuses: expectedStatuses.map(rangeOf),
    body: bodyOf(active.body),
  };
}

function bytesOf({ text = '', hex = Buffer.from(text, 'utf8').toString('hex') }: NonNullable<Active['send']> = {}): string {
  return hex.toLowerCase();
}

function rangeOf(status: number | string): readonly [number, number] {
  const [first = '', last = first] = String(status).split('-');
  return [Number(first), Number(last)];
}

function bodyOf({ contains, matches, bytes = DEFAULT_BODY_BYTES }: NonNullable<Active['body']> = {}): BodyMatch | null {
  if (matches !== undefined) return { type: 'regex', value: matches, bytes };
  return contains === undefined ? null : { type: 'text', value: contains, bytes };
}
