// Follows the frames of one direction of a WebSocket (RFC 6455 section 5) in its byte stream: the bounds of frames, and violations of the
// protocol and of limits. Holds back the header of a frame until it is complete, and changes nothing.
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';

/** The limits of a direction. */
export interface ScanLimits {
  /** The payload of one frame, and of all frames of one message, bytes; 0 is unlimited. */
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
}

const OPCODE = Object.freeze({ continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, pong: 0xa });
const FINAL = 0x80;
const MASKED = 0x80;
/** With permessage-deflate the first frame of a message may have it (RFC 7692 section 6). */
const COMPRESSED = 0x40;
const RESERVED = 0x70;
const MASK_BYTES = 4;
const MAX_HEADER = 14;
/** Section 5.5. */
const MAX_CONTROL = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;
/** A close frame without a status (section 7.1.5). */
const NO_STATUS = 1_005;

const NOTHING = Buffer.alloc(0);

export class FrameScanner {
  /**
   * The result of the last scan: held-back bytes to forward before the chunk, and the number of bytes of the chunk to forward after them.
   */
  before: Buffer = NOTHING;
  passed = 0;
  /** Messages that started in the chunk, and whether it has any bytes of messages. */
  messages = 0;
  sawData = false;
  readonly #fromClient: boolean;
  readonly #compressed: boolean;
  readonly #limits: ScanLimits;
  readonly #header = Buffer.alloc(MAX_HEADER);
  #headerBytes = 0;
  /** The remaining payload of the current frame. */
  #left = 0;
  /** The payload of the message so far, -1 between messages. */
  #message = -1;
  #closed = false;
  /** The status in the close frame, and its bytes to come. */
  #closeCode = 0;
  #codeLeft = 0;
  /** The current frame belongs to a message. */
  #isData = false;

  /** `compressed`: permessage-deflate was negotiated. Limits apply to the bytes on the wire. */
  constructor(direction: 'client' | 'server', compressed: boolean, limits: ScanLimits) {
    this.#fromClient = direction === 'client';
    this.#compressed = compressed;
    this.#limits = limits;
  }

  /** The forwarded bytes end with a frame: another may follow. */
  get atBoundary(): boolean {
    return this.#left === 0;
  }

  /** As `atBoundary`, and no byte of the next frame has arrived: for directions that do not hold back headers. */
  get betweenFrames(): boolean {
    return this.#left === 0 && this.#headerBytes === 0;
  }

  /** A close frame has passed, at least in part. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The status in the close frame; 0 until it is complete. */
  get closeCode(): number {
    return this.#codeLeft === 0 ? this.#closeCode : 0;
  }

  /** Follows a chunk. Returns the error of the frame after the bytes that may pass. */
  scan(chunk: Buffer): ExchangeError | null {
    let held = this.#headerBytes;
    this.before = NOTHING;
    this.passed = 0;
    this.messages = 0;
    this.sawData = this.#left > 0 && this.#isData;
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const octets = Math.min(this.#left, chunk.length - at);
        if (this.#codeLeft > 0) this.#readCode(chunk, at);
        this.#left -= octets;
        this.passed = at += octets;
        continue;
      }
      this.#header[this.#headerBytes++] = chunk[at++] as number;
      if (this.#headerBytes < this.#headerLength()) continue;
      const error = this.#takeHeader();
      if (error !== null) return error;
      if (held > 0) this.before = Buffer.from(this.#header.subarray(0, held));
      held = 0;
      this.#headerBytes = 0;
      this.passed = at;
    }
    return null;
  }

  /** The length of the header, as far as it is known. */
  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header[1] as number;
    const mask = (second & MASKED) === 0 ? 0 : MASK_BYTES;
    const length = second & ~MASKED;
    return 2 + (length === TWO_BYTES ? 2 : length === EIGHT_BYTES ? 8 : 0) + mask;
  }

  #takeHeader(): ExchangeError | null {
    const first = this.#header[0] as number;
    const opcode = first & 0xf;
    const length = this.#payloadLength();
    // Section 5.1: frames of clients are masked, all others are not. Section 5.5.1: no frame follows a close frame.
    const isMasked = ((this.#header[1] as number) & MASKED) !== 0;
    if (isMasked !== this.#fromClient || this.#closed || length < 0 || !this.#mayReserve(first)) return ERRORS.webSocketMalformed;
    this.#left = length;
    return opcode >= OPCODE.close ? this.#takeControl(first, length) : this.#takePiece(first, length);
  }

  /** -1: not in the shortest form (section 5.2), or too large a number. */
  #payloadLength(): number {
    const length = (this.#header[1] as number) & ~MASKED;
    if (length < TWO_BYTES) return length;
    if (length === TWO_BYTES) return atLeast(this.#header.readUInt16BE(2), TWO_BYTES);
    const large = this.#header.readBigUInt64BE(2);
    return large > Number.MAX_SAFE_INTEGER ? -1 : atLeast(Number(large), 65_536);
  }

  #mayReserve(first: number): boolean {
    const opcode = first & 0xf;
    const allowed = this.#compressed && (opcode === OPCODE.text || opcode === OPCODE.binary) ? COMPRESSED : 0;
    return (first & RESERVED & ~allowed) === 0;
  }

  #takeControl(first: number, length: number): ExchangeError | null {
    const opcode = first & 0xf;
    const isValid = (first & FINAL) !== 0 && length <= MAX_CONTROL && opcode <= OPCODE.pong;
    // A status has two bytes.
    if (!isValid || (opcode === OPCODE.close && length === 1)) return this.#refuse(ERRORS.webSocketMalformed);
    this.#closed = opcode === OPCODE.close;
    if (this.#closed) [this.#closeCode, this.#codeLeft] = length === 0 ? [NO_STATUS, 0] : [0, 2];
    this.#isData = false;
    return null;
  }

  /** Reads the part of the close frame's status in a chunk, from `at` on. */
  #readCode(chunk: Buffer, at: number): void {
    for (let i = at; i < chunk.length && this.#codeLeft > 0; i++) {
      const mask = this.#fromClient ? (this.#header[2 + (2 - this.#codeLeft)] as number) : 0;
      this.#closeCode = (this.#closeCode << 8) | ((chunk[i] as number) ^ mask);
      this.#codeLeft--;
    }
  }

  /** A frame of a message. */
  #takePiece(first: number, length: number): ExchangeError | null {
    const opcode = first & 0xf;
    const isFirst = opcode !== OPCODE.continuation;
    if (opcode > OPCODE.binary || isFirst !== this.#message < 0) return this.#refuse(ERRORS.webSocketMalformed);
    this.#isData = true;
    this.sawData = true;
    if (isFirst) this.messages++;
    const message = length + (isFirst ? 0 : this.#message);
    this.#message = (first & FINAL) === 0 ? message : -1;
    const { maxFrameBytes, maxMessageBytes } = this.#limits;
    if (exceeds(length, maxFrameBytes) || exceeds(message, maxMessageBytes)) return this.#refuse(ERRORS.webSocketTooLarge);
    return null;
  }

  /** No byte of the frame passes. */
  #refuse(error: ExchangeError): ExchangeError {
    this.#left = 0;
    return error;
  }
}

function atLeast(length: number, minimum: number): number {
  return length < minimum ? -1 : length;
}

function exceeds(value: number, limit: number): boolean {
  return limit > 0 && value > limit;
}
