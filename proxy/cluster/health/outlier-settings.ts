// The settings of outlier detection: when an endpoint counts as failing, and for how long it is ejected.
import { contentHash } from '#lib/hash.ts';

/** Thresholds of 0 are off. */
export interface OutlierSettings {
  /** Failures in a row: answers with a 5xx and local errors; answers with 502, 503 or 504 and local errors; local errors alone. */
  readonly consecutive5xx: number;
  readonly consecutiveGatewayErrors: number;
  readonly consecutiveLocalErrors: number;
  /** The share of failures, percent, of at least so many requests in the window; null is off. */
  readonly failureRatio: { readonly percent: number; readonly minRequests: number } | null;
  /** The time to the head of the answer, as a multiple of the median of the endpoints of the cluster; null is off. */
  readonly latency: { readonly factor: number; readonly minRequests: number } | null;
  /** The window of `failureRatio` and `latency`, milliseconds. */
  readonly interval: number;
  /** Of the first ejection; each further one is longer by it, up to the maximum. Milliseconds. */
  readonly baseEjectionTime: number;
  readonly maxEjectionTime: number;
  /** The share of endpoints that a use of the cluster avoids because of their ejections; at least one, and never all. */
  readonly maxEjectionPercent: number;
}

/** Without a policy. */
export const STANDARD_OUTLIERS: OutlierSettings = Object.freeze({
  consecutive5xx: 5,
  consecutiveGatewayErrors: 5,
  consecutiveLocalErrors: 5,
  failureRatio: null,
  latency: null,
  interval: 10_000,
  baseEjectionTime: 10_000,
  maxEjectionTime: 300_000,
  maxEjectionPercent: 50,
});

const ids = new WeakMap<OutlierSettings, string>();

/** A name for the detection: equal for settings that differ in their cap only, because the cap belongs to the use. */
export function detectionId(settings: OutlierSettings): string {
  let id = ids.get(settings);
  if (id === undefined) ids.set(settings, (id = contentHash(JSON.stringify({ ...settings, maxEjectionPercent: 0 }))));
  return id;
}
