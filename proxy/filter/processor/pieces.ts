// The pieces of a body that a processor sends as it likes, with limits against one that never ends.

/** Pieces without bytes in a row, which a processor that leaves pieces out may send. */
const MAX_EMPTY = 1_000;

export class Pieces {
  readonly #maxBytes: number;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #empty = 0;

  constructor(maxBytes = Infinity) {
    this.#maxBytes = maxBytes;
  }

  /** Counts a piece. Null, or why it is one too many. */
  count({ length }: Buffer): string | null {
    this.#bytes += length;
    this.#empty = length === 0 ? this.#empty + 1 : 0;
    if (this.#bytes > this.#maxBytes) return 'the body of the processor is too large';
    return this.#empty > MAX_EMPTY ? 'the processor sends no bytes, and does not end' : null;
  }

  /** Keeps a piece too. */
  keep(piece: Buffer): string | null {
    this.#pieces.push(piece);
    return this.count(piece);
  }

  /** All that is kept. */
  get whole(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
