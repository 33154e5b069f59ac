import { expect, test } from '@jest/globals';
import { canonicalJson, isDeeperThan, type JsonValue } from './canonical-json.ts';

test('members are sorted by UTF-16 code units, at every level', () => {
  // The order of section 3.2.3 of RFC 8785: an emoji has surrogates, which come before U+FB33.
  const names = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
  const value = Object.fromEntries(names.map((name, i) => [name, { b: i, a: [] }]));
  const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33'];
  const members = sorted.map((name) => `${JSON.stringify(name)}:{"a":[],"b":${names.indexOf(name)}}`);
  expect(canonicalJson(value)).toBe(`{${members.join(',')}}`);
});

test.each([
  ['0', -0],
  ['1e+21', 1e21],
  ['333333333.3333333', 333333333.33333329],
  ['4.5', 4.5],
  ['1e-27', 0.000000000000000000000000001],
  ['9007199254740992', 9007199254740992],
  ['"\\u000f\\n\\b\\"\\\\/€"', '\u000f\n\b"\\/€'],
  ['null', null],
  ['[true,false]', [true, false]],
])('%s', (text, value: JsonValue) => {
  expect(canonicalJson(value)).toBe(text);
});

test('members that are undefined do not count, and __proto__ is a member like others', () => {
  expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"c":2}}') as JsonValue)).toBe('{"__proto__":{"c":2},"b":1}');
});

test('the canonical text of a canonical text is the same', () => {
  const text = canonicalJson({ z: [1.5e300, { y: 'é', x: null }], a: '\ud83d\ude00' });
  expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text);
});

test('a depth is found without calls for all levels', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as JsonValue;
  expect(isDeeperThan(deep, 64)).toBe(true);
  expect(isDeeperThan([{ a: [1] }], 3)).toBe(false);
  expect(isDeeperThan([{ a: [1] }], 2)).toBe(true);
});
