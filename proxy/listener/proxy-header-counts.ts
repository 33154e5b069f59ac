// Connections that were refused for their header of the PROXY protocol, counted over all ports of a worker.
import type { ProxyHeaderFailure } from './proxy-header.ts';

/** One line of the log per reason and this long: whoever can connect can cause one. */
const QUIET_MS = 10_000;

/** A refusal that is worth a line. */
export interface RefusedHeader {
  readonly reason: ProxyHeaderFailure;
  /** Of the socket: no other is known. */
  readonly address: string;
}

export class ProxyHeaderCounts {
  readonly #failures = new Map<ProxyHeaderFailure, number>();
  readonly #toldAt = new Map<ProxyHeaderFailure, number>();
  readonly #tell: (refused: RefusedHeader) => void;

  constructor(tell: (refused: RefusedHeader) => void = () => undefined) {
    this.#tell = tell;
  }

  failed(reason: ProxyHeaderFailure, address: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    const now = performance.now();
    if (now - (this.#toldAt.get(reason) ?? -QUIET_MS) < QUIET_MS) return;
    this.#toldAt.set(reason, now);
    this.#tell({ reason, address });
  }

  /** Refusals by reason: one series each, and no more than there are reasons. */
  get failures(): ReadonlyMap<ProxyHeaderFailure, number> {
    return this.#failures;
  }
}
