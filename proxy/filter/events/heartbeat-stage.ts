// A stage that adds signs of life to a stream of server-sent events: comments, only where no event is under way.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Headers } from '../../exchange/headers.ts';

/** A comment, and an empty line that ends nothing (HTML standard, section 9.2.6). */
const COMMENT = Buffer.from(':\n\n');
/** The last bytes of lines of which the last one is empty. A CR LF is one end of a line, and so is each alone. */
const EMPTY_LINE = /(?:\n\n|\r\r|\n\r|[\r\n]\r\n)$/;
const TAIL = 3;
/** A byte order mark counts only at the beginning of the stream. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Has the stages that are open. */
export interface Heartbeats {
  add(stage: HeartbeatStage): void;
  delete(stage: HeartbeatStage): void;
}

export class HeartbeatStage implements BodyStage {
  readonly #beats: Heartbeats;
  #out: StageOutlet | null = null;
  /** The last bytes of the source. The beginning of a stream is like an empty line. */
  #tail = '\n\n';
  #lastAt = performance.now();
  #isFull = false;
  /** Only comments have passed so far. */
  #isNew = true;
  #isMarked = false;

  constructor(beats: Heartbeats) {
    this.#beats = beats;
  }

  begin(out: StageOutlet): void {
    this.#out = out;
    this.#beats.add(this);
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    const bytes = this.#isNew && this.#isMarked && chunk.subarray(0, MARK.length).equals(MARK) ? chunk.subarray(MARK.length) : chunk;
    this.#isNew = false;
    this.#tail = (this.#tail + chunk.latin1Slice(Math.max(0, chunk.length - TAIL))).slice(-TAIL);
    return this.#pass(bytes, out);
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.stop();
    out.end(trailers);
  }

  drained(out: StageOutlet): void {
    this.#isFull = false;
    out.ready();
  }

  stop(): void {
    this.#out = null;
    this.#beats.delete(this);
  }

  /** Sends a sign of life after so many milliseconds of silence, unless an event is under way or the client does not read. */
  look(now: number, heartbeat: number): void {
    const out = this.#out;
    if (out === null || this.#isFull || now - this.#lastAt < heartbeat || !EMPTY_LINE.test(this.#tail)) return;
    this.#isMarked = true;
    this.#pass(COMMENT, out);
  }

  #pass(bytes: Buffer, out: StageOutlet): boolean {
    this.#lastAt = performance.now();
    const room = out.data(bytes);
    this.#isFull = !room;
    return room;
  }
}
