// A sign of overload of this worker, as a severity. At 1 the worker begins to refuse sheddable requests, at 2 it refuses all of them and
// begins with default ones, at 3 with critical ones and new connections, at 4 it refuses everything.

/** The names of the signals, as in metrics and logs. */
export type SignalName = 'loop_delay' | 'memory' | 'cpu';

export interface Signal {
  readonly name: SignalName;
  /** Measures, if it is time. Called several times a second with performance.now(). */
  sample(now: number): void;
  /** From 0 (nothing to do) to 4; below 1 nothing is refused. */
  readonly severity: number;
}

/** The severity if everything is refused. */
export const MAX_SEVERITY = 4;

/** A share of something that is limited, 0 to 1: severity 1 at the threshold, and `most` when all of it is in use. */
export function severityOfShare(share: number, threshold: number, most: number): number {
  if (share < threshold) return share / threshold;
  return threshold >= 1 ? 0 : 1 + ((most - 1) * (share - threshold)) / (1 - threshold);
}
