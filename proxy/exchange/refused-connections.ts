// Connections that the proxy closed because of invalid bytes outside of requests: counted by reason, and reported to the log.
import { TokenBuckets } from '#lib/token-bucket.ts';

/** One line of the log per reason and ten seconds, because every peer that can connect can cause such lines. */
const LOGGED = { burst: 1, perSecond: 1 / 10 };

/** A refusal that is logged. */
export interface RefusedConnection<Reason extends string = string> {
  readonly reason: Reason;
  /** The peer of the socket; behind a balancer, the address of the client may be unknown. */
  readonly address: string;
}

export class RefusedConnections<Reason extends string> {
  readonly #counts = new Map<Reason, number>();
  readonly #logged = new TokenBuckets<Reason>(LOGGED);
  readonly #tell: (refusal: RefusedConnection<Reason>) => void;

  constructor(tell: (refusal: RefusedConnection<Reason>) => void) {
    this.#tell = tell;
  }

  failed(reason: Reason, address: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    if (this.#logged.take(reason) === 0) this.#tell({ reason, address });
  }

  /** The number of refused connections by reason. Each reason is one series of the metric. */
  get failures(): ReadonlyMap<Reason, number> {
    return this.#counts;
  }
}
