// Frames that the proxy itself sends on a WebSocket: whole, and without a mask (RFC 6455 section 5.1).

const TEXT = 0x81;
const PING = 0x89;
const PONG = 0x8a;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;
const MAX_TWO_BYTES = 65_535;

/** A message of text in one frame. */
export function textFrame(text: string): Buffer {
  return frame(TEXT, Buffer.from(text));
}

/** A ping whose pong is recognisable in a trace. */
export const PING_FRAME: Buffer = frame(PING, Buffer.from('weir'));

/** The answer to a ping: at most 125 bytes. */
export function pongFrame(payload: Buffer): Buffer {
  return frame(PONG, payload);
}

function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < TWO_BYTES) return Buffer.concat([Buffer.from([first, length]), payload]);
  if (length <= MAX_TWO_BYTES) return Buffer.concat([Buffer.from([first, TWO_BYTES, length >> 8, length & 0xff]), payload]);
  const head = Buffer.alloc(10);
  head.set([first, EIGHT_BYTES]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
