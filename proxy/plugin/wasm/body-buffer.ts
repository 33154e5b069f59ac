// The bytes of a body that a module has: a whole body, or what it holds of one that passes piece by piece.
import { STATUS, StatusError } from './status.ts';

export class BodyBuffer {
  readonly #most: number;
  #bytes: Buffer = Buffer.alloc(0);
  /** The module may read and change it now. */
  isOpen = false;
  /** It differs from what has arrived since it was empty. */
  isChanged = false;

  /** `most`: the bytes that it may have. */
  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Takes a piece. False: that is more than it may have. */
  push(piece: Uint8Array): boolean {
    if (this.#bytes.length + piece.length > this.#most) return false;
    if (this.#bytes.length > 0) this.isChanged = true;
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#bytes, piece]);
    return true;
  }

  /** Puts bytes in place of `size` bytes from `start` on. */
  splice(start: number, size: number, bytes: Uint8Array): void {
    const from = Math.min(start, this.#bytes.length);
    const to = Math.min(from + size, this.#bytes.length);
    if (this.#bytes.length - (to - from) + bytes.length > this.#most) throw new StatusError(STATUS.badArgument);
    this.isChanged = true;
    this.#bytes = Buffer.concat([this.#bytes.subarray(0, from), bytes, this.#bytes.subarray(to)]);
  }

  /** Lets go of all. Null: it is what arrived last. */
  release(): Buffer | null {
    const [bytes, isChanged] = [this.#bytes, this.isChanged];
    this.#bytes = Buffer.alloc(0);
    this.isChanged = false;
    return isChanged ? bytes : null;
  }
}
