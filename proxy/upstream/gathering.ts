// Collects request bodies before a connection is taken for them, so that a slow client does not occupy a connection: small bodies as a
// whole, large ones in part.
import type { Exchange } from '../exchange/exchange.ts';
import { KeptBody } from '../exchange/kept-body.ts';
import type { Limits } from '../exchange/limits.ts';

/** The collected part of a body that is too large to keep for another attempt. */
const BEGINNING_BYTES = 16_384;

export class Gathering {
  readonly #limits: Pick<Limits, 'maxGatheredBytes' | 'maxReplayBytes'>;
  #held = 0;

  constructor(limits: Pick<Limits, 'maxGatheredBytes' | 'maxReplayBytes'>) {
    this.#limits = limits;
  }

  /** Memory in use. */
  get held(): number {
    return this.#held;
  }

  /** Whether to send the request only when `keep` returns true or the body ends. */
  begin(exchange: Exchange): boolean {
    if (exchange.requestLength <= 0 || exchange.requestBodyEnded || isConversation(exchange) || this.#held >= this.#limits.maxGatheredBytes)
      return false;
    exchange.replay ??= new KeptBody();
    exchange.gathering = true;
    // A filter may have paused it while the filter waited.
    exchange.downstream.resumeRequest();
    return true;
  }

  /** Keeps a piece. True: the collected part is large enough. */
  keep(exchange: Exchange, chunk: Buffer): boolean {
    const kept = exchange.replay as KeptBody;
    const before = kept.memory;
    kept.keep(chunk);
    this.#held += kept.memory - before;
    const isLarge = exchange.requestLength > this.#limits.maxReplayBytes;
    return (isLarge && exchange.requestBytes >= BEGINNING_BYTES) || this.#held >= this.#limits.maxGatheredBytes;
  }

  /** Collecting ends: the body is being sent, or is not needed any more. */
  end(exchange: Exchange): void {
    if (!exchange.gathering) return;
    exchange.gathering = false;
    this.#held -= exchange.replay?.memory ?? 0;
  }
}

/** Client and backend may have to exchange messages before the body continues. */
function isConversation({ grpc, upgrade, expectsContinue }: Exchange): boolean {
  return grpc || upgrade !== '' || expectsContinue;
}
