// The output of an HTTP/2 connection: the frames of all streams in a turn of the event loop, collected in one block and written at once.
import type net from 'node:net';
import { TLSSocket } from 'node:tls';
import { atTurnEnd } from '#lib/turn-end.ts';
import type { Gatherer } from '#lib/turn-end.ts';
import { FRAME_HEADER, MAX_FRAME_SIZE } from './frames.ts';

/** Four full frames: as much as one read of a backend can deliver. */
const BLOCK_BYTES = 4 * (MAX_FRAME_SIZE + FRAME_HEADER) + 1_024;
/** Unused blocks, kept for the next connection: a connection has one only while bytes wait to be written. */
const MAX_SPARE = 16;
const spare: Buffer[] = [];
/** The position in an empty or absent block. */
const NONE = Buffer.alloc(0);

export class H2Output implements Gatherer {
  readonly #socket: net.Socket;
  readonly #maxBuffered: number;
  /** Writes to TLS never finish during the call, so each would take a block. */
  readonly #late: boolean;
  #length = 0;
  #scheduled = false;
  /** The block in use. */
  block: Buffer = NONE;
  /** The number of flushes: a frame can be changed as long as this number is the same as at its start. */
  generation = 0;

  constructor(socket: net.Socket, maxBuffered: number) {
    this.#socket = socket;
    this.#late = socket instanceof TLSSocket;
    // Below the mark of the socket there would be no 'drain' event.
    this.#maxBuffered = Math.max(maxBuffered, socket.writableHighWaterMark);
  }

  /** Whether the peer is behind by more than the limit. */
  get full(): boolean {
    return this.#socket.writableLength > this.#maxBuffered;
  }

  /** Starts a frame and returns the position of its payload in `block`; the caller fills all of it. */
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

  /** A frame with one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
  number(type: number, stream: number, value: number): void {
    const start = this.begin(type, 0, stream, 4);
    writeUint32(this.block, start, value);
  }

  /** Copies one or more whole frames. */
  raw(frames: Buffer): void {
    const start = this.#take(frames.length);
    this.block.set(frames, start);
  }

  /** Makes room so that the next octets, up to this many, are in one block. */
  reserve(octets: number): void {
    if (this.#length + octets <= this.block.length) return;
    this.flush();
    this.block = octets <= BLOCK_BYTES ? (spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)) : Buffer.allocUnsafeSlow(octets);
  }

  /** Adds a flag to a frame, by the position of its flags. */
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

  /** Writes the collected frames. */
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
    // Bytes that wait in the socket keep their memory: it is copied to size instead of keeping a whole block.
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
