// The coders of node:zlib, with parameters for bodies on their way: little memory for each, and no long searches.
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { Coder } from './coding-stage.ts';
import type { ContentCoding } from './accepted-coding.ts';

export type Effort = 'Fast' | 'Balanced' | 'Small';

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_OPERATION_FLUSH } = zlib.constants;
const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_d_windowLogMax, ZSTD_e_flush, Z_SYNC_FLUSH } = zlib.constants;

const LEVELS: Readonly<Record<ContentCoding, Readonly<Record<Effort, number>>>> = {
  gzip: { Fast: 1, Balanced: 5, Small: 9 },
  br: { Fast: 1, Balanced: 4, Small: 8 },
  zstd: { Fast: 1, Balanced: 3, Small: 9 },
};
/** Windows of 256 KiB: the memory of one answer stays below 2 MiB, and decoders need no more (RFC 9659 allows 8 MiB). */
const WINDOW_BITS = 18;

/** A new compressor. */
export function compressor(coding: ContentCoding, effort: Effort): Coder {
  const level = LEVELS[coding][effort];
  switch (coding) {
    case 'gzip':
      return coder(zlib.createGzip({ level }), Z_SYNC_FLUSH);
    case 'br':
      return coder(
        zlib.createBrotliCompress({ params: { [BROTLI_PARAM_QUALITY]: level, [BROTLI_PARAM_LGWIN]: WINDOW_BITS } }),
        BROTLI_OPERATION_FLUSH,
      );
    case 'zstd':
      return coder(
        zlib.createZstdCompress({ params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_windowLog]: WINDOW_BITS } }),
        ZSTD_e_flush,
      );
  }
}

/** `flush`: the number of the flush in this codec. */
function coder(stream: Transform & { flush(kind: number): void }, flush: number): Coder {
  return { stream, flush: () => stream.flush(flush) };
}

/** A new decompressor. */
export function decompressor(coding: ContentCoding): Coder {
  switch (coding) {
    case 'gzip':
      // A body of several members is valid (RFC 1952 section 2.2); other bytes behind the end are an error without the option.
      return coder(zlib.createGunzip(), Z_SYNC_FLUSH);
    case 'br':
      return coder(zlib.createBrotliDecompress({ rejectGarbageAfterEnd: true }), BROTLI_OPERATION_FLUSH);
    case 'zstd':
      // RFC 9659: decoders need not accept more.
      return coder(zlib.createZstdDecompress({ rejectGarbageAfterEnd: true, params: { [ZSTD_d_windowLogMax]: 23 } }), ZSTD_e_flush);
  }
}
