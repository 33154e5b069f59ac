// A body on its way through stages: chunks of the source enter the first stage, and the output of the last one leaves for the receiver. Until
// the way is open, the output is held: filters still decide about the head that goes before it.
import type { BodyStage, StageOutlet } from './body-stage.ts';
import type { ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';
import { KeptBody } from './kept-body.ts';

/** The source and the receiver of a body. */
export interface BodyEnds {
  /** The source is to send nothing more for now. */
  pause(): void;
  resume(): void;
  /** The receiver gets a chunk. False: it is full, and `StagedBody.drained` follows. */
  data(chunk: Buffer): boolean;
  end(trailers: Headers | null): void;
  /** A stage refuses the body. */
  fail(error: ExchangeError): void;
  /** A stage has a bug. */
  failed(bug: unknown): void;
}

export class StagedBody {
  readonly #ends: BodyEnds;
  readonly #links: Link[] = [];
  /** The output while the way is closed; null: it is open. */
  #held: KeptBody | null = new KeptBody();
  #sourceEnded = false;
  /** The end has passed all stages. */
  #ended = false;
  #trailers: Headers | null = null;
  #stopped = false;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  /** Adds a stage at the end of a way that is still closed. The output so far passes it. */
  add(stage: BodyStage): void {
    const held = this.#held;
    if (held === null) throw new Error('a stage is added to a body on its way');
    const link = new Link(stage, this, this.#links.length);
    this.#links.push(link);
    this.#held = new KeptBody();
    const hasEnded = this.#ended;
    this.#ended = false;
    for (const piece of held.pieces) link.take(piece);
    if (hasEnded) link.finish(this.#trailers);
  }

  /** Takes a chunk of the source. */
  data(chunk: Buffer): void {
    if (!this.#stopped && !this.pass(0, chunk) && !this.#sourceEnded) this.#ends.pause();
  }

  /** Takes all of a body at once, without pauses of the source. */
  whole(body: Buffer | null): void {
    this.#sourceEnded = true;
    if (body !== null) this.data(body);
    this.end(null);
  }

  /** The source has ended. */
  end(trailers: Headers | null): void {
    this.#sourceEnded = true;
    if (!this.#stopped) this.finish(0, trailers);
  }

  /** The head is sent: the body follows. */
  open(): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    let room = true;
    for (const piece of held.pieces) room = this.pass(this.#links.length, piece);
    if (this.#stopped) return;
    if (this.#ended) this.#ends.end(this.#trailers);
    else if (room) this.drained();
  }

  /** The receiver has room again. */
  drained(): void {
    if (this.#held === null) this.ready(this.#links.length);
  }

  /** The exchange is over. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#held = null;
    for (const { stage } of this.#links) stage.stop?.();
  }

  // For the links

  /** A chunk arrives at a step; after the last stage comes the receiver. */
  pass(step: number, chunk: Buffer): boolean {
    if (this.#stopped) return true;
    const link = this.#links[step];
    if (link !== undefined) return link.take(chunk);
    if (this.#held === null) return this.#ends.data(chunk);
    this.#held.keep(chunk);
    return false;
  }

  finish(step: number, trailers: Headers | null): void {
    if (this.#stopped) return;
    const link = this.#links[step];
    if (link !== undefined) return link.finish(trailers);
    this.#ended = true;
    this.#trailers = trailers;
    if (this.#held === null) this.#ends.end(trailers);
  }

  /** A step has room: so has the step before it, unless that one holds something back. */
  ready(step: number): void {
    if (this.#stopped) return;
    for (let before = step - 1; before >= 0; before--) {
      const link = this.#links[before] as Link;
      if (link.stage.drained !== undefined) return link.drained();
    }
    if (!this.#sourceEnded) this.#ends.resume();
  }

  fail(error: ExchangeError): void {
    if (!this.#stopped) this.#ends.fail(error);
  }

  failed(bug: unknown): void {
    if (!this.#stopped) this.#ends.failed(bug);
  }
}

/** A stage at its place. Calls from callbacks of the stage are outside of the path that isolates exchanges from each other. */
class Link implements StageOutlet {
  readonly stage: BodyStage;
  readonly #body: StagedBody;
  readonly #place: number;

  constructor(stage: BodyStage, body: StagedBody, place: number) {
    this.stage = stage;
    this.#body = body;
    this.#place = place;
  }

  take(chunk: Buffer): boolean {
    return this.stage.data(chunk, this);
  }

  finish(trailers: Headers | null): void {
    this.stage.end(trailers, this);
  }

  drained(): void {
    this.stage.drained?.(this);
  }

  data(chunk: Buffer): boolean {
    try {
      return this.#body.pass(this.#place + 1, chunk);
    } catch (bug) {
      this.#body.failed(bug);
      return true;
    }
  }

  end(trailers: Headers | null): void {
    this.#guarded(() => this.#body.finish(this.#place + 1, trailers));
  }

  ready(): void {
    this.#guarded(() => this.#body.ready(this.#place));
  }

  fail(error: ExchangeError): void {
    this.#guarded(() => this.#body.fail(error));
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (bug) {
      this.#body.failed(bug);
    }
  }
}
