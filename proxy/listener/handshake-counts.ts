// The outcomes of the TLS handshakes of a worker, over all of its ports.
import { RefusedConnections } from '../exchange/refused-connections.ts';
import type { HandshakeFailure } from './tls.ts';

export class HandshakeCounts extends RefusedConnections<HandshakeFailure> {
  readonly #completed = new Map<string, number>();

  /** `version`: the negotiated version, as `TLSv1.3`. */
  completed(version: string): void {
    this.#completed.set(version, (this.#completed.get(version) ?? 0) + 1);
  }

  /** Successful handshakes by version: OpenSSL has few. */
  get successes(): ReadonlyMap<string, number> {
    return this.#completed;
  }

  /** Successful handshakes. */
  get total(): number {
    return [...this.#completed.values()].reduce((sum, count) => sum + count, 0);
  }
}
