import { describe, expect, test } from '@jest/globals';
import { strictObject } from './strict-json.ts';
import { parseToken } from './token.ts';

function encoded(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

function token(header: unknown, claims: unknown = { sub: 'a' }, signature = 'AAAA'): string {
  return `${encoded(header)}.${encoded(claims)}.${signature}`;
}

test('a token has an algorithm, a key id, claims and the signed text', () => {
  const text = token({ alg: 'RS256', kid: 'k', typ: 'JWT' });
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')));
  expect(parseToken(text)).toEqual({ algorithm: 'RS256', keyId: 'k', claims: { sub: 'a' }, signed, signature: Buffer.alloc(3) });
  expect(parseToken(token({ alg: 'RS256' }))?.keyId).toBe('');
});

describe('no token:', () => {
  test.each<[string, string]>([
    ['an empty text', ''],
    ['two parts', token({ alg: 'RS256' }).split('.').slice(0, 2).join('.')],
    ['an empty signature', token({ alg: 'RS256' }, {}, '')],
    ['padding', token({ alg: 'RS256' }, {}, 'AAA=')],
    ['a second spelling of the same byte', token({ alg: 'RS256' }, {}, 'AB')],
    ['a second spelling of the same two bytes', token({ alg: 'RS256' }, {}, 'AAB')],
    ['one character too many', token({ alg: 'RS256' }, {}, 'AAAAA')],
    ['a space', ` ${token({ alg: 'RS256' })}`],
    ['a line break at the end', `${token({ alg: 'RS256' })}\n`],
    ['no algorithm', token({})],
    ['an algorithm that is a list', token({ alg: ['RS256'] })],
    ['a key id that is a number', token({ alg: 'RS256', kid: 1 })],
    ['a huge key id', token({ alg: 'RS256', kid: 'k'.repeat(257) })],
    ['a type that is a number', token({ alg: 'RS256', typ: 1 })],
    ['another type', token({ alg: 'RS256', typ: 'logout+jwt' })],
    ['a critical extension', token({ alg: 'RS256', crit: [] })],
    ['compression', token({ alg: 'RS256', zip: 'DEF' })],
    ['a header that is null', token(null)],
    ['claims that are a text', token({ alg: 'RS256' }, '"a"')],
  ])('%s', (_, text) => {
    expect(parseToken(text)).toBeNull();
  });
});

describe('JSON is refused:', () => {
  test.each<[string, string]>([
    ['a member twice', '{"a":1,"a":1}'],
    ['a member twice, once escaped', String.raw`{"a":1,"\u0061":2}`],
    ['a member twice, inside', '{"a":[{"b":1,"b":2}]}'],
    ['a member twice, with white space', '{"a" :1,"a"\t\r\n:1}'],
    ['a member twice, after quotes and backslashes', String.raw`{"x":"\\","y":"\":\\\"","a":1,"a":1}`],
    ['a member twice, with quotes in its name', String.raw`{"\":":1,"\":":2}`],
    ['a member twice, the first one with members', '{"a":{"b":1},"a":1}'],
    ['__proto__', '{"__proto__":{}}'],
    ['__proto__, escaped', String.raw`{"\u005f_proto__":{}}`],
    ['great depth', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['a list', '[]'],
    ['null', 'null'],
    ['two values', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s', (_, text) => {
    expect(strictObject(Buffer.from(text))).toBeNull();
  });

  test('bytes that are not UTF-8', () => {
    expect(strictObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeNull();
  });
});

test.each(['AA', 'AQ', 'Ag', 'Aw', 'AAA', 'AAE', 'AA8', 'AAAA', 'AAAB', '__-_'])('a signature may be %s', (signature) => {
  expect(parseToken(token({ alg: 'RS256' }, {}, signature))?.signature).toEqual(Buffer.from(signature, 'base64url'));
});

test('JSON is read: equal names in other objects, and texts that look like names', () => {
  const value = { a: { b: 1 }, c: [{ b: '{"a":1,"a":' }, { b: 'a' }], b: 'x":', d: ['a', 'a'], e: 'x\\', '":': '\\"', '\\': 1 };
  expect(strictObject(Buffer.from(JSON.stringify(value)))).toEqual(value);
});
