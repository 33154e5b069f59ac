// Bytes > frames, in place: a frame that lies whole in what was read is handed on from there; only one that a read has cut is
// copied, and only its own bytes.
import { Frame, FRAME_HEADER, MAX_FRAME_SIZE, readUint31 } from './frames.ts';

/** Who takes frames. */
export interface FrameSink {
  /** Takes a frame. False when no more is wanted. */
  frame(frame: Frame): boolean;
  /** A frame is larger than MAX_FRAME_SIZE; nothing is read any more. */
  frameTooLarge(): void;
}

const EMPTY = Buffer.alloc(0);
/** What a cut frame gets at first: who announces much and sends little costs little. */
const FIRST_CARRY = 1_024;

export class FrameReader {
  readonly #frame = new Frame();
  readonly #sink: FrameSink;
  /** The beginning of a frame that was cut. */
  #carry: Buffer = EMPTY;
  #carried = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** A frame has begun and not ended. */
  get partial(): boolean {
    return this.#carried > 0;
  }

  /** Takes what was read, from `position` on. */
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

  /** Completes the frame that was cut and returns where the next begins. */
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

  /** Carries on up to `total` bytes of the frame and returns where the rest of the chunk begins. */
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
