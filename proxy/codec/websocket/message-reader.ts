// Reads the messages of a client whose WebSocket ends in the proxy (RFC 6455 section 5): strict, without extensions, in bounded memory.
import { isUtf8 } from 'node:buffer';

/** Takes what a client sends. */
export interface MessageSink {
  /** A complete message of text. */
  text(message: string): void;
  /** The payload belongs to the caller. */
  ping(payload: Buffer): void;
  /** The client is there. */
  pong(): void;
}

/** Why the WebSocket must end, as codes of close frames (section 7.4.1); 0: it goes on. */
export const FAULT = Object.freeze({ none: 0, protocol: 1_002, unsupported: 1_003, notText: 1_007, tooLarge: 1_009 });

/** A close frame without a status. */
const NO_STATUS = 1_005;

const OPCODE = Object.freeze({ continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa });
const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MAX_HEADER = 14;
const MAX_CONTROL = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;
const MAX_TWO_BYTES = 65_535;
const STATUS_BYTES = 2;
const NOTHING = Buffer.alloc(0);

export class MessageReader {
  readonly #sink: MessageSink;
  readonly #maxMessageBytes: number;
  readonly #header = Buffer.alloc(MAX_HEADER);
  #headerBytes = 0;
  /** The payload of the current frame, of which so many bytes are there; null: its header is incomplete. */
  #payload: Buffer | null = null;
  #filled = 0;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** A message has begun, and its last frame has not come. */
  #isOpen = false;
  /** The status in the close frame of the client; 0 before it. */
  closeCode = 0;

  constructor(sink: MessageSink, maxMessageBytes: number) {
    this.#sink = sink;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** The client has sent a part of a frame. */
  get inFrame(): boolean {
    return this.#payload !== null || this.#headerBytes > 0;
  }

  /** Takes a chunk. The rest after a fault or a close frame is dropped. */
  read(chunk: Buffer): number {
    for (let at = 0; at < chunk.length && this.closeCode === 0;) {
      if (this.#payload === null) {
        this.#header[this.#headerBytes++] = chunk[at++] as number;
        if (this.#headerBytes === 2 && !this.#mayBegin()) return FAULT.protocol;
        if (this.#headerBytes < this.#headerLength()) continue;
        const fault = this.#takeHeader();
        if (fault !== FAULT.none) return fault;
      } else at += this.#fill(this.#payload, chunk, at);
      const fault = this.#takeFrame();
      if (fault !== FAULT.none) return fault;
    }
    return FAULT.none;
  }

  /** The length of the header, as far as it is known. */
  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const length = (this.#header[1] as number) & ~MASKED;
    return 2 + (length === TWO_BYTES ? 2 : length === EIGHT_BYTES ? 8 : 0) + MASK_BYTES;
  }

  /** Section 5.1: a client masks every frame. Section 5.2: no extension gives reserved bits a meaning. */
  #mayBegin(): boolean {
    return ((this.#header[1] as number) & MASKED) !== 0 && ((this.#header[0] as number) & RESERVED) === 0;
  }

  #takeHeader(): number {
    const first = this.#header[0] as number;
    const length = this.#payloadLength();
    if (length < 0) return FAULT.protocol;
    const fault = (first & 0xf) >= OPCODE.close ? controlFault(first, length) : this.#pieceFault(first, length);
    if (fault !== FAULT.none) return fault;
    this.#payload = length === 0 ? NOTHING : Buffer.allocUnsafe(length);
    this.#filled = 0;
    return FAULT.none;
  }

  /** -1: not in the shortest form (section 5.2), or too large a number. */
  #payloadLength(): number {
    const length = (this.#header[1] as number) & ~MASKED;
    if (length < TWO_BYTES) return length;
    if (length === TWO_BYTES) {
      const two = this.#header.readUInt16BE(2);
      return two < TWO_BYTES ? -1 : two;
    }
    const eight = this.#header.readBigUInt64BE(2);
    return eight > Number.MAX_SAFE_INTEGER || eight <= MAX_TWO_BYTES ? -1 : Number(eight);
  }

  /** A frame of a message. */
  #pieceFault(first: number, length: number): number {
    const opcode = first & 0xf;
    const isFirst = opcode !== OPCODE.continuation;
    if (opcode > OPCODE.binary || isFirst === this.#isOpen) return FAULT.protocol;
    if (opcode === OPCODE.binary) return FAULT.unsupported;
    return this.#pieceBytes + length > this.#maxMessageBytes ? FAULT.tooLarge : FAULT.none;
  }

  /** Copies and unmasks a part of the payload. Returns its bytes. */
  #fill(payload: Buffer, chunk: Buffer, at: number): number {
    const octets = Math.min(payload.length - this.#filled, chunk.length - at);
    const mask = this.#headerLength() - MASK_BYTES;
    for (let i = 0; i < octets; i++, this.#filled++) {
      payload[this.#filled] = (chunk[at + i] as number) ^ (this.#header[mask + (this.#filled & 3)] as number);
    }
    return octets;
  }

  /** Acts on the current frame once it is complete. */
  #takeFrame(): number {
    const payload = this.#payload;
    if (payload === null || this.#filled < payload.length) return FAULT.none;
    const first = this.#header[0] as number;
    this.#payload = null;
    this.#headerBytes = 0;
    switch (first & 0xf) {
      case OPCODE.close:
        return this.#takeClose(payload);
      case OPCODE.ping:
        this.#sink.ping(payload);
        return FAULT.none;
      case OPCODE.pong:
        this.#sink.pong();
        return FAULT.none;
      default:
        return this.#takePiece(payload, (first & FINAL) !== 0);
    }
  }

  #takePiece(payload: Buffer, isLast: boolean): number {
    this.#isOpen = !isLast;
    if (!isLast || this.#pieces.length > 0) {
      this.#pieces.push(payload);
      this.#pieceBytes += payload.length;
    }
    if (!isLast) return FAULT.none;
    const message = this.#pieces.length === 0 ? payload : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#pieceBytes = 0;
    // Section 8.1.
    if (!isUtf8(message)) return FAULT.notText;
    this.#sink.text(message.toString());
    return FAULT.none;
  }

  #takeClose(payload: Buffer): number {
    if (payload.length === 0) this.closeCode = NO_STATUS;
    else {
      const code = payload.readUInt16BE(0);
      if (!isStatus(code)) return FAULT.protocol;
      if (!isUtf8(payload.subarray(STATUS_BYTES))) return FAULT.notText;
      this.closeCode = code;
    }
    return FAULT.none;
  }
}

/** Section 5.5. A status has two bytes. */
function controlFault(first: number, length: number): number {
  const opcode = first & 0xf;
  const isValid = (first & FINAL) !== 0 && length <= MAX_CONTROL && opcode <= OPCODE.pong && !(opcode === OPCODE.close && length === 1);
  return isValid ? FAULT.none : FAULT.protocol;
}

/** Whether a peer may send the status (section 7.4): 1004, 1005, 1006 and 1015 never travel. */
function isStatus(code: number): boolean {
  if (code >= 3_000) return code <= 4_999;
  return code >= 1_000 && code <= 1_014 && code !== 1_004 && code !== 1_005 && code !== 1_006;
}
