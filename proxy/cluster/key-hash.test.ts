// The key of a request: its parts, and missing parts.
import { describe, expect, test } from '@jest/globals';
import { cookieValue } from '../exchange/cookies.ts';
import type { Principal } from '../exchange/principal.ts';
import { keyHash } from './key-hash.ts';
import type { HashKey } from './key-hash.ts';

const HEADER: HashKey = { from: 'header', name: 'x-user' };
const COOKIE: HashKey = { from: 'cookie', name: 'sid' };
const QUERY: HashKey = { from: 'query', name: 'q' };
const SOURCE: HashKey = { from: 'sourceIP' };

const PRINCIPAL: HashKey = { from: 'principal' };
const CONSUMER: HashKey = { from: 'consumer' };
const CLAIM: HashKey = { from: 'claim', name: 'tenant' };

/** A request of a caller. */
function caller(fields: Partial<Principal>) {
  const none: Principal = { id: 'ann', method: 'jwt', groups: [], claims: {}, consumer: '', plan: '' };
  return { ...subject(), principal: { ...none, ...fields } };
}

function subject(requestHeaders: string[] = [], query = '', clientAddress = '192.0.2.1') {
  return { clientAddress, requestHeaders, query };
}

describe('the hash of a key', () => {
  test.each([
    [HEADER, subject(['x-user', 'ann']), subject(['x-user', 'bob'])],
    [COOKIE, subject(['cookie', 'a=1; sid=x']), subject(['cookie', 'a=1; sid=y'])],
    [QUERY, subject([], 'a=1&q=x'), subject([], 'a=1&q=y')],
    [SOURCE, subject([], '', '192.0.2.1'), subject([], '', '192.0.2.2')],
    [PRINCIPAL, caller({ id: 'ann' }), caller({ id: 'bob' })],
    [PRINCIPAL, caller({ method: 'jwt' }), caller({ method: 'basic' })],
    [CONSUMER, caller({ consumer: 'ns/shop' }), caller({ consumer: 'ns/app' })],
    [CLAIM, caller({ claims: { tenant: 1 } }), caller({ claims: { tenant: 2 } })],
    [CLAIM, caller({ claims: { tenant: ['a', 'b'] } }), caller({ claims: { tenant: ['a'] } })],
  ])('depends on %j', (key, one, other) => {
    expect(keyHash([key], one)).toBe(keyHash([key], one));
    expect(keyHash([key], one)).not.toBe(keyHash([key], other));
  });

  test('depends on nothing else', () => {
    expect(keyHash([HEADER], subject(['x-user', 'ann'], 'q=1', '192.0.2.9'))).toBe(keyHash([HEADER], subject(['x-user', 'ann'])));
  });

  test('depends on all parts and their order', () => {
    const both = subject(['x-user', 'ann'], 'q=bob');
    const swapped = subject(['x-user', 'bob'], 'q=ann');
    expect(keyHash([HEADER, QUERY], both)).not.toBe(keyHash([HEADER, QUERY], swapped));
    expect(keyHash([HEADER, QUERY], subject(['x-user', 'ann']))).toBe(keyHash([HEADER, QUERY], subject(['x-user', 'ann'], 'q=')));
  });

  test.each([
    ['any part', [HEADER, COOKIE], subject()],
    ['a caller', [PRINCIPAL, CONSUMER, CLAIM], { ...subject(), principal: null }],
    ['a Consumer', [CONSUMER], caller({})],
    ['the claim', [CLAIM], caller({ claims: { tenants: 'a' } })],
    ['an own claim of the name', [{ from: 'claim', name: 'toString' }], caller({})],
    ['a claim that is a text', [CLAIM], caller({ claims: { tenant: { id: 1 } } })],
  ] as const)('is random without %s', (_, keys, one) => {
    const hashes = new Set(Array.from({ length: 10 }, () => keyHash(keys, one)));
    expect(hashes.size).toBeGreaterThan(1);
  });
});

describe('the value of a cookie', () => {
  test.each([
    ['sid=x', 'x'],
    ['a=1;sid=x;b=2', 'x'],
    ['a=1;  sid=x ', 'x'],
    ['xsid=1; sid=', ''],
    ['sidx=1', null],
    ['sid', null],
    ['', null],
    [';;;', null],
  ])('in %j', (list, value) => {
    expect(cookieValue(['cookie', list], 'sid')).toBe(value);
  });

  test('is that of the first header with it', () => {
    expect(cookieValue(['cookie', 'a=1', 'cookie', 'sid=x', 'cookie', 'sid=y'], 'sid')).toBe('x');
  });
});
