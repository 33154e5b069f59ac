// The boundaries of gRPC messages in a stream of bytes.
import { PREFIX_BYTES } from './message-frame.ts';

/** Follows a stream without keeping any of it. */
export class MessageBoundary {
  /** Bytes of the message that are to come; of a prefix that is incomplete, none. */
  #rest = 0;
  #prefixBytes = 0;
  #length = 0;

  /** No message is incomplete. */
  get isClean(): boolean {
    return this.#rest === 0 && this.#prefixBytes === 0;
  }

  pass(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#rest > 0 ? this.#skip(chunk.length, at) : this.#readPrefix(chunk, at);
  }

  #skip(end: number, at: number): number {
    const passed = Math.min(this.#rest, end - at);
    this.#rest -= passed;
    return at + passed;
  }

  #readPrefix(chunk: Buffer, at: number): number {
    if (this.#prefixBytes > 0) this.#length = this.#length * 256 + (chunk[at] as number);
    this.#prefixBytes++;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#rest = this.#length;
      this.#prefixBytes = 0;
      this.#length = 0;
    }
    return at + 1;
  }
}
