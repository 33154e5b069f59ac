// Large bodies in both directions at once, with flat memory, through each combination of HTTP versions. `npm run soak` moves more.
import { expect, test } from '@jest/globals';
import * as bodies from '../soak/large-bodies.ts';
import * as compression from '../soak/compression.ts';
import * as translations from '../soak/translations.ts';

const DEADLINE_MS = 180_000;
const MIB = 1_048_576;
/** Bytes of each body; and the limit for the growth of resident memory at its peak: no body is kept completely. */
const BODY_MIB = 96;
const MAX_RESIDENT_MIB = 96;
/** Bytes of the answer in each coding; and the limit for resident memory, with the windows of coders and decoders. */
const COMPRESSED_MIB = 128;
const MAX_COMPRESSED_RESIDENT_MIB = 120;
/** Bytes of the bodies of each combination. */
const TRANSLATED_MIB = 16;

test(
  'large bodies pass in both directions with flat memory',
  async () => {
    const { left, resident } = await bodies.moveLargeBodies(BODY_MIB * MIB);
    expect(left).toBeLessThan(bodies.MAX_LEFT_MIB);
    expect(resident).toBeLessThan(MAX_RESIDENT_MIB);
  },
  DEADLINE_MS,
);

test(
  'large answers are compressed with flat memory',
  async () => {
    const { left, resident, wire } = await compression.compressLargeAnswers(COMPRESSED_MIB * MIB);
    expect(left).toBeLessThan(compression.MAX_LEFT_MIB);
    expect(resident).toBeLessThan(MAX_COMPRESSED_RESIDENT_MIB);
    expect(wire).toBeLessThan(COMPRESSED_MIB);
  },
  DEADLINE_MS,
);

test(
  'large bodies pass between HTTP/1.1 and HTTP/2 with flat memory, and others are served beside them',
  async () => {
    const { left, resident } = await translations.translateLargeBodies(TRANSLATED_MIB * MIB);
    expect(left).toBeLessThan(translations.MAX_LEFT_MIB);
    expect(resident).toBeLessThan(translations.MAX_RESIDENT_MIB);
  },
  DEADLINE_MS,
);
