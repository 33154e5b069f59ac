// Constants of HTTP/2 frames (RFC 9113 sections 4, 6 and 7), as on the wire.

/** Frame types. */
export const FRAME = Object.freeze({
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
});

/** Flags; one bit has different meanings on different frames. */
export const FLAG = Object.freeze({ endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 });

/** Error codes of RST_STREAM and GOAWAY. */
export const CODE = Object.freeze({
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
});

/** The first bytes of a client. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Octets of a frame header. */
export const FRAME_HEADER = 9;

/** The largest payload to accept, which is the least that a peer must accept, and the largest to send in one frame. */
export const MAX_FRAME_SIZE = 16_384;

/** The largest flow control window, and the initial window of a connection. */
export const MAX_WINDOW = 0x7fff_ffff;
export const DEFAULT_WINDOW = 65_535;

/** Largest stream identifier. */
export const MAX_STREAM_ID = 0x7fff_ffff;

/** One frame in a buffer. Reused for each frame, valid only during the call that passes it on. */
export class Frame {
  type = 0;
  flags = 0;
  /** Stream identifier, without the reserved bit. */
  stream = 0;
  /** The payload is `buffer[start, end)`. */
  buffer: Buffer = PREFACE;
  start = 0;
  end = 0;

  /** Octets of the payload. */
  get length(): number {
    return this.end - this.start;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

/** An unsigned 32-bit number. */
export function readUint32(buffer: Buffer, position: number): number {
  const high = ((buffer[position] as number) << 8) | (buffer[position + 1] as number);
  return high * 0x1_0000 + (((buffer[position + 2] as number) << 8) | (buffer[position + 3] as number));
}

/** A 31-bit number after a reserved bit. */
export function readUint31(buffer: Buffer, position: number): number {
  return readUint32(buffer, position) & 0x7fff_ffff;
}
