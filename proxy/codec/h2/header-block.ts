// A header block in several frames: HEADERS and its CONTINUATIONs (RFC 9113 section 6.10).

export class HeaderBlock {
  /** The stream of the block; 0 if there is none. */
  stream = 0;
  /** END_STREAM was set. */
  ended = false;
  /** The priority in the frame depends on the stream itself. */
  selfDependent = false;
  #pieces: Buffer[] = [];
  #length = 0;

  /** The number of collected octets. */
  get length(): number {
    return this.#length;
  }

  begin(stream: number, ended: boolean, selfDependent: boolean): void {
    this.stream = stream;
    this.ended = ended;
    this.selfDependent = selfDependent;
  }

  /** Appends a copy of `buffer[start, end)`. */
  push(buffer: Buffer, start: number, end: number): void {
    this.#pieces.push(Buffer.from(buffer.subarray(start, end)));
    this.#length += end - start;
  }

  /** Ends the block and returns it. */
  take(): Buffer {
    const block = Buffer.concat(this.#pieces);
    this.stream = 0;
    this.#pieces = [];
    this.#length = 0;
    return block;
  }
}
