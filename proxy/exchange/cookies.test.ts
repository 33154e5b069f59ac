import { expect, test } from '@jest/globals';
import { cookieValue, removeCookie } from './cookies.ts';

test.each([
  [
    ['cookie', 'a=1; b=2; c=3'],
    ['cookie', 'a=1; c=3'],
  ],
  [['cookie', 'b=2'], []],
  [
    ['cookie', 'b=2; b=3', 'x', 'y', 'cookie', 'a=1'],
    ['x', 'y', 'cookie', 'a=1'],
  ],
  [
    ['cookie', 'bb=2; a=b=2'],
    ['cookie', 'bb=2; a=b=2'],
  ],
])('removes every cookie of the name from %j', (headers, left) => {
  removeCookie(headers, 'b');
  expect(headers).toEqual(left);
  expect(cookieValue(headers, 'b')).toBeNull();
});

test.each(['__proto__', 'constructor', 'length'])('finds no cookie %s if it is absent, and its value otherwise', (name) => {
  expect(cookieValue(['cookie', 'a=1'], name)).toBeNull();
  expect(cookieValue(['cookie', `a=1; ${name}=2`], name)).toBe('2');
});
