// A GiB of bodies in all, both ways at once, with flat memory. `npm run soak` moves more.
import { expect, test } from '@jest/globals';
import { MAX_LEFT_MIB, MAX_RESIDENT_MIB, moveLargeBodies } from '../soak/large-bodies.ts';

test('large bodies pass in both directions with flat memory', async () => {
  const { left, resident } = await moveLargeBodies(268_435_456);
  expect(left).toBeLessThan(MAX_LEFT_MIB);
  expect(resident).toBeLessThan(MAX_RESIDENT_MIB);
});
