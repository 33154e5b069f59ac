// Stages for bodies that a processor has seen before they go on.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Headers } from '../../exchange/headers.ts';

/** Other bytes take the place of the first bytes of a body, or of all of it. */
export class ReplacedBody implements BodyStage {
  #bytes: Buffer | null;
  /** The bytes that are still to be dropped. */
  #dropped: number;

  /** `dropped`: Infinity for all of it with its trailers. */
  constructor(bytes: Buffer, dropped: number) {
    this.#bytes = bytes;
    this.#dropped = dropped;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    const room = this.#begin(out);
    const dropped = Math.min(this.#dropped, chunk.length);
    this.#dropped -= dropped;
    return dropped === chunk.length ? room : out.data(chunk.subarray(dropped));
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.#begin(out);
    out.end(this.#dropped === Infinity ? null : trailers);
  }

  #begin(out: StageOutlet): boolean {
    const bytes = this.#bytes;
    this.#bytes = null;
    return bytes === null || bytes.length === 0 || out.data(bytes);
  }
}
