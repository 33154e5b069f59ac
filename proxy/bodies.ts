// The flow of bodies in an exchange, in both directions: collected before the first attempt, kept for another one, copied, forwarded to a
// peer that may be full, or raw bytes in a tunnel.
import type { Exchange } from './exchange/exchange.ts';
import type { Headers } from './exchange/headers.ts';
import type { Limits } from './exchange/limits.ts';
import { copyData, copyEnd } from './upstream/copies.ts';
import type { Gathering } from './upstream/gathering.ts';
import { keepForReplay, startReplay } from './upstream/replay.ts';
import type { Tunnels } from './upstream/tunnels.ts';

export interface BodiesOptions {
  readonly gathering: Gathering;
  readonly tunnels: Tunnels;
  readonly limits: Pick<Limits, 'maxReplayBytes'>;
  /** The body has enough bytes for an attempt. */
  readonly gathered: (exchange: Exchange) => void;
  /** Both directions of a tunnel have ended. */
  readonly tunnelEnded: (exchange: Exchange) => void;
}

export class Bodies {
  readonly #gathering: Gathering;
  readonly #tunnels: Tunnels;
  readonly #maxReplayBytes: number;
  readonly #gathered: (exchange: Exchange) => void;
  readonly #tunnelEnded: (exchange: Exchange) => void;

  constructor({ gathering, tunnels, limits, gathered, tunnelEnded }: BodiesOptions) {
    this.#gathering = gathering;
    this.#tunnels = tunnels;
    this.#maxReplayBytes = limits.maxReplayBytes;
    this.#gathered = gathered;
    this.#tunnelEnded = tunnelEnded;
  }

  /** The exchange is ready to be sent. Whether to collect its body first: `gathered` is then called when enough arrived. */
  begin(exchange: Exchange): boolean {
    if (exchange.requestLength !== 0 && exchange.replay === null) startReplay(exchange, this.#maxReplayBytes);
    return this.#gathering.begin(exchange);
  }

  requestData(exchange: Exchange, chunk: Buffer): void {
    exchange.requestBytes += chunk.length;
    if (exchange.tunnel) return this.#tunnels.fromClient(exchange, chunk);
    copyData(exchange, chunk);
    if (exchange.gathering) return this.#gather(exchange, chunk);
    if (exchange.phase === 'picked') keepForReplay(exchange, chunk, this.#maxReplayBytes);
    if (exchange.upstream?.writeData(chunk) === false) exchange.downstream.pauseRequest();
  }

  /** A connection is taken after all of a small body, or the first part of a large one. */
  #gather(exchange: Exchange, chunk: Buffer): void {
    if (this.#gathering.keep(exchange, chunk)) this.#gatheringEnd(exchange);
  }

  #gatheringEnd(exchange: Exchange): void {
    this.#gathering.end(exchange);
    this.#gathered(exchange);
  }

  requestEnd(exchange: Exchange, trailers: Headers | null): void {
    exchange.requestEnded = true;
    exchange.requestTrailers = trailers;
    copyEnd(exchange);
    if (exchange.phase === 'done') return;
    if (exchange.gathering) return this.#gatheringEnd(exchange);
    if (exchange.requestLength !== 0 || exchange.tunnel) exchange.upstream?.end(trailers);
    if (exchange.tunnel && exchange.responseEnded) this.#tunnelEnded(exchange);
  }

  responseData(exchange: Exchange, chunk: Buffer): void {
    exchange.responseBytes += chunk.length;
    if (exchange.tunnel) return this.#tunnels.fromBackend(exchange, chunk);
    if (!exchange.downstream.writeData(exchange, chunk)) exchange.upstream?.pauseResponse();
  }
}
