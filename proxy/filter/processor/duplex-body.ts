// A body that goes to a processor and comes back in pieces that need not match: what goes on is only what the processor sends.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Headers } from '../../exchange/headers.ts';
import { KeptBody } from '../../exchange/kept-body.ts';
import { bodyMessage, trailersMessage } from './half.ts';
import type { Ending, Reply } from './lane.ts';
import { bodyChangeOf } from './messages.ts';
import { Pieces } from './pieces.ts';
import { trailersObjection, type StageHost } from './streamed-body.ts';

/** Bytes that a processor may send while the receiver is full: they come before an answer that is waited for. */
const MAX_BEYOND = 1_048_576;

export class DuplexBody implements BodyStage {
  readonly #host: StageHost;
  readonly #maxKept: number;
  /** What the processor has got, as long as all of it can still go on without the processor; null: it cannot. */
  #kept: KeptBody | null = new KeptBody();
  readonly #pieces = new Pieces();
  #out: StageOutlet | null = null;
  #trailers: Headers | null = null;
  /** The head has passed, so that the stage may fail. */
  #isOpen: boolean;
  /** The conversation has ended before that. */
  #early: Ending | null = null;
  #hasEnded = false;
  /** The processor has left: the body goes on as it is. */
  #isPassing = false;
  #isStopped = false;
  /** Bytes for a receiver that is full. */
  #beyond = 0;

  /** `maxKept`: bytes that can go on without the processor. `isOpen`: false until `open`. */
  constructor(host: StageHost, maxKept: number, isOpen = true) {
    this.#host = host;
    this.#maxKept = maxKept;
    this.#isOpen = isOpen;
  }

  begin(out: StageOutlet): void {
    if (this.#out !== null) return;
    this.#out = out;
    const { conversation, half } = this.#host;
    conversation.onDrained = () => this.#drained(out);
    conversation.pauseTime(half.parts.body, half, true);
    conversation.expect(half.parts.body, (reply) => !this.#isStopped && this.#replied(reply, out), true);
  }

  /** The head passes. `keepsBody`: the body may go on without the processor. */
  open(keepsBody: boolean): void {
    this.#isOpen = true;
    const [early, out] = [this.#early, this.#out];
    if (out !== null && early !== null) this.#replied(early, out);
    else if (!keepsBody && this.#kept?.octets !== 0) this.#kept = null;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.begin(out);
    if (this.#isPassing) return out.data(chunk);
    const piece = Buffer.from(chunk);
    this.#keep(piece);
    const { conversation, half } = this.#host;
    if (conversation.tell(bodyMessage(half, piece, false))) return true;
    // It does not read: its time runs.
    conversation.pauseTime(half.parts.body, half, false);
    return false;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.begin(out);
    if (this.#isPassing) return out.end(trailers);
    const { conversation, half, sendsTrailers } = this.#host;
    this.#hasEnded = true;
    this.#trailers = trailers === null ? null : [...trailers];
    conversation.pauseTime(half.parts.body, half, false);
    if (this.#trailers !== null && sendsTrailers) this.#askTrailers(this.#trailers, out);
    else conversation.tell(bodyMessage(half, Buffer.alloc(0), true));
  }

  drained(out: StageOutlet): void {
    this.#beyond = 0;
    this.#host.conversation.hold(this, false);
    out.ready();
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.conversation.onDrained = () => undefined;
    this.#host.conversation.hold(this, false);
  }

  #keep(piece: Buffer): void {
    const kept = this.#kept;
    if (kept !== null && kept.octets + piece.length <= this.#maxKept) kept.keep(piece);
    else this.#kept = null;
  }

  /** The processor reads again, and may wait for more. */
  #drained(out: StageOutlet): void {
    const { conversation, half } = this.#host;
    if (!this.#hasEnded) conversation.pauseTime(half.parts.body, half, true);
    out.ready();
  }

  /** With trailers, the answer to them ends the body. */
  #askTrailers(trailers: Headers, out: StageOutlet): void {
    const { conversation, half } = this.#host;
    conversation.tell(trailersMessage(half, trailers));
    conversation.expect(half.parts.trailers, (reply) => {
      if (this.#isStopped || this.#isPassing || this.#early !== null) return false;
      const objection = trailersObjection(this.#host, reply, trailers, true);
      if (objection === null && reply.type === 'answer') out.end(trailers);
      else out.fail(objection ?? this.#host.failure);
      return false;
    });
  }

  /** Whether more pieces follow. */
  #replied(reply: Reply, out: StageOutlet): boolean {
    if (reply.type !== 'answer' && !this.#isOpen) {
      this.#early = reply;
      return false;
    }
    const objection = this.#host.objection(reply, this.#kept === null);
    if (objection !== null) out.fail(objection);
    else if (reply.type !== 'answer') this.#left(out);
    else return this.#took(bodyChangeOf(reply.answer, this.#host.half.parts.body)?.streamed_response, out);
    return false;
  }

  #took(piece: { readonly body: Buffer; readonly end_of_stream: boolean } | undefined, out: StageOutlet): boolean {
    if (piece === undefined) return true;
    this.#kept = null;
    const { conversation } = this.#host;
    const fault = this.#pieces.count(piece.body) ?? this.#faultBeyond(piece.body);
    if (fault !== null) {
      // It calls this function again.
      conversation.fail(fault);
      return false;
    }
    if (piece.body.length > 0 && !out.data(piece.body)) conversation.hold(this, true);
    if (piece.end_of_stream) out.end(this.#trailers);
    return !piece.end_of_stream;
  }

  #faultBeyond({ length }: Buffer): string | null {
    if (this.#host.conversation.isHeldBy(this)) this.#beyond += length;
    return this.#beyond > MAX_BEYOND ? 'the processor sends more than the receiver takes' : null;
  }

  /** What it has got goes on as it was, if all of it is still there. */
  #left(out: StageOutlet): void {
    const kept = this.#kept;
    if (kept === null) return out.fail(this.#host.failure);
    this.#isPassing = true;
    this.#kept = null;
    let room = true;
    for (const piece of kept.pieces) room = out.data(piece);
    if (this.#hasEnded) out.end(this.#trailers);
    else if (room) out.ready();
  }
}
