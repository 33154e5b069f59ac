// Connections that were given up for what their peers sent, before any request or beside all of them: counted by reason, and told
// to whoever writes the log.

/** One line of the log per reason and this long: whoever can connect can cause one. */
const QUIET_MS = 10_000;

/** A refusal that is worth a line. */
export interface RefusedConnection<Reason extends string = string> {
  readonly reason: Reason;
  /** Of the socket: no other may be known. */
  readonly address: string;
}

export class RefusedConnections<Reason extends string> {
  readonly #counts = new Map<Reason, number>();
  readonly #toldAt = new Map<Reason, number>();
  readonly #tell: (refusal: RefusedConnection<Reason>) => void;

  constructor(tell: (refusal: RefusedConnection<Reason>) => void) {
    this.#tell = tell;
  }

  failed(reason: Reason, address: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const now = performance.now();
    if (now - (this.#toldAt.get(reason) ?? -QUIET_MS) < QUIET_MS) return;
    this.#toldAt.set(reason, now);
    this.#tell({ reason, address });
  }

  /** RefusedConnections by reason: one series each, and no more than there are reasons. */
  get failures(): ReadonlyMap<Reason, number> {
    return this.#counts;
  }
}
