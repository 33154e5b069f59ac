import { describe, expect, test } from '@jest/globals';
import { contentHash } from './hash.ts';

describe('contentHash', () => {
  test('is 16 hexadecimal digits', () => {
    expect(contentHash('weir')).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is the same for a string and its UTF-8 bytes', () => {
    expect(contentHash('grüß')).toBe(contentHash(Buffer.from('grüß')));
  });

  test('differs for different content', () => {
    expect(contentHash('{"a":1}')).not.toBe(contentHash('{"a":2}'));
  });
});
