// The time in which the event loop of the worker is busy, which is at most one CPU. A busy worker is not late yet, so only sheddable
// requests are refused for it.
import { performance } from 'node:perf_hooks';
import { severityOfShare } from './signal.ts';
import type { Signal } from './signal.ts';

const INTERVAL_MS = 1_000;
/** All sheddable requests and no others. */
const MOST = 2;

export class CpuUse implements Signal {
  readonly name = 'cpu';
  readonly #threshold: number;
  #last = performance.eventLoopUtilization();
  #sampledAt = performance.now();
  #share = 0;

  /** `threshold`: the share of the time with severity 1, percent. */
  constructor(threshold: number) {
    this.#threshold = threshold / 100;
  }

  get severity(): number {
    return severityOfShare(this.#share, this.#threshold, MOST);
  }

  sample(now: number): void {
    if (now - this.#sampledAt < INTERVAL_MS) return;
    this.#sampledAt = now;
    const current = performance.eventLoopUtilization();
    this.#share = performance.eventLoopUtilization(current, this.#last).utilization;
    this.#last = current;
  }
}
