// The part of a request body that is kept in memory: to be sent once a connection is there, or once more on another attempt.

/** Pieces smaller than this are put together: a Buffer costs more than a hundred bytes beside its own. */
const BLOCK_BYTES = 1_024;

export class KeptBody {
  readonly pieces: Buffer[] = [];
  /** Bytes that it takes. */
  memory = 0;
  /** Where small pieces go, and how much of it is used; the last of the pieces is that part. */
  #block: Buffer | null = null;
  #used = 0;

  /** Keeps a copy of a piece. */
  keep(chunk: Buffer): void {
    // The first piece is all there is of most bodies.
    if (this.pieces.length === 0 || chunk.length >= BLOCK_BYTES) this.#keepApart(chunk);
    else this.#keepTogether(chunk);
  }

  #keepApart(chunk: Buffer): void {
    this.pieces.push(Buffer.from(chunk));
    this.memory += chunk.length;
    this.#block = null;
  }

  #keepTogether(chunk: Buffer): void {
    let block = this.#block;
    if (block === null || this.#used + chunk.length > BLOCK_BYTES) {
      block = this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#used = 0;
      this.pieces.push(block);
      this.memory += BLOCK_BYTES;
    }
    block.set(chunk, this.#used);
    this.#used += chunk.length;
    this.pieces[this.pieces.length - 1] = block.subarray(0, this.#used);
  }
}
