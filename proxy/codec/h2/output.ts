// What goes out on an HTTP/2 connection: the frames of a turn of the event loop, of however many streams, gathered in one block
// and written at once.
import type net from 'node:net';
import { TLSSocket } from 'node:tls';
import { atTurnEnd } from '#lib/turn-end.ts';
import type { Gatherer } from '#lib/turn-end.ts';
import { FRAME_HEADER, MAX_FRAME_SIZE } from './frames.ts';

/** Four full frames: as much as one read of an upstream can give. */
const BLOCK_BYTES = 4 * (MAX_FRAME_SIZE + FRAME_HEADER) + 1_024;
/** Blocks that nobody uses, kept for the next who does: a connection has one only while something waits to be written. */
const MAX_SPARE = 16;
const spare: Buffer[] = [];
/** Where a block is empty or gone. */
const NONE = Buffer.alloc(0);

export class H2Output implements Gatherer {
  readonly #socket: net.Socket;
  readonly #maxBuffered: number;
  /** Writes to TLS never finish in the call, so that a block would be gone with each. */
  readonly #late: boolean;
  #length = 0;
  #scheduled = false;
  /** Where frames are being gathered. */
  block: Buffer = NONE;
  /** Counts flushes: a frame can be changed as long as this is what it was when the frame was begun. */
  generation = 0;

  constructor(socket: net.Socket, maxBuffered: number) {
    this.#socket = socket;
    this.#late = socket instanceof TLSSocket;
    // Below the mark of the socket there would be no 'drain' to wait for.
    this.#maxBuffered = Math.max(maxBuffered, socket.writableHighWaterMark);
  }

  /** Whether the peer is behind by more than it may be. */
  get full(): boolean {
    return this.#socket.writableLength > this.#maxBuffered;
  }

  /** Begins a frame with room for its payload and returns where in `block` that goes; the caller fills all of it. */
  begin(type: number, flags: number, stream: number, length: number): number {
    const start = this.#take(FRAME_HEADER + length);
    const block = this.block;
    block[start] = length >>> 16;
    block[start + 1] = length >>> 8;
    block[start + 2] = length;
    block[start + 3] = type;
    block[start + 4] = flags;
    writeUint32(block, start + 5, stream);
    return start + FRAME_HEADER;
  }

  /** A frame of one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
  number(type: number, stream: number, value: number): void {
    const start = this.begin(type, 0, stream, 4);
    writeUint32(this.block, start, value);
  }

  /** Copies a whole frame or several. */
  raw(frames: Buffer): void {
    const start = this.#take(frames.length);
    this.block.set(frames, start);
  }

  /** Sees to it that what is begun next lies in one block, up to so many octets of it. */
  reserve(octets: number): void {
    if (this.#length + octets <= this.block.length) return;
    this.flush();
    this.block = octets <= BLOCK_BYTES ? (spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)) : Buffer.allocUnsafeSlow(octets);
  }

  /** Adds a flag to a frame, by the place of its flags. */
  flag(flagsAt: number, flag: number): void {
    this.block[flagsAt] = (this.block[flagsAt] as number) | flag;
  }

  #take(octets: number): number {
    this.reserve(octets);
    const start = this.#length;
    this.#length += octets;
    if (!this.#scheduled) {
      this.#scheduled = true;
      atTurnEnd(this);
    }
    return start;
  }

  turnEnded(): void {
    this.#scheduled = false;
    this.flush();
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#length === 0) return;
    const block = this.block;
    if (!this.#socket.writable) {
      this.#length = 0;
      return;
    }
    const frames = block.subarray(0, this.#length);
    this.block = NONE;
    this.#length = 0;
    this.generation++;
    // What waits in the socket holds its memory: as much as it needs, not a whole block.
    const copied = (this.#late || this.#socket.writableLength > 0) && frames.length * 2 <= block.length;
    this.#socket.write(copied ? Buffer.from(frames) : frames);
    if ((copied || this.#socket.writableLength === 0) && block.length === BLOCK_BYTES && spare.length < MAX_SPARE) spare.push(block);
  }
}

function writeUint32(block: Buffer, position: number, value: number): void {
  block[position] = value >>> 24;
  block[position + 1] = value >>> 16;
  block[position + 2] = value >>> 8;
  block[position + 3] = value;
}
