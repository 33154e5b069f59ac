import { expect, test } from '@jest/globals';
import { redisSlot } from './redis-slot.ts';

test.each([
  ['123456789', 0x31c3],
  ['foo', 12_182],
  ['weir:limit:a', 2_502],
  ['', 0],
])('%j is in the slot of the specification', (key, slot) => {
  expect(redisSlot(key)).toBe(slot);
});
