// What is kept of a body is what came, for about as much memory.
import { expect, test } from '@jest/globals';
import { KeptBody } from './kept-body.ts';

test('pieces of every size come out as they went in', () => {
  const kept = new KeptBody();
  const pieces = [3, 1, 1_023, 1, 1_024, 5, 2_000, 1_000, 30].map((octets, i) => Buffer.alloc(octets, i));
  for (const piece of pieces) kept.keep(piece);
  expect(Buffer.concat(kept.pieces)).toEqual(Buffer.concat(pieces));
});

test('a body that comes byte by byte takes little more than its bytes', () => {
  const kept = new KeptBody();
  for (let i = 0; i < 65_536; i++) kept.keep(Buffer.from('x'));
  expect(kept.memory).toBeLessThan(70_000);
  expect(kept.pieces.length).toBeLessThan(70);
});

test('a chunk that changes afterwards changes nothing that was kept', () => {
  const kept = new KeptBody();
  const chunk = Buffer.from('a');
  kept.keep(chunk);
  kept.keep(chunk);
  chunk.write('b');
  expect(Buffer.concat(kept.pieces).toString()).toBe('aa');
});
