// A stage that compresses or decompresses a body with a stream of node:zlib, which works outside of the event loop.
import type { Transform } from 'node:stream';
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';

/** A stream of node:zlib. */
export interface Coder {
  readonly stream: Transform;
  /** Ends a block, so that the receiver can read everything before it. */
  flush(): void;
}

export interface CodingOptions {
  /** A pause of the source lets everything out that came before it. */
  readonly flushes: boolean;
  /** The body cannot be coded. */
  readonly failure: ExchangeError;
  /** Whether so much output of so much input is too much; absent: never. */
  readonly check?: (read: number, written: number) => ExchangeError | null;
}

export class CodingStage implements BodyStage {
  readonly #coder: Coder;
  readonly #flushes: boolean;
  readonly #check: NonNullable<CodingOptions['check']> | null;
  #read = 0;
  #written = 0;
  #out: StageOutlet | null = null;
  #trailers: Headers | null = null;
  /** A look for more data is due: `isFresh` if some came since the last one. */
  #looks = false;
  #isFresh = false;
  #isOver = false;

  constructor(coder: Coder, { flushes, failure, check }: CodingOptions) {
    this.#coder = coder;
    this.#flushes = flushes;
    this.#check = check ?? null;
    const { stream } = coder;
    stream.on('data', (chunk: Buffer) => this.#pass(chunk));
    stream.on('drain', () => this.#out?.ready());
    stream.on('end', () => this.#out?.end(this.#trailers));
    stream.on('error', () => this.#out?.fail(failure));
  }

  #pass(chunk: Buffer): void {
    const out = this.#out;
    if (out === null) return;
    this.#written += chunk.length;
    const objection = this.#check === null ? null : this.#check(this.#read, this.#written);
    if (objection !== null) return out.fail(objection);
    if (!out.data(chunk)) this.#coder.stream.pause();
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#out = out;
    this.#read += chunk.length;
    // The stream keeps the chunk after this call.
    const room = this.#coder.stream.write(Buffer.from(chunk));
    if (this.#flushes) this.#flushSoon();
    return room;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.#out = out;
    this.#trailers = trailers;
    this.#isOver = true;
    this.#coder.stream.end();
  }

  drained(): void {
    this.#coder.stream.resume();
    if (!this.#coder.stream.writableNeedDrain) this.#out?.ready();
  }

  stop(): void {
    this.#isOver = true;
    this.#out = null;
    this.#coder.stream.destroy();
  }

  /** A turn without new data is a pause. While data flows, flushes would only make the output longer. */
  #flushSoon(): void {
    this.#isFresh = true;
    if (this.#looks) return;
    this.#looks = true;
    setImmediate(() => this.#look());
  }

  #look(): void {
    this.#looks = false;
    if (this.#isOver) return;
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    if (!isFresh) this.#coder.flush();
    else {
      this.#looks = true;
      setImmediate(() => this.#look());
    }
  }
}
