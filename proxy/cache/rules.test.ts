// The rules of RFC 9111 as pure functions, by tables.
import { describe, expect, test } from '@jest/globals';
import { answerDirectives, parseDirectives, requestDirectives, secondsOf } from './directives.ts';
import { initialAge, lifetimeOf } from './freshness.ts';
import { parseHttpTime } from './http-time.ts';
import { invalidated } from './invalidation.ts';
import { rangeOf } from './ranges.ts';
import { mayReplaceError, reuseOf } from './reuse.ts';
import { isUseful, storedHeaders } from './stored-answer.ts';
import { storageObstacle } from './storing.ts';
import { tagsOf } from './tags.ts';
import { addCondition, confirms, isNotModified, refreshed } from './validation.ts';
import { variantOf, varyNames } from './vary.ts';

const TERMS = { defaultTtl: null, maxTtl: null, heuristic: false, staleWhileRevalidate: 0, staleIfError: 0 };
const DATE = 'Mon, 30 Nov 2026 04:00:00 GMT';
const LATER = 'Mon, 30 Nov 2026 04:01:00 GMT';
const NOW = Date.parse(DATE);

/** Headers of lines like `vary: a`. */
const headers = (...lines: string[]): string[] =>
  lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
const answer = (status: number, ...lines: string[]) => {
  const all = headers(...lines);
  return { status, headers: all, ...answerDirectives(all) };
};

test.each([
  ['max-age=60, public', { 'max-age': '60', public: null }],
  ['MAX-AGE="60"', { 'max-age': '60' }],
  ['max-age=1, max-age=2', { 'max-age': '1' }],
  ['private="set-cookie, x", ,no-cache', { private: 'set-cookie, x', 'no-cache': null }],
  ['private="open', { 'no-store': null }],
  ['', {}],
])('the directives of %j', (text, expected) => {
  expect(Object.fromEntries(parseDirectives(text))).toEqual(expected);
});

test.each([
  ['max-age=60', 60],
  ['max-age=-1', 0],
  ['max-age=1.5', 0],
  ['max-age', 0],
  ['max-age=99999999999', 2_147_483_648],
  ['public', null],
])('the seconds of %j', (text, expected) => {
  expect(secondsOf(parseDirectives(text), 'max-age')).toBe(expected);
});

test('Pragma counts without Cache-Control only', () => {
  expect(requestDirectives(headers('pragma: no-cache')).has('no-cache')).toBe(true);
  expect(requestDirectives(headers('pragma: no-cache', 'cache-control: max-age=1')).has('no-cache')).toBe(false);
});

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', 784_111_777_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 784_111_777_000],
  ['Sun Nov  6 08:49:37 1994', 784_111_777_000],
  ['1994-11-06', null],
  ['0', null],
])('the time %j', (text, expected) => {
  expect(parseHttpTime(text)).toBe(expected);
});

describe('storing', () => {
  test.each([
    ['a fresh answer', 'GET', answer(200, 'cache-control: max-age=1'), null],
    ['an answer to POST', 'POST', answer(200, 'cache-control: max-age=1'), 'method'],
    ['a part', 'GET', answer(206, 'cache-control: max-age=1'), 'status'],
    ['an interim answer', 'GET', answer(103, 'cache-control: max-age=1'), 'status'],
    ['no-store', 'GET', answer(200, 'cache-control: no-store'), 'no-store'],
    ['no-store beside must-understand', 'GET', answer(200, 'cache-control: no-store, must-understand, max-age=1'), null],
    ['private', 'GET', answer(200, 'cache-control: private="x"'), 'private'],
    ['a cookie', 'GET', answer(200, 'set-cookie: a=b', 'cache-control: public'), 'set-cookie'],
    ['Vary: *', 'GET', answer(200, 'vary: accept, *'), 'vary'],
  ])('of %s', (_, method, facts, expected) => {
    expect(storageObstacle({ method, hasCredentials: false, directives: new Map() }, facts)).toBe(expected);
  });

  test.each([
    ['max-age=1', 'credentials'],
    ['max-age=1, must-revalidate', 'credentials'],
    ['public, max-age=1', null],
    ['s-maxage=1', null],
  ])('of an answer with %s to a request with credentials', (text, expected) => {
    const request = { method: 'GET', hasCredentials: true, directives: new Map() };
    expect(storageObstacle(request, answer(200, `cache-control: ${text}`))).toBe(expected);
  });

  test('of an answer that a client does not want to be stored', () => {
    const request = { method: 'GET', hasCredentials: false, directives: parseDirectives('no-store') };
    expect(storageObstacle(request, answer(200, 'cache-control: max-age=1'))).toBe('no-store');
  });

  test.each([
    [['cache-control: no-cache', 'etag: "a"'], true],
    [['cache-control: no-cache'], false],
    [['etag: "a"'], false],
    [['cache-control: max-age=0'], false],
    [['cache-control: max-age=0', 'last-modified: x'], true],
  ])('is useful with %j: %j', (lines, expected) => {
    const facts = answer(200, ...lines);
    expect(isUseful(200, facts.headers, facts, TERMS)).toBe(expected);
  });

  test('keeps no fields of a connection', () => {
    expect(storedHeaders(headers('x: 1', 'keep-alive: 5', 'proxy-authenticate: Basic', 'age: 3', 'content-type: a'))).toEqual(
      headers('x: 1', 'content-type: a'),
    );
  });
});

describe('the lifetime', () => {
  test.each([
    [['cache-control: max-age=5, s-maxage=7'], 7],
    [['cache-control: max-age=5', `date: ${DATE}`, `expires: ${LATER}`], 5],
    [[`date: ${DATE}`, `expires: ${LATER}`], 60],
    [['expires: 0'], 0],
    [['cdn-cache-control: max-age=9', 'cache-control: max-age=5'], 9],
    [['cdn-cache-control: max-age=9;x=1, no-cache=?0', 'cache-control: max-age=5'], 9],
    [['cdn-cache-control: ,=broken', 'cache-control: max-age=5'], 5],
    [['cdn-cache-control: must-revalidate', `date: ${DATE}`, `expires: ${LATER}`], null],
    [[], null],
  ])('of %j', (lines, expected) => {
    const { headers: all, ...told } = answer(200, ...lines);
    expect(lifetimeOf(200, all, told, TERMS)?.seconds ?? null).toBe(expected);
  });

  test.each([
    [200, { ...TERMS, defaultTtl: 3 }, 3],
    [200, { ...TERMS, heuristic: true }, 6],
    [302, { ...TERMS, defaultTtl: 3 }, null],
  ])('that a policy assumes for %d', (status, terms, expected) => {
    const { headers: all, ...told } = answer(status, `date: ${LATER}`, `last-modified: ${DATE}`);
    expect(lifetimeOf(status, all, told, terms)?.seconds ?? null).toBe(expected);
  });

  test('has a bound', () => {
    const { headers: all, ...told } = answer(200, 'cache-control: max-age=60');
    expect(lifetimeOf(200, all, told, { ...TERMS, maxTtl: 5 })?.seconds).toBe(5);
  });
});

test.each([
  [[`date: ${DATE}`], 2],
  [[`date: ${DATE}`, 'age: 10'], 11],
  [[`date: ${DATE}`, 'age: 10, 20'], 11],
  [[`date: ${LATER}`, 'age: x'], 1],
])('the age with %j', (lines, expected) => {
  expect(initialAge(headers(...lines), NOW + 1_000, NOW + 2_000)).toBe(expected);
});

describe('the use of a stored answer', () => {
  test.each([
    ['', 5, '', 'fresh'],
    ['', 10, '', 'validate'],
    ['no-cache', 5, '', 'validate'],
    ['', 5, 'no-cache', 'validate'],
    ['', 5, 'max-age=4', 'validate'],
    ['', 5, 'max-age=5', 'fresh'],
    ['', 5, 'min-fresh=6', 'validate'],
    ['', 15, 'max-stale', 'allowed'],
    ['', 15, 'max-stale=4', 'validate'],
    ['', 15, 'max-stale=5', 'allowed'],
    ['must-revalidate', 15, 'max-stale', 'validate'],
    ['proxy-revalidate', 15, 'max-stale', 'validate'],
    ['s-maxage=10', 15, 'max-stale', 'validate'],
    ['stale-while-revalidate=9', 15, '', 'stale'],
    ['stale-while-revalidate=4', 15, '', 'validate'],
    ['s-maxage=10, stale-while-revalidate=9', 15, '', 'stale'],
    ['must-revalidate, stale-while-revalidate=9', 15, '', 'validate'],
  ])('with %j at the age of %d for %j', (told, age, asked, expected) => {
    const directives = parseDirectives(told);
    const stored = {
      directives,
      lifetime: 10,
      staleWhileRevalidate: secondsOf(directives, 'stale-while-revalidate') ?? 0,
      staleIfError: 0,
    };
    expect(reuseOf(stored, age, parseDirectives(asked))).toBe(expected);
  });

  test.each([
    ['', 15, '', true],
    ['', 16, '', false],
    ['', 19, 'stale-if-error=9', true],
    ['must-revalidate', 15, '', false],
    ['no-cache', 5, '', false],
  ])('with %j at the age of %d for %j after an error', (told, age, asked, expected) => {
    const stored = { directives: parseDirectives(told), lifetime: 10, staleWhileRevalidate: 0, staleIfError: 5 };
    expect(mayReplaceError(stored, age, parseDirectives(asked))).toBe(expected);
  });
});

describe('Vary', () => {
  test('names fields, each once', () => {
    expect(varyNames(headers('vary: B, a', 'vary: b'))).toEqual(['a', 'b']);
    expect(varyNames(headers('vary: a, *'))).toBeNull();
  });

  test('compares values without white space that means nothing', () => {
    const variant = (...lines: string[]): string => variantOf(['a', 'b'], headers(...lines));
    expect(variant('a: x, y')).toBe(variant('a:  x,y '));
    expect(variant('a: x', 'a: y')).toBe(variant('a: x,y'));
    expect(new Set([variant(), variant('a: '), variant('b: '), variant('a: x'), variant('b: x')]).size).toBe(5);
  });
});

describe('conditions', () => {
  const stored = headers('etag: "a"', `last-modified: ${DATE}`);
  test.each([
    [['if-none-match: "a"'], true],
    [['if-none-match: W/"a"'], true],
    [['if-none-match: "b", "a"'], true],
    [['if-none-match: *'], true],
    [['if-none-match: "b"', `if-modified-since: ${LATER}`], false],
    [[`if-modified-since: ${DATE}`], true],
    [['if-modified-since: yesterday'], false],
    [[], false],
  ])('of a client: %j', (lines, expected) => {
    expect(isNotModified(headers(...lines), stored)).toBe(expected);
  });

  test('of the cache have all validators', () => {
    const request = headers('if-none-match: "client"', 'x: 1');
    expect([addCondition(request, stored), request]).toEqual([true, headers('x: 1', 'if-none-match: "a"', `if-modified-since: ${DATE}`)]);
    expect(addCondition([], [])).toBe(false);
  });

  test('confirm the answer that they are about, and refresh its fields', () => {
    expect([confirms(headers('etag: "a"'), stored), confirms(headers('etag: "b"'), stored), confirms([], stored)]).toEqual([
      true,
      false,
      true,
    ]);
    const news = headers('x: 2', 'x: 3', 'content-type: new', 'content-encoding: br', 'date: now');
    expect(refreshed(headers('x: 1', 'content-type: old', 'y: 1'), news)).toEqual(
      headers('content-type: old', 'y: 1', 'x: 2', 'x: 3', 'date: now'),
    );
  });
});

test.each([
  ['bytes=0-1', '', { start: 0, end: 2 }],
  ['bytes=5-', '', { start: 5, end: 10 }],
  ['bytes=-3', '', { start: 7, end: 10 }],
  ['bytes=-30', '', { start: 0, end: 10 }],
  ['bytes=10-', '', 'unsatisfiable'],
  ['bytes=-0', '', 'unsatisfiable'],
  ['bytes=3-1', '', null],
  ['bytes=0-1,3-4', '', null],
  ['lines=0-1', '', null],
  ['bytes=0-1', '"a"', { start: 0, end: 2 }],
  ['bytes=0-1', 'W/"a"', null],
  ['bytes=0-1', '"b"', null],
  ['bytes=0-1', DATE, { start: 0, end: 2 }],
])('the part %j with If-Range %j', (range, condition, expected) => {
  const request = ['range', range, ...(condition === '' ? [] : ['if-range', condition])];
  expect(rangeOf(request, headers('etag: "a"', `last-modified: ${DATE}`, `date: ${LATER}`), 10)).toEqual(expected);
});

test.each([
  ['POST', 200, [], ['http://a:1/x?y']],
  ['PURGE', 302, ['location: /z', 'content-location: http://b/q'], ['http://a:1/x?y', 'http://a:1/z']],
  ['POST', 404, ['location: /z'], []],
  ['GET', 200, ['location: /z'], []],
])('%s with %d and %j makes URLs invalid', (method, status, lines, expected) => {
  expect(invalidated(method, 'http://a:1/x?y', status, headers(...lines))).toEqual(expected);
});

test('tags', () => {
  expect(tagsOf(headers('surrogate-key: a b', 'cache-tag: c d, e'))).toEqual(['a', 'b', 'c d', 'e']);
});
