// A stage for filters that see the messages of a gRPC call one by one, whole and without their compression.
import type { BodyStage, StageOutlet } from './body-stage.ts';
import { ERRORS, withDetail, type ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';
import { decodeMessage } from './message-coding.ts';
import { contentOf, isCompressed } from './message-frame.ts';
import { MessageReader } from './message-reader.ts';

/** The two bodies of a call. */
export type MessageDirection = 'request' | 'answer';

export interface MessageStageOptions {
  readonly direction: MessageDirection;
  /** `grpc-encoding` of the head before the body; null without one. */
  readonly coding: string | null;
  /** Bytes of a message, compressed or not. */
  readonly maxBytes: number;
}

/** A message on its way, valid during the call that brings it. */
export interface CallMessage {
  /** Without compression. */
  readonly bytes: Buffer;
  /** As it was sent: to pass it on as it is. */
  readonly frame: Buffer;
}

/** The failures by their direction. */
const FAILURES = {
  request: { malformed: ERRORS.grpcMessageMalformed, size: ERRORS.requestBodyTooLarge, coding: ERRORS.contentCodingRefused },
  answer: { malformed: ERRORS.upstreamMalformed, size: ERRORS.answerTooLarge, coding: ERRORS.answerUnreadable },
} as const;

type Fault = 'flags' | 'size' | 'coding' | 'content' | 'end';

const DETAILS: Readonly<Record<Fault, string>> = {
  flags: 'a message has unknown flags',
  size: 'a message is larger than the limit of the filter that reads it',
  coding: 'a message has a coding that the proxy does not read',
  content: 'a message does not have its coding',
  end: 'the last message is not complete',
};

/** Brings the messages in order, the next one when the one before is decoded and the next step has room. */
export abstract class MessageStage implements BodyStage {
  readonly #options: MessageStageOptions;
  readonly #reader: MessageReader;
  /** A message is being decoded. */
  #isDecoding = false;
  /** The next step is full. */
  #isFull = false;
  /** The source has ended, with these trailers. */
  #ending: { readonly trailers: Headers | null } | null = null;
  #isOver = false;

  constructor(options: MessageStageOptions) {
    this.#options = options;
    this.#reader = new MessageReader(options.maxBytes);
  }

  /**
   * Takes a message: `frame` to the outlet passes it on, `messageFrame(...)` another one in its place, without compression; other bytes, none
   * or a failure may follow too. False: the next step is full.
   */
  protected abstract message(message: CallMessage, out: StageOutlet): boolean;

  /** All messages have been brought. */
  protected finish(trailers: Headers | null, out: StageOutlet): void {
    out.end(trailers);
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    if (this.#isOver) return true;
    if (this.#isDecoding || this.#isFull) {
      this.#reader.feed(Buffer.from(chunk));
      return false;
    }
    this.#reader.feed(chunk);
    if (this.#advance(out)) return true;
    this.#reader.hold();
    return false;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.#ending = { trailers };
    if (!this.#isDecoding && !this.#isFull) this.#conclude(out);
  }

  drained(out: StageOutlet): void {
    this.#isFull = false;
    if (!this.#isDecoding) this.#resume(out);
  }

  stop(): void {
    this.#isOver = true;
  }

  #resume(out: StageOutlet): void {
    if (this.#isOver || !this.#advance(out)) return;
    if (this.#ending === null) out.ready();
    else this.#conclude(out);
  }

  /** Brings messages as long as nothing has to wait. Whether there is room for more. */
  #advance(out: StageOutlet): boolean {
    while (!this.#isOver) {
      const frame = this.#reader.next();
      if (frame === null) return true;
      if (!Buffer.isBuffer(frame)) return this.#fail(frame, out);
      if (isCompressed(frame)) this.#decode(frame, out);
      else this.#isFull = !this.message({ bytes: contentOf(frame), frame }, out);
      if (this.#isDecoding || this.#isFull) return false;
    }
    return true;
  }

  #decode(frame: Buffer, out: StageOutlet): void {
    const { coding, maxBytes } = this.#options;
    const kept = Buffer.from(frame);
    this.#isDecoding = true;
    decodeMessage(coding, contentOf(kept), maxBytes, (decoded) => {
      this.#isDecoding = false;
      if (this.#isOver) return;
      try {
        if (!Buffer.isBuffer(decoded)) this.#fail(decoded, out);
        else this.#decoded({ bytes: decoded, frame: kept }, out);
      } catch (bug) {
        out.failed(bug);
      }
    });
  }

  #decoded(message: CallMessage, out: StageOutlet): void {
    this.#isFull = !this.message(message, out);
    if (!this.#isFull) this.#resume(out);
  }

  #conclude(out: StageOutlet): void {
    if (this.#isOver || this.#ending === null) return;
    if (!this.#reader.isClean) return void this.#fail('end', out);
    const { trailers } = this.#ending;
    this.#isOver = true;
    this.finish(trailers, out);
  }

  /** True: nothing waits any more. */
  #fail(fault: Fault, out: StageOutlet): true {
    this.#isOver = true;
    out.fail(failureOf(this.#options.direction, fault));
    return true;
  }
}

function failureOf(direction: MessageDirection, fault: Fault): ExchangeError {
  const failures = FAILURES[direction];
  const error = fault === 'size' || fault === 'coding' ? failures[fault] : failures.malformed;
  return withDetail(error, DETAILS[fault]);
}
