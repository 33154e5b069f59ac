// The output of a connection: small pieces wait for the end of the turn, so that a head and its body leave in one write; large pieces are
// copied, because their buffer is read into again at once.
import type net from 'node:net';
import { atTurnEnd } from '#lib/turn-end.ts';
import type { Gatherer } from '#lib/turn-end.ts';

/** Strings up to this size are written from the stack of the runtime, without an allocation (libuv's try-write). */
const GATHER_BYTES = 16_000;

export class Output implements Gatherer {
  readonly #socket: net.Socket;
  readonly #maxBuffered: number;
  #gathered = '';
  #scheduled = false;
  readonly #written: (() => void) | null;

  /** `written` is called after the bytes of a turn were written at its end. */
  constructor(socket: net.Socket, maxBuffered: number, written: (() => void) | null = null) {
    this.#socket = socket;
    this.#written = written;
    // Below the mark of the socket there would be no 'drain' event.
    this.#maxBuffered = Math.max(maxBuffered, socket.writableHighWaterMark);
  }

  /** Whether the peer is behind by more than the limit. */
  get full(): boolean {
    return this.#socket.writableLength > this.#maxBuffered;
  }

  /** Buffers text (latin1) until the next flush, at the latest until the end of this turn. */
  gather(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length > GATHER_BYTES) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      atTurnEnd(this);
    }
  }

  turnEnded(): void {
    this.#scheduled = false;
    if (this.#gathered === '') return;
    this.flush();
    if (this.#written !== null) this.#written();
  }

  /** Writes a piece of a body between two pieces of framing. False if the peer is behind. */
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

  /** Writes the buffered bytes. */
  flush(): void {
    if (this.#gathered === '') return;
    const text = this.#gathered;
    this.#gathered = '';
    this.#socket.write(text, 'latin1');
  }
}
