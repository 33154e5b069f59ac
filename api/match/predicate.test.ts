import { describe, expect, test } from '@jest/globals';
import { headerValue, queryValue } from './predicate.ts';

describe('headerValue', () => {
  test('joins the values of a repeated header with a comma', () => {
    expect(headerValue(['x', '1', 'y', '2', 'x', '3'], 'x')).toBe('1,3');
  });

  test('does not confuse a value with a name', () => {
    expect(headerValue(['y', 'x', 'z', '2'], 'x')).toBeNull();
  });

  test.each(['__proto__', 'constructor', 'length', '0', 'hasOwnProperty'])('finds no header %s if it is absent', (name) => {
    expect(headerValue(['x', '1'], name)).toBeNull();
  });
});

describe('queryValue', () => {
  test.each([
    ['a=1', 'a', '1'],
    ['a=1&b=2', 'b', '2'],
    ['a=1&a=2', 'a', '1'],
    ['a', 'a', ''],
    ['a=', 'a', ''],
    ['a&a=1', 'a', ''],
    ['a==1', 'a', '=1'],
    ['a=x+y%20z', 'a', 'x y z'],
    ['a=%C3%A9', 'a', 'é'],
    ['%61=1', 'a', '1'],
    ['a+b=1', 'a b', '1'],
    ['&&a=1', 'a', '1'],
    ['=1', '', '1'],
    ['a=%zz', 'a', '%zz'],
    ['a=%ff', 'a', '%ff'],
    ['aa=1&a=2', 'a', '2'],
    ['__proto__=1', '__proto__', '1'],
  ])('of %j, %s is %j', (query, name, value) => expect(queryValue(query, name)).toBe(value));

  test.each([
    ['', 'a'],
    ['aa=1', 'a'],
    ['a=1', 'aa'],
    ['b=a', 'a'],
    ['A=1', 'a'],
    ['&', 'a'],
    ['a=1', 'constructor'],
  ])('%j has no %s', (query, name) => expect(queryValue(query, name)).toBeNull());

  test('a long query without names is read once, not once per parameter', () => {
    expect(queryValue('&'.repeat(200_000), 'a')).toBeNull();
    expect(queryValue('b&'.repeat(200_000), 'a')).toBeNull();
  });
});
