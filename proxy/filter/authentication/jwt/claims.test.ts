import { describe, expect, test } from '@jest/globals';
import { claimOf, lacksScope, problemOf, textsOf, type ClaimRules } from './claims.ts';

const NOW = 1_000_000;
const RULES: ClaimRules = { audiences: [], clockSkew: 10, required: [], scopes: [] };

function problem(claims: object, rules: Partial<ClaimRules> = {}): string | null {
  return problemOf({ exp: NOW + 60, ...claims }, { ...RULES, ...rules }, NOW);
}

describe('times', () => {
  test.each<[string, object, string | null]>([
    ['valid', {}, null],
    ['expired within the skew', { exp: NOW - 9 }, null],
    ['expired at the end of the skew', { exp: NOW - 10 }, 'the token has expired'],
    ['not before, within the skew', { nbf: NOW + 10 }, null],
    ['not before', { nbf: NOW + 11 }, 'the token is not valid yet'],
    ['issued in the future', { iat: NOW + 11 }, 'the token is not valid yet'],
    ['no expiry', { exp: undefined }, 'the token has no valid time of expiry'],
    ['an expiry that is a text', { exp: String(NOW + 60) }, 'the token has no valid time of expiry'],
    ['an endless expiry', { exp: Infinity }, 'the token has no valid time of expiry'],
    ['a negative start', { nbf: -1 }, 'the token has no valid time of expiry'],
    ['a start that is null', { nbf: null }, 'the token has no valid time of expiry'],
  ])('%s', (_, claims, expected) => {
    expect(problem(claims)).toBe(expected);
  });
});

describe('the audience', () => {
  test.each<[string, unknown, boolean]>([
    ['is one of the permitted', 'api', true],
    ['has one of the permitted', ['web', 'api'], true],
    ['begins like a permitted one', 'api2', false],
    ['differs in case', 'API', false],
    ['is missing', undefined, false],
    ['is an empty list', [], false],
    ['is an object', { api: true }, false],
    ['is in a list within the list', [['api']], false],
  ])('%s', (_, aud, isRight) => {
    expect(problem({ aud }, { audiences: ['api', 'shop'] })).toBe(isRight ? null : 'the token is for another audience');
  });
});

describe('a required claim', () => {
  test.each<[string, object, boolean]>([
    ['has a permitted value', { tenant: 'blue', active: false }, true],
    ['has a list with a permitted value', { tenant: ['x', 'red'], active: 0 }, true],
    ['has another value', { tenant: 'green', active: true }, false],
    ['is null', { tenant: 'blue', active: null }, false],
    ['is inherited', Object.create({ tenant: 'blue', active: true }) as object, false],
  ])('%s', (_, claims, isRight) => {
    const required = [
      { name: 'tenant', values: ['red', 'blue'] },
      { name: 'active', values: null },
    ];
    const result = problemOf(Object.assign(claims, { exp: NOW + 60 }) as Record<string, unknown>, { ...RULES, required }, NOW);
    expect(result === null).toBe(isRight);
  });
});

describe('scopes', () => {
  test.each<[string, object, boolean]>([
    ['in scope', { scope: 'read write admin' }, false],
    ['in scp, a list', { scp: ['read', 'write'] }, false],
    ['in both', { scope: 'read', scp: 'write' }, false],
    ['one missing', { scope: 'read' }, true],
    ['a part of a name', { scope: 'read writer' }, true],
    ['another case', { scope: 'read WRITE' }, true],
    ['none', {}, true],
  ])('%s', (_, claims, isLacking) => {
    expect(lacksScope(claims as Record<string, unknown>, ['read', 'write'])).toBe(isLacking);
  });
});

test('a claim is one of the token itself', () => {
  expect(claimOf({}, 'constructor')).toBeUndefined();
  expect(claimOf({ constructor: 'x' }, 'constructor')).toBe('x');
});

test('texts of claims', () => {
  expect([textsOf('a'), textsOf(1), textsOf(true), textsOf(['a', 1, 'b']), textsOf({ a: 1 }), textsOf(null)]).toEqual([
    ['a'],
    ['1'],
    ['true'],
    ['a', 'b'],
    [],
    [],
  ]);
});
