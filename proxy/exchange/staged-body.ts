// A body on its way through stages: chunks of the source enter the first stage, and the output of the last one leaves for the receiver. Until
// the way is open, the output is held: filters still decide about the head that goes before it, and may wait for the whole of it.
import type { BodyStage, StageOutlet } from './body-stage.ts';
import type { ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';
import { KeptBody } from './kept-body.ts';

/** The source and the receiver of a body. */
export interface BodyEnds {
  /** The source is to send nothing more for now. */
  pause(): void;
  resume(): void;
  /** Ends the source, of which nothing more is wanted. Absent: it must be read to its end. */
  leave?(): void;
  /** The receiver gets a chunk. False: it is full, and `StagedBody.drained` follows. */
  data(chunk: Buffer): boolean;
  end(trailers: Headers | null): void;
  /** A stage refuses the body. */
  fail(error: ExchangeError): void;
  /** A stage has a bug. */
  failed(bug: unknown): void;
}

/** The beginning of a body, or all of it. */
export interface BodyPart {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
  /** Of a whole body; null without any. */
  readonly trailers: Headers | null;
}

/** A filter waits for so many bytes, or for the end. */
interface Gathering {
  readonly maxBytes: number;
  readonly resolve: (part: BodyPart | null) => void;
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
  #gathering: Gathering | null = null;
  /** A stage takes the body while the way is closed. */
  #flows = false;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  /** The output is held. */
  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** A filter waits for the output. */
  get isGathering(): boolean {
    return this.#gathering !== null;
  }

  /** The body is wanted although the way is closed. */
  get isAwaited(): boolean {
    return this.#gathering !== null || this.#flows;
  }

  /**
   * Waits until all of the output is held, or more than so many bytes. Resolves to what is held, up to that number; to null if the exchange
   * ends before.
   */
  gather(maxBytes: number): Promise<BodyPart | null> {
    const held = this.#held;
    if (held === null || this.#stopped) return Promise.resolve(null);
    if (this.#ended || held.octets > maxBytes) return Promise.resolve(this.#part(held, maxBytes));
    return new Promise((resolve) => {
      this.#gathering = { maxBytes, resolve };
      this.ready(this.#links.length);
    });
  }

  #part({ pieces, octets }: KeptBody, maxBytes: number): BodyPart {
    const isWhole = this.#ended && octets <= maxBytes;
    const bytes = Buffer.concat(pieces);
    return isWhole ? { bytes, isWhole, trailers: this.#trailers } : { bytes: bytes.subarray(0, maxBytes), isWhole, trailers: null };
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
    else link.begin();
  }

  /** Adds a stage that takes the body at once. */
  flow(stage: BodyStage): void {
    this.#flows = true;
    this.add(stage);
    if (!this.#sourceEnded) this.#ends.resume();
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
    this.#gathered(null);
    for (const { stage } of this.#links) stage.stop?.();
  }

  // For the links

  /** A chunk arrives at a step; after the last stage comes the receiver. */
  pass(step: number, chunk: Buffer): boolean {
    if (this.#stopped) return true;
    const link = this.#links[step];
    if (link !== undefined) return link.take(chunk);
    if (this.#held === null) return this.#ends.data(chunk);
    return this.#hold(this.#held, chunk);
  }

  /** Whether a filter waits for more. */
  #hold(held: KeptBody, chunk: Buffer): boolean {
    held.keep(chunk);
    if (this.#gathering === null) return false;
    const { maxBytes } = this.#gathering;
    if (held.octets <= maxBytes) return true;
    this.#gathered(this.#part(held, maxBytes));
    return false;
  }

  #gathered(part: BodyPart | null): void {
    const gathering = this.#gathering;
    this.#gathering = null;
    if (gathering !== null) gathering.resolve(part);
  }

  finish(step: number, trailers: Headers | null): void {
    if (this.#stopped) return;
    const link = this.#links[step];
    if (link !== undefined) return link.finish(trailers);
    this.#ended = true;
    this.#trailers = trailers;
    if (this.#held === null) this.#ends.end(trailers);
    else if (this.#gathering !== null) this.#gathered(this.#part(this.#held, this.#gathering.maxBytes));
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

  /** A stage wants nothing more. False: the source must be read to its end. */
  leave(): boolean {
    if (this.#ends.leave === undefined) return false;
    if (this.#stopped || this.#sourceEnded) return true;
    this.#sourceEnded = true;
    this.#ends.leave();
    return true;
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

  begin(): void {
    this.stage.begin?.(this);
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

  leave(): boolean {
    try {
      return this.#body.leave();
    } catch (bug) {
      this.#body.failed(bug);
      return true;
    }
  }

  fail(error: ExchangeError): void {
    this.#guarded(() => this.#body.fail(error));
  }

  failed(bug: unknown): void {
    this.#body.failed(bug);
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (bug) {
      this.#body.failed(bug);
    }
  }
}
