// What a limit says about one request.
import type { Meter } from './meter.ts';

export interface Decision {
  readonly allowed: boolean;
  /** As Meter.left, after this request. */
  readonly left: number;
  /** As Meter.resetMs. */
  readonly resetMs: number;
  /** Milliseconds until a request like this would be allowed; 0 if this one is, UNKNOWN if no clock decides. */
  readonly waitMs: number;
}

/** Asks a meter. */
export function decide(meter: Meter, cost: number): Decision {
  const allowed = meter.take(cost);
  return { allowed, left: meter.left(), resetMs: meter.resetMs(), waitMs: allowed ? 0 : meter.waitMs(cost) };
}
