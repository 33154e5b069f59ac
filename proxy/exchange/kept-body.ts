// The part of a request body that is kept in memory, to send it once a connection is available, or again in another attempt.

/** Smaller pieces are combined: a Buffer costs more than a hundred bytes besides its content. */
const BLOCK_BYTES = 1_024;

export class KeptBody {
  readonly pieces: Buffer[] = [];
  /** The bytes of the body. */
  octets = 0;
  /** The bytes of memory. */
  memory = 0;
  /** The buffer for small pieces, and its used length; the last piece is that part. */
  #block: Buffer | null = null;
  #used = 0;

  /** Copies a piece. */
  keep(chunk: Buffer): void {
    this.octets += chunk.length;
    // Most bodies have only one piece.
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
