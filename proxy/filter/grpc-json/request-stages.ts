// Bodies of client streams: each line of JSON, or each chunk of an upload, becomes a message.
import type { Binding } from '#api/grpc-json/binding.ts';
import { httpBody } from '#api/grpc-json/http-body.ts';
import type { RequestFields } from '#api/grpc-json/request-message.ts';
import { encodeMessage } from '#lib/protobuf/encode.ts';
import { guarded } from '#lib/protobuf/fault.ts';
import { Message } from '#lib/protobuf/message.ts';
import { textOf } from '#lib/protobuf/raw-fields.ts';
import type { MessageType } from '#lib/protobuf/types.ts';
import type { Result } from '#lib/result.ts';
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import { KeptBody } from '../../exchange/kept-body.ts';
import { messageFrame } from '../../exchange/message-frame.ts';
import { PausingStage } from './pausing-stage.ts';

const NEWLINE = 0x0a;
/** Frames are passed on together, up to about so many bytes. Each may be far larger than its line: parts of the path are in all of them. */
const BATCH_BYTES = 16_384;
const TOO_LONG = withDetail(ERRORS.requestBodyTooLarge, 'a line is longer than maxMessageSize');

/** The frame of the message with this JSON as its body. */
export function frameOfJson(fields: RequestFields, body: Buffer): Result<Buffer> {
  const text = guarded(() => textOf(body));
  if (!text.ok) return text;
  return framed(fields.messageOf(text.value));
}

export function framed(message: Result<Message>): Result<Buffer> {
  return message.ok ? { ok: true, value: messageFrame(encodeMessage(message.value)) } : message;
}

/** The message with an upload, or a part of one, as its body. */
export function uploadOf({ method, body }: Binding, contentType: string, data: Buffer): Message {
  if (body === '*' || body === null) return httpBody(method.input, contentType, data);
  const message = new Message(method.input);
  message.set(body, httpBody(body.message as MessageType, contentType, data));
  return message;
}

/** Reads newline-delimited JSON. */
export class JsonLines extends PausingStage {
  readonly #fields: RequestFields;
  readonly #maxBytes: number;
  /** The beginning of a line. */
  #kept = new KeptBody();
  /** Of the lines before. */
  #frames: Buffer[] = [];
  #octets = 0;

  constructor(fields: RequestFields, maxBytes: number) {
    super();
    this.#fields = fields;
    this.#maxBytes = maxBytes;
  }

  protected override read(chunk: Buffer, out: StageOutlet): Buffer | null {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(chunk.subarray(start, end), out);
      start = end + 1;
      if (this.isOver) return null;
      if (this.#octets >= BATCH_BYTES && !this.#flush(out)) return chunk.subarray(start);
    }
    this.#keep(chunk.subarray(start), out);
    return this.isOver || this.#flush(out) ? null : Buffer.alloc(0);
  }

  protected override finish(out: StageOutlet): void {
    if (!this.#take(Buffer.alloc(0), out)) return;
    this.#flush(out);
    out.end(null);
  }

  /** Whether the next step has room for more. */
  #flush(out: StageOutlet): boolean {
    const frames = this.#frames;
    this.#frames = [];
    this.#octets = 0;
    return frames.length === 0 || out.data(Buffer.concat(frames));
  }

  /** Whether the line may go on. */
  #keep(rest: Buffer, out: StageOutlet): boolean {
    this.#kept.keep(rest);
    if (this.#kept.octets <= this.#maxBytes) return true;
    this.fail(TOO_LONG, out);
    return false;
  }

  /** Takes the end of a line; lines without content are no messages. Whether the body can go on. */
  #take(rest: Buffer, out: StageOutlet): boolean {
    if (!this.#keep(rest, out)) return false;
    const line = Buffer.concat(this.#kept.pieces);
    this.#kept = new KeptBody();
    if (line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)) return true;
    const frame = frameOfJson(this.#fields, line);
    if (!frame.ok) {
      this.fail(withDetail(ERRORS.messageInvalid, frame.error), out);
      return false;
    }
    this.#frames.push(frame.value);
    this.#octets += frame.value.length;
    return true;
  }
}

/** Sends each chunk as a message; the content type is in all of them. */
export class Upload implements BodyStage {
  readonly #fields: RequestFields;
  readonly #binding: Binding;
  readonly #contentType: string;

  constructor(fields: RequestFields, binding: Binding, contentType: string) {
    this.#fields = fields;
    this.#binding = binding;
    this.#contentType = contentType;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    const frame = framed(this.#fields.complete(uploadOf(this.#binding, this.#contentType, chunk)));
    if (frame.ok) return out.data(frame.value);
    out.fail(withDetail(ERRORS.messageInvalid, frame.error));
    return true;
  }

  end(_: Headers | null, out: StageOutlet): void {
    out.end(null);
  }
}
