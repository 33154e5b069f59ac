// The pieces of a body that a processor sends as it likes, with a limit against one that never ends.

/** Pieces without bytes in a row, which a processor that leaves pieces out may send. */
const MAX_EMPTY = 1_000;

export class Pieces {
  #empty = 0;

  /** Counts a piece. Null, or why it is one too many. */
  count({ length }: Buffer): string | null {
    this.#empty = length === 0 ? this.#empty + 1 : 0;
    return this.#empty > MAX_EMPTY ? 'the processor sends no bytes, and does not end' : null;
  }
}
