// A GiB of bodies in all, both ways at once, with flat memory. `npm run soak` moves more.
import { expect, test } from '@jest/globals';
import { MAX_IN_USE_MIB, moveLargeBodies } from '../soak/large-bodies.ts';

test('large bodies pass in both directions with flat memory', async () => {
  const { inUse } = await moveLargeBodies(268_435_456);
  expect(inUse).toBeLessThan(MAX_IN_USE_MIB);
});
