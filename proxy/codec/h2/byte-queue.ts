// Bytes that wait for a window or for the end of a pause. They are packed: a million pieces of one byte take a megabyte instead of a
// hundred.

const BLOCK_BYTES = 16_384;

export class ByteQueue {
  readonly #blocks: Buffer[] = [];
  /** The used bytes of the last block, and the taken bytes of the first. */
  #filled = 0;
  #taken = 0;
  #length = 0;

  /** The number of waiting bytes. */
  get length(): number {
    return this.#length;
  }

  /** Appends a copy of `buffer[start, end)`. */
  push(buffer: Buffer, start: number, end: number): void {
    this.#length += end - start;
    while (start < end) {
      let last = this.#blocks.at(-1);
      if (last === undefined || this.#filled === last.length) last = this.#grow(end - start);
      const piece = Math.min(end - start, last.length - this.#filled);
      last.set(buffer.subarray(start, start + piece), this.#filled);
      this.#filled += piece;
      start += piece;
    }
  }

  /** Takes up to `octets` bytes from the front, as a view that stays valid. The queue must not be empty. */
  shift(octets: number): Buffer {
    const first = this.#blocks[0] as Buffer;
    const filled = this.#blocks.length === 1 ? this.#filled : first.length;
    const end = Math.min(filled, this.#taken + octets);
    const view = first.subarray(this.#taken, end);
    this.#length -= view.length;
    this.#taken = end;
    if (end === filled) this.#drop();
    return view;
  }

  /** A single small piece gets a small block. */
  #grow(octets: number): Buffer {
    const size = this.#blocks.length === 0 && octets < BLOCK_BYTES ? Math.max(512, octets) : BLOCK_BYTES;
    const block = Buffer.allocUnsafe(size);
    this.#blocks.push(block);
    this.#filled = 0;
    return block;
  }

  #drop(): void {
    this.#blocks.shift();
    this.#taken = 0;
    if (this.#blocks.length === 0) this.#filled = 0;
  }
}
