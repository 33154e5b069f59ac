// The pace of requests that fill a cache.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { readLines } from '#lib/json-lines.ts';
import { warmCache } from './cache-warming.ts';
import { SharedCache } from './cache/shared-cache.ts';
import type { Exchange } from './exchange/exchange.ts';
import { OwnRequests, targetOf } from './own-requests.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] }));
afterEach(() => void jest.useRealTimers());

/** A worker that gets these URLs, and whose backend answers when the test wants. */
function start(count: number, pace: { readonly concurrency: number; readonly rate: number }) {
  const open: Exchange[] = [];
  const abort = new AbortController();
  const lines: unknown[] = [];
  const requests = new OwnRequests({ begin: (exchange) => open.push(exchange), leave: (exchange) => exchange.downstream.abort(exchange) });
  const urls = Array.from({ length: count }, (_, i) => `http://app.example/${i}`);
  const parts = { requests, cache: new SharedCache({ maxBytes: 1_000_000 }), spokenAt: () => 'HTTP' as const };
  const part = async (data: Buffer): Promise<void> => void lines.push(...readLines(data));
  const done = warmCache({ kind: 'cacheWarm', urls, headers: [], port: 0, ...pace }, { part, signal: abort.signal }, parts);
  const answer = (): void => open[0]?.downstream.end(open.shift() as Exchange, null);
  return { open, abort, lines, done, answer };
}

test('no more requests are under way than permitted', async () => {
  const { open, answer, done, lines } = start(5, { concurrency: 2, rate: 1_000 });
  for (let left = 5; left > 0; left--) {
    await jest.advanceTimersByTimeAsync(1_000);
    expect(open).toHaveLength(Math.min(2, left));
    answer();
  }
  await done;
  expect(lines).toHaveLength(5);
});

test('no more requests begin in a second than permitted', async () => {
  const { open, answer, done } = start(5, { concurrency: 5, rate: 2 });
  const begun: number[] = [];
  for (let time = 0; time <= 2_000; time += 500) {
    await jest.advanceTimersByTimeAsync(time === 0 ? 0 : 500);
    begun.push(open.length);
  }
  expect(begun).toEqual([1, 2, 3, 4, 5]);
  while (open.length > 0) answer();
  await done;
});

test('nothing more is requested once the command is over', async () => {
  const { open, abort, done, lines } = start(5, { concurrency: 1, rate: 1 });
  await jest.advanceTimersByTimeAsync(0);
  abort.abort();
  await done;
  expect([open, lines]).toMatchObject([[{ path: '/0' }], [{ outcome: 'failed' }]]);
});

test.each([
  ['ftp://app.example/', 'is no URL that begins with http:// or https://'],
  ['/path', 'is no URL that begins with http:// or https://'],
  ['http://me:secret@app.example/', 'has a password: write the URL without it'],
  ['http://app.example/%00', 'has a host or path that no request may have'],
])('the URL %s is refused', (url, error) => {
  expect(targetOf(url)).toEqual({ ok: false, error });
});

test('a URL has the form of a request', () => {
  const target = { authority: 'app.example:8443', host: 'app.example', port: 8_443, path: '/a%20b', query: 'x=%2F' };
  expect(targetOf('https://APP.example:8443/a b?x=%2F#c')).toEqual({ ok: true, value: { scheme: 'https', ...target } });
});
