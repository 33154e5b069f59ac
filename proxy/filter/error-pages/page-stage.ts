// A stage that replaces a body by a page: the page goes out at once, and the chunks of the body are dropped.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';

export class PageStage implements BodyStage {
  #page: Buffer | null;

  constructor(page: Buffer) {
    this.#page = page;
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
    const page = this.#page;
    this.#page = null;
    return page === null || page.length === 0 || out.data(page);
  }
}
