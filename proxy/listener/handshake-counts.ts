// How TLS handshakes of a worker end, counted over all of its ports.
import type { HandshakeFailure } from './tls.ts';

export class HandshakeCounts {
  #completed = 0;
  readonly #failures = new Map<HandshakeFailure, number>();

  completed(): void {
    this.#completed++;
  }

  failed(reason: HandshakeFailure): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** Handshakes that led to a connection. */
  get total(): number {
    return this.#completed;
  }

  /** Failures by reason: one series each, and no more than there are reasons. */
  get failures(): ReadonlyMap<HandshakeFailure, number> {
    return this.#failures;
  }
}
