// Takes in request bodies before a connection is taken for them, so that a client that sends slowly keeps none from others: small
// ones whole, of large ones the beginning.
import type { Exchange } from '../exchange/exchange.ts';
import { KeptBody } from '../exchange/kept-body.ts';
import type { Limits } from '../exchange/limits.ts';

/** What is gathered of a body that is too large to be kept for another attempt. */
const BEGINNING_BYTES = 16_384;

export class Gathering {
  readonly #limits: Pick<Limits, 'maxGatheredBytes' | 'maxReplayBytes'>;
  #held = 0;

  constructor(limits: Pick<Limits, 'maxGatheredBytes' | 'maxReplayBytes'>) {
    this.#limits = limits;
  }

  /** Memory that is in use. */
  get held(): number {
    return this.#held;
  }

  /** Whether the request is to be sent only when `keep` or the end of its body says so. */
  begin(exchange: Exchange): boolean {
    if (exchange.requestLength <= 0 || exchange.requestEnded || isConversation(exchange) || this.#held >= this.#limits.maxGatheredBytes)
      return false;
    exchange.replay ??= new KeptBody();
    exchange.gathering = true;
    // A filter may have held it back while it waited.
    exchange.downstream.resumeRequest();
    return true;
  }

  /** Keeps a piece. True: that is enough. */
  keep(exchange: Exchange, chunk: Buffer): boolean {
    const kept = exchange.replay as KeptBody;
    const before = kept.memory;
    kept.keep(chunk);
    this.#held += kept.memory - before;
    const isLarge = exchange.requestLength > this.#limits.maxReplayBytes;
    return (isLarge && exchange.requestBytes >= BEGINNING_BYTES) || this.#held >= this.#limits.maxGatheredBytes;
  }

  /** Nothing more is gathered of the body; it is on its way, or not wanted any more. */
  end(exchange: Exchange): void {
    if (!exchange.gathering) return;
    exchange.gathering = false;
    this.#held -= exchange.replay?.memory ?? 0;
  }
}

/** Its two ends may have to hear each other before the body goes on. */
function isConversation({ grpc, upgrade, expectsContinue }: Exchange): boolean {
  return grpc || upgrade !== '' || expectsContinue;
}
