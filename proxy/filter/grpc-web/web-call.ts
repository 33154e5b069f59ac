// A call of a gRPC-Web client: its answer has the trailers in the body, as a last frame.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { CallTranslation } from '../../exchange/call-translation.ts';
import type { Headers } from '../../exchange/headers.ts';
import { MessageBoundary } from '../../exchange/message-boundary.ts';
import { PREFIX_BYTES } from '../../exchange/message-frame.ts';

/** The frame holds trailers, not a message. */
const TRAILERS_FLAG = 0x80;
const NO_TRAILERS: Headers = [];

export class WebCall implements CallTranslation, BodyStage {
  /** The answer is in Base64. */
  readonly isText: boolean;
  readonly #boundary = new MessageBoundary();
  /** The status of an answer that is only a head. */
  #early: Headers = NO_TRAILERS;

  constructor(isText: boolean) {
    this.isText = isText;
  }

  /** The head of the answer has had this status, which moves to the end of the body. */
  answersEarly(status: Headers): void {
    this.#early = status;
  }

  ending(trailers: Headers): Buffer | null {
    return this.#boundary.isClean ? this.#encoded(trailerFrame(trailers)) : null;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#boundary.pass(chunk);
    return out.data(this.#encoded(chunk));
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    out.data(this.#encoded(trailerFrame([...this.#early, ...(trailers ?? NO_TRAILERS)])));
    out.end(null);
  }

  #encoded(bytes: Buffer): Buffer {
    return this.isText ? Buffer.from(bytes.toString('base64'), 'latin1') : bytes;
  }
}

/** One line for each trailer, as HTTP/1.1 has headers. */
function trailerFrame(trailers: Headers): Buffer {
  let lines = '';
  for (let i = 0; i < trailers.length; i += 2) lines += `${trailers[i] as string}: ${trailers[i + 1] as string}\r\n`;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + lines.length);
  frame[0] = TRAILERS_FLAG;
  frame.writeUInt32BE(lines.length, 1);
  frame.write(lines, PREFIX_BYTES, 'latin1');
  return frame;
}
