// One body of a backend that several clients read at their own pace. All of it is kept as long as it is to be stored; a longer one passes in a
// window: a reader that falls behind by the window loses the answer, so that no other reader waits for it.

/** A client that reads. */
export interface BodyReader {
  /** New bytes, the end or a failure are there to read. */
  wake(): void;
  /** It reads too slowly. */
  cut(): void;
  /** The next piece that it needs. */
  readonly next: number;
}

/** The memory that all bodies under way share. */
export interface BodyRoom {
  /** Bytes are kept, or, below 0, kept no longer. */
  take(bytes: number): void;
  /** No further body is to be kept as a whole. */
  readonly isCrowded: boolean;
}

const ENDLESS: BodyRoom = { take: () => undefined, isCrowded: false };

/** The window of a body while the memory is crowded. */
const CROWDED_WINDOW = 65_536;

export class SharedBody {
  readonly #maxBytes: number;
  readonly #room: BodyRoom;
  readonly #pieces: Buffer[] = [];
  /** The number of the first piece that is kept. */
  #first = 0;
  #bytes = 0;
  #state: 'flows' | 'ended' | 'torn' = 'flows';
  #isWhole = true;
  #isReleased = false;
  readonly #readers = new Set<BodyReader>();
  /** Called when the source may go on. */
  #resume: (() => void) | null = null;

  /** `maxBytes`: of a body that is kept as a whole, and of the window of others. */
  constructor(maxBytes: number, room = ENDLESS) {
    this.#maxBytes = maxBytes;
    this.#room = room;
  }

  get #window(): number {
    return this.#room.isCrowded ? Math.min(CROWDED_WINDOW, this.#maxBytes) : this.#maxBytes;
  }

  get state(): 'flows' | 'ended' | 'torn' {
    return this.#state;
  }

  /** Nothing was dropped yet. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** All bytes, if nothing was dropped. */
  whole(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  join(reader: BodyReader): void {
    this.#readers.add(reader);
    reader.wake();
  }

  leave(reader: BodyReader): void {
    if (!this.#readers.delete(reader)) return;
    this.progressed();
    this.#release();
  }

  /** A piece by its number; null: it has not come yet. */
  piece(number: number): Buffer | null {
    return this.#pieces[number - this.#first] ?? null;
  }

  /** Takes bytes, which belong to the body from now on. False: the source waits for `resume`. */
  append(piece: Buffer, resume: () => void): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#room.take(piece.length);
    for (const reader of this.#readers) reader.wake();
    if (this.#bytes <= this.#window) return true;
    this.#isWhole = false;
    this.#trim();
    if (this.#bytes <= this.#window) return true;
    this.#cutLaggards();
    if (this.#bytes <= this.#window) return true;
    this.#resume = resume;
    return false;
  }

  end(): void {
    if (this.#state === 'flows') this.#finish('ended');
  }

  /** The source has failed. */
  tear(): void {
    if (this.#state === 'flows') this.#finish('torn');
  }

  #finish(state: 'ended' | 'torn'): void {
    this.#state = state;
    for (const reader of [...this.#readers]) reader.wake();
    this.#release();
  }

  /** Nothing comes any more, and no reader is left. One that was told of the body before may still join. */
  #release(): void {
    if (this.#state === 'flows' || this.#readers.size > 0 || this.#isReleased) return;
    this.#isReleased = true;
    this.#room.take(-this.#bytes);
  }

  /** A reader has read something. */
  progressed(): void {
    if (this.#resume === null) return;
    this.#trim();
    this.#cutLaggards();
    if (this.#bytes > this.#window) return;
    const resume = this.#resume;
    this.#resume = null;
    resume();
  }

  /** Drops what all have read. */
  #trim(): void {
    let least = this.#first + this.#pieces.length;
    for (const { next } of this.#readers) least = Math.min(least, next);
    while (this.#first < least) {
      const { length } = this.#pieces.shift() as Buffer;
      this.#bytes -= length;
      this.#room.take(-length);
      this.#first++;
    }
  }

  /** A reader waits for more, and others hold the whole window: those at its beginning are cut. */
  #cutLaggards(): void {
    const end = this.#first + this.#pieces.length;
    if (this.#bytes <= this.#window || ![...this.#readers].some(({ next }) => next === end)) return;
    for (const reader of [...this.#readers]) {
      if (reader.next !== this.#first || reader.next === end) continue;
      this.#readers.delete(reader);
      reader.cut();
    }
    this.#trim();
  }
}
