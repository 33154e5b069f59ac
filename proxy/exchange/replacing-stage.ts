// A stage that replaces a body, or its beginning: the new bytes go out at once, and the old ones are dropped.
import type { BodyStage, StageOutlet } from './body-stage.ts';
import type { Headers } from './headers.ts';

/** So much of the body of a backend is dropped, and for so long (milliseconds), because its connection can be used again then. */
const MAX_DROPPED = 1_048_576;
const MAX_DROPPING_MS = 1_000;

export class ReplacingStage implements BodyStage {
  #body: Buffer | null;
  /** The bytes of the old body that are still to be dropped; Infinity: all, with its trailers. */
  #remaining: number;
  #dropped = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  /** `body`: null for none. `replaced`: the bytes of the old body in its place; all of them by default. */
  constructor(body: Buffer | null, replaced = Infinity) {
    this.#body = body;
    this.#remaining = replaced;
  }

  begin(out: StageOutlet): void {
    this.#send(out);
    if (this.#remaining === Infinity) this.#timer = setTimeout(() => this.#leave(out), MAX_DROPPING_MS).unref();
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    const room = this.#send(out);
    const dropped = Math.min(this.#remaining, chunk.length);
    this.#remaining -= dropped;
    this.#dropped += dropped;
    if (dropped < chunk.length) return out.data(chunk.subarray(dropped));
    if (this.#remaining === Infinity && this.#dropped > MAX_DROPPED) this.#leave(out);
    return room;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.stop();
    this.#send(out);
    if (!this.#isOver) out.end(this.#remaining === Infinity ? null : trailers);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #send(out: StageOutlet): boolean {
    const body = this.#body;
    this.#body = null;
    return body === null || body.length === 0 || out.data(body);
  }

  /** The old body may have no end. */
  #leave(out: StageOutlet): void {
    if (this.#isOver || !out.leave()) return;
    this.#isOver = true;
    this.stop();
    out.end(null);
  }
}
