import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findHeadEnd } from './head-end.ts';

function find(text: string, start = 0): number {
  return findHeadEnd(Buffer.from(text, 'latin1'), start);
}

describe('findHeadEnd', () => {
  test('finds the first empty line from any start of the head', () => {
    expect(find('GET / HTTP/1.1\r\na: b\r\n\r\nrest\r\n\r\n')).toBe(24);
    expect(find('xxGET / HTTP/1.1\r\n\r\n', 2)).toBe(20);
  });

  test('waits for the rest of an incomplete end', () => {
    for (const text of ['', '\r', 'GET', 'a\r\n', 'a\r\n\r', 'a\r\nb\r\n']) expect(find(text)).toBe(-1);
  });

  test('reports a bare line feed', () => {
    for (const text of ['\n', 'a\n', 'a\r\nb\n', 'a\n\n', 'a\r\n\n']) expect(find(text)).toBe(-2);
  });

  test('agrees with indexOf on any bytes', () => {
    const bytes = fc.array(fc.constantFrom('\r', '\n', 'a', '\r\n'), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(bytes, fc.nat(8), (text, start) => {
        const at = text.indexOf('\r\n\r\n', start);
        if (at >= 0) expect(find(text, start)).toBe(at + 4);
        else expect(find(text, start)).toBeLessThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
