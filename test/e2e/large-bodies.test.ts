// A GiB of bodies in all, both ways at once, with flat memory. `npm run soak` moves more.
import { expect, test } from '@jest/globals';
import { moveLargeBodies } from '../soak/large-bodies.ts';

test('large bodies pass in both directions with flat memory', async () => {
  const { growth } = await moveLargeBodies(268_435_456);
  expect(growth).toBeLessThan(96);
});
