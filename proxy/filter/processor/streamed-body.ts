// Stages that send the pieces of a body to a processor as they arrive.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { Conversation } from './conversation.ts';
import { bodyMessage, trailersMessage, type Half } from './half.ts';
import type { Reply } from './lane.ts';
import { bodyChangeOf, trailerChangeOf, type BodyMutation, type HeaderMutation } from './messages.ts';

/** What a stage needs of the processing of its exchange. */
export interface StageHost {
  readonly half: Half;
  readonly conversation: Conversation;
  readonly sendsTrailers: boolean;
  /** The error for a body that cannot go on without the processor. */
  readonly failure: ExchangeError;
  /** The error that a reply means; null: none. `changed`: a part of the body is already another one. */
  objection(reply: Reply, changed: boolean): ExchangeError | null;
  /** Changes trailers. Null, or the error. */
  changeTrailers(mutation: HeaderMutation | null, trailers: Headers): ExchangeError | null;
}

/** The bytes that may be with the processor: more than a round trip at full speed needs in a data centre. */
const WINDOW_BYTES = 262_144;
const NOTHING = Buffer.alloc(0);
/** The messages that may be with it. */
const WINDOW_MESSAGES = 64;

/** Each piece gets an answer, and goes on after it. */
export class StreamedBody implements BodyStage {
  readonly #host: StageHost;
  #bytes = 0;
  #messages = 0;
  #isFull = false;
  /** The processor does not work any more: pieces go on as they are. */
  #isOver = false;
  #isStopped = false;
  #hasChanged = false;

  constructor(host: StageHost) {
    this.#host = host;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    if (this.#isOver && this.#messages === 0) return out.data(chunk);
    this.#ask(Buffer.from(chunk), false, out, null);
    return this.#hasRoom;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    const { sendsTrailers } = this.#host;
    if (this.#isOver && this.#messages === 0) return out.end(trailers);
    if (trailers !== null && sendsTrailers) return this.#askTrailers([...trailers], out);
    this.#ask(Buffer.alloc(0), true, out, () => out.end(trailers));
  }

  drained(out: StageOutlet): void {
    this.#isFull = false;
    this.#host.conversation.hold(this, false);
    if (this.#hasRoom) out.ready();
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.conversation.hold(this, false);
  }

  get #hasRoom(): boolean {
    return !this.#isFull && this.#bytes < WINDOW_BYTES && this.#messages < WINDOW_MESSAGES;
  }

  #ask(piece: Buffer, isLast: boolean, out: StageOutlet, after: (() => void) | null): void {
    const { conversation, half } = this.#host;
    this.#bytes += piece.length;
    this.#messages++;
    conversation.tell(bodyMessage(half, piece, isLast));
    conversation.expect(half.parts.body, (reply) => {
      if (this.#isStopped) return false;
      const hadRoom = this.#hasRoom;
      this.#bytes -= piece.length;
      this.#messages--;
      if (!this.#replied(reply, piece, out)) return false;
      if (after !== null) after();
      else if (!hadRoom && this.#hasRoom) out.ready();
      return false;
    });
  }

  /** Passes on what the processor makes of a piece. False: the body cannot go on. */
  #replied(reply: Reply, piece: Buffer, out: StageOutlet): boolean {
    const objection = this.#host.objection(reply, this.#hasChanged);
    if (objection !== null) {
      out.fail(objection);
      return false;
    }
    const bytes = reply.type === 'answer' ? this.#changed(piece, bodyChangeOf(reply.answer, this.#host.half.parts.body)) : piece;
    this.#isOver ||= reply.type !== 'answer';
    if (bytes.length > 0 && !out.data(bytes)) {
      this.#isFull = true;
      this.#host.conversation.hold(this, true);
    }
    return true;
  }

  #changed(piece: Buffer, change: BodyMutation | null): Buffer {
    if (change === null) return piece;
    this.#hasChanged = true;
    return change.body ?? change.streamed_response?.body ?? NOTHING;
  }

  #askTrailers(trailers: Headers, out: StageOutlet): void {
    const { conversation, half } = this.#host;
    this.#messages++;
    conversation.tell(trailersMessage(half, trailers));
    conversation.expect(half.parts.trailers, (reply) => {
      if (this.#isStopped) return false;
      const objection = trailersObjection(this.#host, reply, trailers, this.#hasChanged);
      if (objection === null) out.end(trailers);
      else out.fail(objection);
      return false;
    });
  }
}

/** Applies the changes of trailers in a reply. Null, or the error. */
export function trailersObjection(host: StageHost, reply: Reply, trailers: Headers, changed: boolean): ExchangeError | null {
  const objection = host.objection(reply, changed);
  if (objection !== null || reply.type !== 'answer') return objection;
  return host.changeTrailers(trailerChangeOf(reply.answer, host.half.parts.trailers), trailers);
}

/** Only the trailers go to the processor; `before`: the stage that has changed the body. */
export class SentTrailers implements BodyStage {
  readonly #host: StageHost;
  readonly #before: BodyStage | null;
  #isStopped = false;

  constructor(host: StageHost, before: BodyStage | null) {
    this.#host = host;
    this.#before = before;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    return this.#before === null ? out.data(chunk) : this.#before.data(chunk, out);
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    if (trailers === null) return this.#finish(null, out);
    const { conversation, half } = this.#host;
    const own = [...trailers];
    conversation.tell(trailersMessage(half, own));
    conversation.expect(half.parts.trailers, (reply) => {
      if (this.#isStopped) return false;
      const objection = trailersObjection(this.#host, reply, own, false);
      if (objection === null) this.#finish(own, out);
      else out.fail(objection);
      return false;
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  #finish(trailers: Headers | null, out: StageOutlet): void {
    if (this.#before === null) out.end(trailers);
    else this.#before.end(trailers, out);
  }
}
