// A kept body has the received bytes and takes about as much memory.
import { expect, test } from '@jest/globals';
import { KeptBody } from './kept-body.ts';

test('pieces of all sizes are kept unchanged', () => {
  const kept = new KeptBody();
  const pieces = [3, 1, 1_023, 1, 1_024, 5, 2_000, 1_000, 30].map((octets, i) => Buffer.alloc(octets, i));
  for (const piece of pieces) kept.keep(piece);
  expect(Buffer.concat(kept.pieces)).toEqual(Buffer.concat(pieces));
});

test('a body that arrives byte by byte takes little more memory than its bytes', () => {
  const kept = new KeptBody();
  for (let i = 0; i < 65_536; i++) kept.keep(Buffer.from('x'));
  expect(kept.memory).toBeLessThan(70_000);
  expect(kept.pieces.length).toBeLessThan(70);
});

test('a later change of a chunk does not change the kept bytes', () => {
  const kept = new KeptBody();
  const chunk = Buffer.from('a');
  kept.keep(chunk);
  kept.keep(chunk);
  chunk.write('b');
  expect(Buffer.concat(kept.pieces).toString()).toBe('aa');
});
