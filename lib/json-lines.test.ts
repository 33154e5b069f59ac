import { expect, test } from '@jest/globals';
import { packLines, readLines } from './json-lines.ts';

test('parts have whole lines, and no more bytes than a part may have', () => {
  const values = Array.from({ length: 20 }, (_, i) => ({ i, text: 'ä'.repeat(i) }));
  const parts = [...packLines(values, 100)];
  expect(parts.length).toBeGreaterThan(3);
  for (const part of parts) expect(part.length).toBeLessThanOrEqual(100);
  expect(parts.flatMap(readLines)).toEqual(values);
});

test('nothing has no part', () => {
  expect([...packLines([], 100)]).toEqual([]);
});
