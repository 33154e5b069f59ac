// Compressed bodies equal what the reference decoders read, whatever the chunks and the pauses of the receiver.
import zlib from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ERRORS } from '../../exchange/errors.ts';
import { StagedBody } from '../../exchange/staged-body.ts';
import type { ContentCoding } from './accepted-coding.ts';
import { compressor } from './coders.ts';
import { CodingStage } from './coding-stage.ts';

const DECODERS = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync } as const;

/** Sends the chunks through the stage, to a receiver that is full after every `full`th chunk until a later turn. */
async function coded(stage: CodingStage, chunks: readonly Buffer[], full: number): Promise<Buffer> {
  const received: Buffer[] = [];
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  let goOn: () => void = () => undefined;
  let isPaused = false;
  const body = new StagedBody({
    pause: () => (isPaused = true),
    resume: () => {
      isPaused = false;
      goOn();
    },
    data: (chunk) => {
      received.push(Buffer.from(chunk));
      const room = received.length % full !== 0;
      if (!room) setImmediate(() => body.drained());
      return room;
    },
    end: () => resolve(),
    fail: (error) => reject(new Error(error.code)),
    failed: reject,
  });
  body.add(stage);
  body.open();
  for (const chunk of chunks) {
    if (isPaused) await new Promise<void>((resume) => (goOn = resume));
    body.data(chunk);
  }
  body.end(null);
  await over;
  body.stop();
  return Buffer.concat(received);
}

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 4_000 }))
    .map(([text, times]) => Buffer.from(text.repeat(times))),
);

test.each(['gzip', 'br', 'zstd'] as const)('%s', async (coding: ContentCoding) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.constantFrom('Fast', 'Balanced', 'Small'),
      async (chunks, full, flushes, effort) => {
        const sent = await coded(new CodingStage(compressor(coding, effort), { flushes, failure: ERRORS.internalError }), chunks, full);
        expect(DECODERS[coding](sent).equals(Buffer.concat(chunks))).toBe(true);
      },
    ),
    { numRuns: 3_400 },
  );
});
