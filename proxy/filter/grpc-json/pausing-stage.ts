// A stage whose output may be far larger than its input: while the next step is full, it reads nothing more of what has arrived.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import { KeptBody } from '../../exchange/kept-body.ts';

export abstract class PausingStage implements BodyStage {
  /** The rest of a chunk, at which the next step was full. */
  #rest: Buffer | null = null;
  /** What arrived after it. */
  #waiting = new KeptBody();
  #isFull = false;
  #hasEnded = false;
  #isOver = false;

  /** Reads a chunk until the next step is full: returns what is left of it then, also if that is nothing; null if there is room for more. */
  protected abstract read(chunk: Buffer, out: StageOutlet): Buffer | null;

  /** All chunks have been read: passes on what is left of them. */
  protected abstract finish(out: StageOutlet): void;

  /** Nothing more is read: the exchange is over, or the body cannot go on. */
  protected get isOver(): boolean {
    return this.#isOver;
  }

  protected fail(error: ExchangeError, out: StageOutlet): void {
    this.#isOver = true;
    out.fail(error);
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    if (this.#isOver) return true;
    if (this.#isFull) {
      this.#waiting.keep(chunk);
      return false;
    }
    const rest = this.read(chunk, out);
    if (rest !== null) this.#pause(Buffer.from(rest));
    return rest === null;
  }

  end(_: Headers | null, out: StageOutlet): void {
    this.#hasEnded = true;
    if (!this.#isFull) this.#conclude(out);
  }

  drained(out: StageOutlet): void {
    this.#isFull = false;
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const rest = this.read(next, out);
      if (rest !== null) return this.#pause(rest);
    }
    if (this.#hasEnded) this.#conclude(out);
    else if (!this.#isOver) out.ready();
  }

  stop(): void {
    this.#isOver = true;
  }

  #pause(rest: Buffer): void {
    this.#isFull = true;
    this.#rest = rest;
  }

  /** What is to be read next; null: nothing. */
  #next(): Buffer | null {
    const rest = this.#rest;
    this.#rest = null;
    if (this.#isOver) return null;
    if (rest !== null && rest.length > 0) return rest;
    if (this.#waiting.octets === 0) return null;
    const waiting = Buffer.concat(this.#waiting.pieces);
    this.#waiting = new KeptBody();
    return waiting;
  }

  #conclude(out: StageOutlet): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.finish(out);
  }
}
