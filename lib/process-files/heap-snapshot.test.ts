// The memory that a heap snapshot needs.
import { expect, test } from '@jest/globals';
import { roomFor } from './heap-snapshot.ts';

const MIB = 1_024 * 1_024;

test('a heap snapshot needs twice the heap and a reserve', () => {
  expect(roomFor(100 * MIB, 264 * MIB)).toEqual({ ok: true, value: undefined });
  expect(roomFor(100 * MIB, 263.5 * MIB)).toEqual({
    ok: false,
    error: 'a heap snapshot may need 264 MiB, and 263 MiB are free; raise the memory limit, or take it of another process',
  });
});
