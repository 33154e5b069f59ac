// Lets requests to a backend pass, makes them wait, or refuses them: by the limits of a use of the backend.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Gate, GateListener } from '../../exchange/plan.ts';
import type { BackendCounts } from '../../exchange/upstream-counts.ts';
import { BackendLine } from './backend-line.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { Load } from './load.ts';

/** The cluster, as its gates see it. */
export interface GatedCluster {
  readonly load: Load;
  readonly counts: BackendCounts;
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  readonly requestsPerConnection: number;
}

export class BackendGate implements Gate {
  readonly #load: Load;
  readonly #limits: LimitSettings;
  readonly #line: BackendLine;

  /** `limits`: the share of this worker. */
  constructor(cluster: GatedCluster, limits: LimitSettings) {
    const { load, counts, timers } = cluster;
    this.#load = load;
    this.#limits = limits;
    this.#line = new BackendLine({ limits, load, counts, timers, requestsPerConnection: () => cluster.requestsPerConnection });
  }

  get mayRepeat(): boolean {
    const { maxParallelRetries } = this.#limits;
    return maxParallelRetries === 0 || this.#load.retries < maxParallelRetries;
  }

  get hasRoom(): boolean {
    return this.mayRepeat && this.#line.hasRoom;
  }

  enter(exchange: Exchange, listener: GateListener): ExchangeError | 'waits' | null {
    return this.#line.enter(exchange, listener);
  }

  /** No plan refers to the use any more. */
  retire(): void {
    this.#line.retire();
  }
}
