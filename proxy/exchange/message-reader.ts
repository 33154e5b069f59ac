// Divides a body into the frames of its messages.
import { KeptBody } from './kept-body.ts';
import { PREFIX_BYTES } from './message-frame.ts';

/** Why a body cannot be divided. */
export type MessageFault = 'flags' | 'size';

export class MessageReader {
  readonly #maxBytes: number;
  /** What is not read yet. */
  readonly #chunks: Buffer[] = [];
  /** The beginning of a frame whose rest is to come; null: none. */
  #kept: KeptBody | null = null;
  /** The bytes of that frame, or of its prefix while that is incomplete. */
  #size = 0;

  /** `maxBytes`: of a message as it is sent. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** No frame is incomplete, and nothing is left to read. */
  get isClean(): boolean {
    return this.#kept === null && this.#chunks.length === 0;
  }

  /** Takes a chunk, which must stay as it is until `next` has returned null, or until `hold`. */
  feed(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** Copies what is left, so that the last chunk may change. */
  hold(): void {
    const last = this.#chunks.pop();
    if (last !== undefined) this.#chunks.push(Buffer.from(last));
  }

  /** The next whole frame, which may be a part of a chunk; null: there is none yet. */
  next(): Buffer | MessageFault | null {
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
      const frame = this.#kept === null ? this.#begin(chunk) : this.#continue(this.#kept, chunk);
      if (frame !== null) return frame;
    }
    return null;
  }

  #begin(chunk: Buffer): Buffer | MessageFault | null {
    const size = chunk.length < PREFIX_BYTES ? PREFIX_BYTES : this.#sizeOf(chunk);
    if (typeof size !== 'number') return size;
    if (chunk.length < size) {
      this.#kept = new KeptBody();
      this.#kept.keep(chunk);
      this.#size = size;
      return null;
    }
    this.#leave(chunk, size);
    return chunk.length === size ? chunk : chunk.subarray(0, size);
  }

  #continue(kept: KeptBody, chunk: Buffer): Buffer | MessageFault | null {
    const missing = this.#size - kept.octets;
    kept.keep(chunk.subarray(0, missing));
    this.#leave(chunk, missing);
    if (kept.octets < this.#size) return null;
    const bytes = Buffer.concat(kept.pieces);
    const size = this.#sizeOf(bytes);
    if (typeof size !== 'number') return size;
    // That was the prefix.
    this.#size = size;
    if (bytes.length < size) return null;
    this.#kept = null;
    return bytes;
  }

  #leave(chunk: Buffer, used: number): void {
    if (chunk.length > used) this.#chunks.unshift(chunk.subarray(used));
  }

  /** The bytes of a frame by its prefix. */
  #sizeOf(prefix: Buffer): number | MessageFault {
    if ((prefix[0] as number) > 1) return 'flags';
    const length = prefix.readUInt32BE(1);
    return length > this.#maxBytes ? 'size' : PREFIX_BYTES + length;
  }
}
