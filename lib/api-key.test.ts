// API keys that Weir makes.
import { expect, test } from '@jest/globals';
import { isDamagedApiKey, makeApiKey, storedApiKey } from './api-key.ts';

test('a key has a prefix, and every key is another', () => {
  const keys = Array.from({ length: 100 }, makeApiKey);
  expect(new Set(keys).size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^weir_[0-9A-Za-z]{49}$/);
});

test('a key that is cut off or mistyped is noticed; keys of others are not judged', () => {
  const key = makeApiKey();
  const mistyped = `${key.slice(0, 10)}${key[10] === 'x' ? 'y' : 'x'}${key.slice(11)}`;
  expect([key, key.slice(0, -1), `${key}x`, mistyped, 'weir_', 'k-alice-0123456789'].map(isDamagedApiKey)).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
  ]);
});

test('at rest a key is its digest', () => {
  expect(storedApiKey('test')).toBe('sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');
});
