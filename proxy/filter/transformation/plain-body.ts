// The whole body of an answer without its content coding.
import { promisify } from 'node:util';
import zlib from 'node:zlib';

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', promisify(zlib.gunzip)],
  ['x-gzip', promisify(zlib.gunzip)],
  ['deflate', promisify(zlib.inflate)],
  ['br', promisify(zlib.brotliDecompress)],
  ['zstd', promisify(zlib.zstdDecompress)],
  ['identity', (bytes) => Promise.resolve(bytes)],
]);

/** Null: the coding is unknown, the body does not have it, or it becomes larger than the limit. */
export async function plainBody(bytes: Buffer, coding: string, maxBytes: number): Promise<Buffer | null> {
  const decode = DECODERS.get(coding.trim().toLowerCase());
  if (decode === undefined) return null;
  try {
    return await decode(bytes, { maxOutputLength: maxBytes });
  } catch {
    return null;
  }
}
