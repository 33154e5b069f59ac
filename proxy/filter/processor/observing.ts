// An observer gets copies of what passes, and nothing waits for it: what it does not read in time it does not get.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Headers } from '../../exchange/headers.ts';
import { attributesOf } from './attributes.ts';
import type { Conversation } from './conversation.ts';
import { bodyMessage, headMessage, trailersMessage, type Half } from './half.ts';
import type { ProcessorPlan } from './processing.ts';

/** Sends copies of one half. Null: nothing of its body is wanted. */
export function observe(half: Half, { modes, attributes, sentNames }: ProcessorPlan, conversation: Conversation): BodyStage | null {
  const { headers, body, trailers } = modes[half.side];
  if (headers) conversation.tell({ ...headMessage(half, sentNames), ...attributesOf(attributes[half.side], half.exchange) });
  if (!half.hasBody || (body === 'None' && !trailers)) return null;
  return new ObservedBody(half, conversation, body !== 'None', trailers);
}

class ObservedBody implements BodyStage {
  readonly #half: Half;
  readonly #conversation: Conversation;
  readonly #sendsBody: boolean;
  readonly #sendsTrailers: boolean;
  #isBehind = false;

  constructor(half: Half, conversation: Conversation, sendsBody: boolean, sendsTrailers: boolean) {
    this.#half = half;
    this.#conversation = conversation;
    this.#sendsBody = sendsBody;
    this.#sendsTrailers = sendsTrailers;
    conversation.onDrained = () => (this.#isBehind = false);
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    if (this.#sendsBody && !this.#isBehind) this.#isBehind = !this.#conversation.tell(bodyMessage(this.#half, Buffer.from(chunk), false));
    return out.data(chunk);
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    if (trailers !== null && this.#sendsTrailers) this.#conversation.tell(trailersMessage(this.#half, trailers));
    else if (this.#sendsBody) this.#conversation.tell(bodyMessage(this.#half, Buffer.alloc(0), true));
    out.end(trailers);
  }
}
