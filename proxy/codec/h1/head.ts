// The head of a message in the receive buffer: bytes to scan, which costs half of characters of a string, and text to slice.

const EMPTY = Buffer.alloc(0);

/** Reused for each message; one per worker, because parsing is synchronous. All positions are positions in `bytes`. */
export class Head {
  bytes: Buffer = EMPTY;
  start = 0;
  /** The position after the final empty line. */
  end = 0;
  #text = '';

  /** Sets the head to `bytes[start, end)`. */
  take(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.#text = bytes.latin1Slice(start, end);
    return this;
  }

  /** The text of `[from, to)`. */
  slice(from: number, to: number): string {
    return this.#text.slice(from - this.start, to - this.start);
  }

  /** Whether these bytes are at a position. */
  has(text: string, at: number): boolean {
    return this.#text.startsWith(text, at - this.start);
  }
}
