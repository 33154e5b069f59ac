// The messages of gRPC as bytes of a body (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): each is a byte of flags, four
// bytes with its length, and its bytes.

/** Flags and length. */
export const PREFIX_BYTES = 5;

/** The flag of a message that has the coding of its call. */
const COMPRESSED = 1;

/** The frame of a message that is not compressed. */
export function messageFrame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The message of a body that is exactly one message without compression; null: it is not. */
export function onlyMessage(body: Buffer): Buffer | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return null;
  return body.subarray(PREFIX_BYTES);
}

/** The bytes of the message in a frame, as they were sent. */
export function contentOf(frame: Buffer): Buffer {
  return frame.subarray(PREFIX_BYTES);
}

export function isCompressed(frame: Buffer): boolean {
  return frame[0] === COMPRESSED;
}
