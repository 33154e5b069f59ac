// Bytes > frames, in place: a complete frame is passed on from the receive buffer; only a frame across two reads is copied.
import { Frame, FRAME_HEADER, MAX_FRAME_SIZE, readUint31 } from './frames.ts';

/** The receiver of frames. */
export interface FrameSink {
  /** Takes a frame. False: stop. */
  frame(frame: Frame): boolean;
  /** A frame is larger than MAX_FRAME_SIZE; reading stops. */
  frameTooLarge(): void;
}

const EMPTY = Buffer.alloc(0);
/** The initial buffer of a partial frame: announcing much and sending little must stay cheap. */
const FIRST_CARRY = 1_024;

export class FrameReader {
  readonly #frame = new Frame();
  readonly #sink: FrameSink;
  /** The start of a partial frame. */
  #carry: Buffer = EMPTY;
  #carried = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** A frame has started and is incomplete. */
  get partial(): boolean {
    return this.#carried > 0;
  }

  /** Reads the bytes from `position` on. */
  read(chunk: Buffer, position: number): void {
    if (this.#carried > 0) position = this.#complete(chunk, position);
    while (chunk.length - position >= FRAME_HEADER) {
      const length = payloadLength(chunk, position);
      if (length > MAX_FRAME_SIZE) return this.#sink.frameTooLarge();
      const end = position + FRAME_HEADER + length;
      if (end > chunk.length) break;
      if (!this.#deliver(chunk, position, end)) return;
      position = end;
    }
    if (position < chunk.length) this.#keep(chunk, position, chunk.length);
  }

  /** Completes the partial frame and returns the start of the next. */
  #complete(chunk: Buffer, position: number): number {
    if (this.#carried < FRAME_HEADER) {
      position = this.#take(chunk, position, FRAME_HEADER);
      if (this.#carried < FRAME_HEADER) return position;
    }
    const length = payloadLength(this.#carry, 0);
    if (length > MAX_FRAME_SIZE) {
      this.#sink.frameTooLarge();
      return chunk.length;
    }
    position = this.#take(chunk, position, FRAME_HEADER + length);
    if (this.#carried < FRAME_HEADER + length) return position;
    const carry = this.#carry;
    this.#carry = EMPTY;
    this.#carried = 0;
    return this.#deliver(carry, 0, FRAME_HEADER + length) ? position : chunk.length;
  }

  /** Copies up to `total` bytes of the frame and returns the position of the rest of the chunk. */
  #take(chunk: Buffer, position: number, total: number): number {
    const end = Math.min(chunk.length, position + total - this.#carried);
    this.#keep(chunk, position, end);
    return end;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const size = this.#carried + end - start;
    if (size > this.#carry.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_CARRY, Math.min(size * 2, FRAME_HEADER + MAX_FRAME_SIZE)));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried = size;
  }

  #deliver(buffer: Buffer, position: number, end: number): boolean {
    const frame = this.#frame;
    frame.type = buffer[position + 3] as number;
    frame.flags = buffer[position + 4] as number;
    frame.stream = readUint31(buffer, position + 5);
    frame.buffer = buffer;
    frame.start = position + FRAME_HEADER;
    frame.end = end;
    return this.#sink.frame(frame);
  }
}

function payloadLength(buffer: Buffer, position: number): number {
  return ((buffer[position] as number) << 16) | ((buffer[position + 1] as number) << 8) | (buffer[position + 2] as number);
}
