// Connections that the proxy ended because of what their peers sent outside of requests: counted by reason, and reported to the log.
import { TokenBuckets } from '#lib/token-bucket.ts';

/** One line of the log per reason and ten seconds: every peer that can connect can cause one. */
const LOGGED = { burst: 1, perSecond: 1 / 10 };

/** A refusal that is logged. */
export interface RefusedConnection<Reason extends string = string> {
  readonly reason: Reason;
  /** Of the socket: the address of the client behind a balancer may not be known yet. */
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

  /** Refused connections by reason: one series of the metric each. */
  get failures(): ReadonlyMap<Reason, number> {
    return this.#counts;
  }
}
