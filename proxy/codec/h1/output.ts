// What goes out on a connection: small pieces wait for each other so that a head and its body leave in one write; large ones
// are copied, since the buffer they came in is read into again at once.
import type net from 'node:net';

/** Up to this a string is written from the stack of the runtime, without an allocation of its own (libuv's try-write). */
const GATHER_BYTES = 16_000;

export class Output {
  readonly #socket: net.Socket;
  readonly #maxBuffered: number;
  #gathered = '';
  #scheduled = false;
  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(socket: net.Socket, maxBuffered: number) {
    this.#socket = socket;
    // Below the mark of the socket there would be no 'drain' to wait for.
    this.#maxBuffered = Math.max(maxBuffered, socket.writableHighWaterMark);
  }

  /** Whether the peer is behind by more than it may be. */
  get full(): boolean {
    return this.#socket.writableLength > this.#maxBuffered;
  }

  /** Holds text (latin1) until the next flush, at the latest the end of this turn of the event loop. */
  gather(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length > GATHER_BYTES) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flushLater);
    }
  }

  /** Writes text (latin1) now, after what was gathered. */
  send(text: string): void {
    this.#gathered += text;
    this.flush();
  }

  /** Writes a piece of a body between two pieces of framing. False when the peer is behind. */
  write(before: string, chunk: Buffer, after: string): boolean {
    if (chunk.length + this.#gathered.length <= GATHER_BYTES) {
      this.gather(before + chunk.latin1Slice(0, chunk.length) + after);
      return !this.full;
    }
    const head = this.#gathered + before;
    this.#gathered = '';
    const copy = Buffer.allocUnsafe(head.length + chunk.length + after.length);
    copy.latin1Write(head, 0);
    copy.set(chunk, head.length);
    copy.latin1Write(after, head.length + chunk.length);
    this.#socket.write(copy);
    return !this.full;
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#gathered === '') return;
    const text = this.#gathered;
    this.#gathered = '';
    this.#socket.write(text, 'latin1');
  }
}
