// How TLS handshakes of a worker end, counted over all of its ports.
import { RefusedConnections } from '../exchange/refused-connections.ts';
import type { HandshakeFailure } from './tls.ts';

export class HandshakeCounts extends RefusedConnections<HandshakeFailure> {
  #completed = 0;

  completed(): void {
    this.#completed++;
  }

  /** Handshakes that led to a connection. */
  get total(): number {
    return this.#completed;
  }
}
