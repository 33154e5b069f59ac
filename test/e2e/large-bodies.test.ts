// A GiB of bodies in all, both ways at once, with flat memory, and the same through each combination of HTTP versions.
// `npm run soak` moves more.
import { expect, test } from '@jest/globals';
import * as bodies from '../soak/large-bodies.ts';
import * as translations from '../soak/translations.ts';

const DEADLINE_MS = 180_000;

test(
  'large bodies pass in both directions with flat memory',
  async () => {
    const { left, resident } = await bodies.moveLargeBodies(268_435_456);
    expect(left).toBeLessThan(bodies.MAX_LEFT_MIB);
    expect(resident).toBeLessThan(bodies.MAX_RESIDENT_MIB);
  },
  DEADLINE_MS,
);

test(
  'large bodies pass between HTTP/1.1 and HTTP/2 with flat memory, and others are served beside them',
  async () => {
    const { left, resident } = await translations.translateLargeBodies(67_108_864);
    expect(left).toBeLessThan(translations.MAX_LEFT_MIB);
    expect(resident).toBeLessThan(translations.MAX_RESIDENT_MIB);
  },
  DEADLINE_MS,
);
