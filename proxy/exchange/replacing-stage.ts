// A stage that replaces a body: the new one goes out at once, and the chunks of the old one are dropped.
import type { BodyStage, StageOutlet } from './body-stage.ts';

export class ReplacingStage implements BodyStage {
  #body: Buffer | null;

  /** `body`: null for none. */
  constructor(body: Buffer | null) {
    this.#body = body;
  }

  data(_: Buffer, out: StageOutlet): boolean {
    return this.#send(out);
  }

  /** Trailers are those of the dropped body. */
  end(_: unknown, out: StageOutlet): void {
    this.#send(out);
    out.end(null);
  }

  #send(out: StageOutlet): boolean {
    const body = this.#body;
    this.#body = null;
    return body === null || body.length === 0 || out.data(body);
  }
}
