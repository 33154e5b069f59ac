// The head of a message where it was read: bytes to scan, which costs half of what characters of a string do, and text to cut from.

const EMPTY = Buffer.alloc(0);

/** Filled anew for each message; one per worker, since parsing never waits. All positions are positions in `bytes`. */
export class Head {
  bytes: Buffer = EMPTY;
  start = 0;
  /** Just after the empty line that ends it. */
  end = 0;
  #text = '';

  /** Takes `bytes[start, end)`. */
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

  /** Whether this stands at a position. */
  has(text: string, at: number): boolean {
    return this.#text.startsWith(text, at - this.start);
  }
}
