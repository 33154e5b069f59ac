// Stored answers as bytes: what a store may have made of them.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { packAnswer, unpackAnswer } from './answer-format.ts';
import { PurgeLog } from './purges.ts';
import { storedAnswer, type StoredAnswer } from './stored-answer.ts';

const TERMS = { defaultTtl: null, maxTtl: null, heuristic: false, staleWhileRevalidate: 0, staleIfError: 0 };
const PLACE = { key: 'rule\nhttp://a/b', url: 'http://a/b' };
const ASKED = ['accept', 'text/css'];
const MARK = { era: 'e', after: 3 };

function answer(headers: readonly string[] = ['cache-control', 'max-age=60', 'vary', 'accept', 'surrogate-key', 'a b']): StoredAnswer {
  const head = { status: 200, headers, requestedAt: 1_000, receivedAt: 2_000 };
  return storedAnswer(PLACE, head, Buffer.from('body'), { requestHeaders: ASKED, terms: TERMS });
}

const read = (bytes: Buffer, place = PLACE, headers = ASKED) =>
  unpackAnswer(bytes, { place, variant: answer().variant, headers, terms: TERMS });

/** The bytes of an answer whose head an attacker has changed, with a digest that fits. */
function forged(change: object): Buffer {
  const good = packAnswer(answer(), MARK);
  const length = good.readUInt32BE(4);
  const head = Buffer.from(JSON.stringify({ ...(JSON.parse(good.toString('utf8', 44, 44 + length)) as object), ...change }));
  const body = good.subarray(44 + length);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(head.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  return Buffer.concat([good.subarray(0, 4), lengths, createHash('sha256').update(head).update(body).digest(), head, body]);
}

test('an answer comes back as it was, with the purges that it knows', () => {
  expect(read(packAnswer(answer(), MARK))).toEqual({ answer: answer(), mark: MARK });
  expect(read(forged({}))).not.toBeNull();
});

test.each([
  ['a header that divides the answer', { headers: ['x', 'a\r\nset-cookie: b'] }],
  ['a header with a line feed in its name', { headers: ['x\ny', 'a'] }],
  ['a name in capitals', { headers: ['X', 'a'] }],
  ['a header without a value', { headers: ['x'] }],
  ['a header that is no text', { headers: ['x', 1] }],
  ['a length of its own', { headers: ['content-length', '5', 'cache-control', 'max-age=60', 'vary', 'accept'] }],
  ['a coding of the connection', { headers: ['transfer-encoding', 'chunked', 'cache-control', 'max-age=60', 'vary', 'accept'] }],
  ['a cookie', { headers: ['set-cookie', 'a=b', 'cache-control', 'max-age=60', 'vary', 'accept'] }],
  ['an answer for one caller', { headers: ['cache-control', 'private', 'vary', 'accept'] }],
  ['another status', { status: 101 }],
  ['a status that is no number', { status: '200' }],
  ['an age before its birth', { age: -1 }],
  ['another URL', { url: 'http://a/c' }],
  ['another key', { id: 'x' }],
  ['another variant', { headers: ['cache-control', 'max-age=60'] }],
])('%s is refused', (_, change) => {
  expect(read(forged(change))).toBeNull();
});

test('an answer for another place, and one that is cut, are refused', () => {
  const good = packAnswer(answer(), MARK);
  expect(read(good, { ...PLACE, key: 'other' })).toBeNull();
  for (let length = 0; length < good.length; length++) expect(read(good.subarray(0, length))).toBeNull();
});

test('an answer that was asked for before a purge of it is outdated', () => {
  const log = new PurgeLog();
  const since = log.moment;
  log.note({ by: 'tag', value: 'news' });
  const about = (url: string, ...tags: string[]) => log.covers(since, { url, tags });
  expect([about('http://a/', 'news'), about('http://a/', 'sport'), log.covers(log.moment, { url: '', tags: ['news'] })]).toEqual([
    ...[true, false, false],
  ]);
  log.note({ by: 'prefix', value: 'http://a/' });
  expect([about('http://a/b'), about('http://b/')]).toEqual([true, false]);
  // A purge that is not remembered may have been about it.
  for (let i = 0; i < 1_000; i++) log.note({ by: 'url', value: 'http://c/' });
  expect([about('http://b/'), log.covers(log.moment - 1, { url: 'http://b/', tags: [] })]).toEqual([true, false]);
});
