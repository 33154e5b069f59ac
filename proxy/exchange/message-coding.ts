// The codings of gRPC messages that the proxy can read: `grpc-encoding` of a head names that of the compressed messages that follow.
import { gunzip, inflate, type ZlibOptions } from 'node:zlib';

type Decode = (message: Buffer, options: ZlibOptions, done: (error: Error | null, decoded: Buffer) => void) => void;

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', gunzip],
  ['deflate', inflate],
]);

/** For `grpc-accept-encoding`. */
export const READABLE_CODINGS = ['identity', ...DECODERS.keys()].join(',');

/** Whether messages with this coding can be read. */
export function isReadable(coding: string): boolean {
  return coding === 'identity' || DECODERS.has(coding);
}

/** Why a message has no content. */
export type CodingFault = 'coding' | 'content' | 'size';

/** Decodes one message outside of the event loop. It may not become larger than `maxBytes`. */
export function decodeMessage(
  coding: string | null,
  message: Buffer,
  maxBytes: number,
  done: (decoded: Buffer | CodingFault) => void,
): void {
  const decode = coding === null ? undefined : DECODERS.get(coding);
  if (decode === undefined) return done('coding');
  decode(message, { maxOutputLength: maxBytes }, (error, decoded) => {
    if (error === null) done(decoded);
    else done((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'size' : 'content');
  });
}
