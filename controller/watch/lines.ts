// Splits the bytes of a watch stream into lines of JSON. Chunks may end anywhere.

const LINE_FEED = 0x0a;

/** etcd stores objects up to 1.5 MiB; as JSON, with both versions of a conversion, an object may be several times larger. */
export const MAX_LINE_BYTES = 16 * 1_024 * 1_024;

/** Keeps the incomplete last line. It joins bytes before decoding, since a chunk may end inside a character. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;
  readonly #maximum: number;

  constructor(maximum: number = MAX_LINE_BYTES) {
    this.#maximum = maximum;
  }

  /** The lines that this chunk completes, without empty ones. Throws if a line exceeds the maximum. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  #complete(end: Buffer): string {
    if (this.#parts.length === 0) return end.toString('utf8');
    this.#keep(end);
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maximum) throw new Error(`a line of the watch is longer than ${this.#maximum} bytes`);
    this.#parts.push(part);
  }
}
