// The stages of bodies that several clients read: that of the client whose request brings the answer, and those of the others.
import type { BodyReader, SharedBody } from '../../cache/shared-body.ts';
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import { ERRORS } from '../../exchange/errors.ts';

/** Reads a shared body at the pace of one client. */
class Reading implements BodyReader {
  readonly #body: SharedBody;
  readonly #out: StageOutlet;
  readonly #tooSlow: () => void;
  #next = 0;
  #blocked = false;
  #over = false;

  constructor(body: SharedBody, out: StageOutlet, tooSlow: () => void) {
    this.#body = body;
    this.#out = out;
    this.#tooSlow = tooSlow;
  }

  get next(): number {
    return this.#next;
  }

  wake(): void {
    if (this.#over) return;
    const before = this.#next;
    while (!this.#blocked) {
      const piece = this.#body.piece(this.#next);
      if (piece === null) break;
      this.#next++;
      this.#blocked = !this.#out.data(piece);
    }
    if (this.#next !== before) this.#body.progressed();
    if (!this.#blocked || this.#body.state === 'torn') this.#finish();
  }

  #finish(): void {
    if (this.#body.state === 'flows' || this.#over) return;
    this.#over = true;
    this.#body.leave(this);
    if (this.#body.state === 'ended') this.#out.end(null);
    else this.#out.fail(ERRORS.upstreamBodyTruncated);
  }

  drained(): void {
    this.#blocked = false;
    this.wake();
  }

  cut(): void {
    this.#over = true;
    this.#tooSlow();
  }

  leave(): void {
    this.#over = true;
    this.#body.leave(this);
  }
}

/** For a client that reads the answer to the request of another one. */
export class FollowerStage implements BodyStage {
  readonly #body: SharedBody;
  #reading: Reading | null = null;

  constructor(body: SharedBody) {
    this.#body = body;
  }

  /** It has no body of its own. */
  data(): boolean {
    return true;
  }

  end(_: unknown, out: StageOutlet): void {
    this.#reading = new Reading(this.#body, out, () => out.fail(ERRORS.clientTooSlow));
    this.#body.join(this.#reading);
  }

  drained(): void {
    this.#reading?.drained();
  }

  stop(): void {
    this.#reading?.leave();
  }
}

export interface LeaderOptions {
  /** The client itself gets no body. */
  readonly isMute: boolean;
  /** All of the body has come. */
  readonly complete: (body: SharedBody) => void;
  /** The beginning of the body is gone: no request may join any more. */
  readonly overflown: () => void;
  /** The body did not come to its end. */
  readonly torn: () => void;
  /** The client reads too slowly for the others. */
  readonly tooSlow: () => void;
}

/** For the client whose request brings the answer. */
export class LeaderStage implements BodyStage {
  readonly #body: SharedBody;
  readonly #options: LeaderOptions;
  #reading: Reading | null = null;
  #isPaused = false;
  #isOver = false;
  #hasOverflown = false;

  constructor(body: SharedBody, options: LeaderOptions) {
    this.#body = body;
    this.#options = options;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#begin(out);
    const room = this.#body.append(Buffer.from(chunk), () => {
      this.#isPaused = false;
      out.ready();
    });
    if (!room) this.#isPaused = true;
    if (!this.#body.isWhole && !this.#hasOverflown) {
      this.#hasOverflown = true;
      this.#options.overflown();
    }
    return room;
  }

  #begin(out: StageOutlet): void {
    if (this.#options.isMute || this.#reading !== null) return;
    this.#reading = new Reading(this.#body, out, this.#options.tooSlow);
    this.#body.join(this.#reading);
  }

  end(_: unknown, out: StageOutlet): void {
    this.#isOver = true;
    this.#begin(out);
    this.#options.complete(this.#body);
    this.#body.end();
    if (this.#options.isMute) out.end(null);
  }

  drained(out: StageOutlet): void {
    this.#reading?.drained();
    if (!this.#isPaused && !this.#isOver) out.ready();
  }

  stop(): void {
    this.#reading?.leave();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.torn();
    this.#body.tear();
  }
}
