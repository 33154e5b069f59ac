// Lets requests to a backend pass, makes them wait, or refuses them: by the word of an operator, the circuit breaker of a use of the backend,
// and its limits.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Notices } from '../../exchange/notices.ts';
import type { Gate, GateListener } from '../../exchange/plan.ts';
import type { BackendCounts } from '../../exchange/upstream-counts.ts';
import type { BreakerSettings } from '../breaker/breaker-settings.ts';
import type { Breakers } from '../breaker/breakers.ts';
import type { AdaptiveLimits } from './adaptive-limits.ts';
import { BackendLine } from './backend-line.ts';
import { NO_LIMITS } from './limit-settings.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { Load } from './load.ts';

/** The cluster, as its gates see it. */
export interface GatedCluster {
  readonly load: Load;
  readonly adaptive: AdaptiveLimits;
  readonly counts: BackendCounts;
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  readonly requestsPerConnection: number;
  readonly breakers: Breakers;
  /** What an operator says of the breaker of the backend; null: nothing. */
  readonly forced: Notices['breaker'] | null;
}

export class BackendGate implements Gate {
  readonly #cluster: GatedCluster;
  readonly #limits: LimitSettings;
  readonly #line: BackendLine | null;
  readonly #breaker: BreakerSettings | null;

  /** `limits`: the share of this worker; null without limits. `breaker`: null without one. */
  constructor(cluster: GatedCluster, limits: LimitSettings | null, breaker: BreakerSettings | null) {
    const { load, counts, timers } = cluster;
    this.#cluster = cluster;
    this.#limits = limits ?? NO_LIMITS;
    this.#breaker = breaker?.scope === 'Backend' ? breaker : null;
    // It learns from the first attempt on, also while an operator decides.
    if (this.#breaker !== null) cluster.breakers.of(this.#breaker);
    const requestsPerConnection = () => cluster.requestsPerConnection;
    const adaptive = this.#limits.adaptive && cluster.adaptive.of(this.#limits.adaptive);
    this.#line = limits && new BackendLine({ limits, adaptive, load, counts, timers, requestsPerConnection });
  }

  /** It refuses something now, or may at some time: otherwise no request needs to ask. */
  get isClosable(): boolean {
    return this.#line !== null || this.#breaker !== null || this.#cluster.forced !== null;
  }

  get mayRepeat(): boolean {
    const { maxParallelRetries } = this.#limits;
    return !this.#isOpen && (maxParallelRetries === 0 || this.#cluster.load.retries < maxParallelRetries);
  }

  get hasRoom(): boolean {
    return this.mayRepeat && this.#line?.hasRoom !== false;
  }

  enter(exchange: Exchange, listener: GateListener): ExchangeError | 'waits' | null {
    if (this.#isOpen) return ERRORS.circuitOpen;
    return this.#line === null ? null : this.#line.enter(exchange, listener);
  }

  /** No plan refers to the use any more. */
  retire(): void {
    this.#line?.retire();
  }

  /** The breaker stops requests. */
  get #isOpen(): boolean {
    const { forced, breakers } = this.#cluster;
    if (forced !== null) return forced === 'open';
    return this.#breaker !== null && !breakers.of(this.#breaker).passes;
  }
}
