// Decodes the Base64 of gRPC-Web text while it arrives. It may be several texts, each with its own padding.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';

const MALFORMED = withDetail(ERRORS.grpcMessageMalformed, 'the body is not Base64');
/** Characters that hold three bytes. */
const QUANTUM = 4;
const TEXTS = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/;
const PADDED = /[A-Za-z0-9+/]*={0,2}/g;

export class TextStage implements BodyStage {
  #rest = '';

  data(chunk: Buffer, out: StageOutlet): boolean {
    const text = this.#rest + chunk.toString('latin1');
    const whole = text.length - (text.length % QUANTUM);
    this.#rest = text.slice(whole);
    if (whole === 0) return true;
    const bytes = decode(text.slice(0, whole));
    if (bytes !== null) return out.data(bytes);
    out.fail(MALFORMED);
    return true;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    if (this.#rest === '') out.end(trailers);
    else out.fail(MALFORMED);
  }
}

/** The bytes of whole quanta; null if they are not Base64. */
function decode(text: string): Buffer | null {
  if (!TEXTS.test(text)) return null;
  if (!text.includes('=')) return Buffer.from(text, 'base64');
  return Buffer.concat([...text.matchAll(PADDED)].map(([part]) => Buffer.from(part, 'base64')));
}
