// What waits for a client of a hub that does not read as fast as it gets.
import type { LocalWay } from '../../exchange/local-stream.ts';

/** Bytes, and how many of them count. */
interface Waiting {
  readonly bytes: Buffer;
  readonly counts: number;
}

export class Outbox {
  readonly #way: LocalWay;
  readonly #maxBytes: number;
  #waiting: Waiting[] = [];
  #next = 0;
  #waitingBytes = 0;
  #isPaused = false;
  /** Something was sent since this was reset. */
  hasSent = false;

  constructor(way: LocalWay, maxBytes: number) {
    this.#way = way;
    this.#maxBytes = maxBytes;
  }

  /** The client is behind. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes that wait in the proxy. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Sends bytes now or later. False: too much waits. `isKept`: they come from a history, which has a limit of its own. */
  send(bytes: Buffer, isKept = false): boolean {
    this.hasSent = true;
    if (!this.#isPaused) {
      this.#way.data(bytes);
      return true;
    }
    const counts = isKept ? 0 : bytes.length;
    if (this.#waitingBytes + counts > this.#maxBytes) return false;
    this.#waitingBytes += counts;
    this.#waiting.push({ bytes, counts });
    return true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** The client has room again: sends what waits, until it is behind again. */
  resume(): void {
    this.#isPaused = false;
    while (this.#next < this.#waiting.length && !this.isPaused) {
      const { bytes, counts } = this.#waiting[this.#next++] as Waiting;
      this.#waitingBytes -= counts;
      this.#way.data(bytes);
    }
    if (this.#next < this.#waiting.length) return;
    this.#waiting = [];
    this.#next = 0;
  }
}
