// `weir cache list|purge|warm` at `weir up`, as processes with two workers.
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AnswerList } from '../../controller/operations/cache.ts';
import type { WarmedUrls } from '../../controller/operations/cache-warming.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';

const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'HTTPPolicy',
  metadata: { name: 'app' },
  spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], cache: { store: 'Memory' } },
};

let upstream: RawUpstream;
let up: OperatedWeir;

beforeAll(async () => {
  upstream = await RawUpstream.start(ok('ok', 'cache-control: max-age=3600\r\nsurrogate-key: news\r\n'));
  up = await OperatedWeir.start([...appAt([upstream.port]), POLICY]);
});

afterAll(async () => {
  await up.stop();
  await upstream.close();
});

/** The requests that the backend gets for ten of a client, which may meet either worker. */
async function misses(): Promise<number> {
  const before = upstream.requests.length;
  await up.ask(10, { connection: 'close' });
  return upstream.requests.length - before;
}

test.each([
  [['--tag', 'news'], /purged [12] stored answers?/],
  [['--prefix', 'http://127.0.0.1'], /purged [12] stored answers?/],
  [['--all'], /purged [12] stored answers?/],
])('purges %j in all workers', async (args, output) => {
  expect(await misses()).toBeGreaterThan(0);
  expect(await misses()).toBeLessThanOrEqual(1);
  expect(await up.weir('cache', 'purge', ...args)).toMatchObject({ code: 0, output: expect.stringMatching(output) });
});

test('an unsafe request ends the answers of its URL in all workers', async () => {
  await misses();
  await misses();
  await up.ask(1, {}, '/', 'DELETE');
  expect(await up.weir('cache', 'purge', '--all')).toMatchObject({ code: 0, output: expect.stringContaining('purged 0') });
});

test('purges nothing by another tag', async () => {
  await misses();
  expect(await up.weir('cache', 'purge', '--tag', 'sport')).toMatchObject({ code: 0, output: expect.stringContaining('purged 0') });
});

async function listed(...args: readonly string[]): Promise<AnswerList> {
  const { code, output } = await up.weir('cache', 'list', '--output', 'json', ...args);
  expect(code).toBe(0);
  return JSON.parse(output) as AnswerList;
}

test('lists what workers have stored, each answer once, without the values of queries', async () => {
  await up.ask(10, { connection: 'close' });
  await up.ask(10, { connection: 'close' }, '/search?token=secret&page=2&secret');
  const { answers, more, missing } = await listed('--tag', 'news');
  expect([answers.length, more, missing]).toEqual([2, 0, []]);
  const [search, root] = answers;
  expect(search).toMatchObject({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/search\?token=\*&page=\*&\*$/),
    ...{ route: 'HTTPRoute/default/app/0', status: 200, level: 'memory', vary: '', tags: ['news'], moreTags: 0 },
  });
  expect(search?.bytes).toBeGreaterThan(root?.bytes ?? Infinity);
  const { hits, workers, ageMs, ttlMs } = search as AnswerList['answers'][0];
  // Each worker that has it has asked for it once.
  expect(hits + workers).toBe(10);
  expect([ageMs >= 0 && ageMs < 3_600_000, ageMs + ttlMs]).toEqual([true, 3_600_000]);
  expect(await up.weir('cache', 'list')).toMatchObject({ code: 0, output: expect.stringMatching(/^URL +STATUS.*\n.*token=\*/) });
});

test('lists the answers of a URL, prefix, tag and route, up to a number', async () => {
  await up.ask(1, { connection: 'close' });
  await up.ask(1, { connection: 'close' }, '/search?token=secret');
  const { answers } = await listed('--route', 'default/app');
  const url = answers.map((each) => each.url).find((each) => each.endsWith('/')) as string;
  const lengths = async (...args: readonly string[]): Promise<number> => (await listed(...args)).answers.length;
  expect(await lengths(url)).toBe(1);
  expect(await lengths('--prefix', `${url}search?token=secret&page`)).toBe(1);
  expect([await lengths('--tag', 'sport'), await lengths('--route', 'default/ap'), await lengths(`${url}none`)]).toEqual([0, 0, 0]);
  const first = await listed('--top', '1');
  expect(first.answers).toHaveLength(1);
  expect(first.more).toBeGreaterThan(0);
  expect(await up.weir('cache', 'list', '--top', '1001')).toMatchObject({ code: 2, output: expect.stringContaining('from 1 to 1000') });
});

test('needs one subject', async () => {
  expect(await up.weir('cache', 'purge', '--all', '--tag', 'a')).toMatchObject({ code: 2, output: expect.stringContaining('one URL') });
  expect(await up.weir('cache', 'purge', '--all', '--route', 'a')).toMatchObject({ code: 2, output: expect.stringContaining('one URL') });
  expect(await up.weir('cache', 'list', '--all')).toMatchObject({ code: 2, output: expect.stringContaining('no --all') });
});

const site = (path = ''): string => `http://127.0.0.1:${up.port}/${path}`;
const header = (name: string, value: string) => ({ headers: [{ name, value }] });

/** What the proxy tells of a URL that it requests, as `STATUS OUTCOME`. */
async function warmed(url: string, settings: object = {}): Promise<string> {
  const { body } = await up.operate('POST', '/cache/warm', { urls: [url], ...settings });
  return (body as WarmedUrls).urls.map(({ status, outcome }) => `${status} ${outcome}`).join();
}

test('fills the caches of all workers, each with one request', async () => {
  await up.operate('DELETE', '/cache', { all: true });
  const before = upstream.requests.length;
  expect([await warmed(site()), await warmed(site('a?b=c')), upstream.requests.length - before]).toEqual(['200 stored', '200 stored', 4]);
  expect([await misses(), await warmed(site())]).toEqual([0, '200 found']);
  expect((await listed(site('a?b=c'))).answers).toMatchObject([{ workers: 2, hits: 0 }]);
});

test('sends the headers that it is given, so that variants are stored', async () => {
  upstream.become(ok('coded', 'cache-control: max-age=60\r\nvary: accept-encoding\r\n'));
  expect(await warmed(site('vary'), header('Accept-Encoding', 'gzip'))).toBe('200 stored');
  expect(upstream.requests.at(-1)?.raw).toMatch(/accept-encoding: gzip/i);
  expect(await warmed(site('vary'), header('Accept-Encoding', 'gzip'))).toBe('200 found');
  expect(await warmed(site('vary'), header('Accept-Encoding', 'br'))).toBe('200 stored');
});

test.each([
  ['Host', 'other'],
  ['Content-Length', '1'],
  ['X-Forwarded-For', '10.0.0.1'],
  ['Accept', 'a\r\nx: y'],
  ['a b', 'c'],
])('refuses a header such as %s: %j', async (name, value) => {
  const asked = { urls: [site()], ...header(name, value) };
  expect(await up.operate('POST', '/cache/warm', asked)).toMatchObject({
    status: 400,
    body: { errors: [{ field: expect.stringMatching(/^headers\[0\]/) }] },
  });
});

test('tells which answers of a list are not stored, and why', async () => {
  const failure = 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n';
  upstream.become(({ startLine }) => (startLine.includes('/private') ? ok('mine', 'cache-control: private\r\n') : failure));
  const list = path.join(mkdtempSync(path.join(os.tmpdir(), 'weir-warm-')), 'urls');
  const lines = ['# pages', '', site('private'), site('broken'), 'http://127.0.0.1:1/', 'ftp://a', `https://127.0.0.1:${up.port}/`];
  writeFileSync(list, lines.join('\n'));
  const { code, output } = await up.weir('cache', 'warm', '--file', list);
  expect(code).toBe(1);
  expect(output).toMatch(/private +unstored +200 .*its Cache-Control is private\n/);
  expect(output).toMatch(/broken +unstored +500 .*its Cache-Control is absent\n/);
  expect(output).toMatch(/:1\/ +unrouted +0 .*no listener of the proxy takes HTTP at port 1\n/);
  expect(output).toMatch(/ftp:\/\/a +failed +0 .*the URL is no URL/);
  expect(output).toMatch(/https:.* unrouted +0 .*do not speak https\n/);
  expect(output).toContain('stored 0 answers, found 0 stored before, 5 without success');
});

test('requests the URLs of a sitemap, in steps', async () => {
  upstream.become(ok('page', 'cache-control: max-age=60\r\n'));
  const urls = Array.from({ length: 40 }, (_, i) => `<url><loc>${site(`p${i}`)}</loc></url>`);
  const sitemap = path.join(mkdtempSync(path.join(os.tmpdir(), 'weir-warm-')), 'sitemap.xml');
  writeFileSync(sitemap, `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.join('')}</urlset>`);
  const { code, output } = await up.weir('cache', 'warm', '--rate', '1000', '--sitemap', sitemap, '--header', 'Accept: text/html');
  expect([code, output]).toEqual([0, expect.stringMatching(/requested 32 of 40 URLs, 0 without success\n/)]);
  expect(output).toContain('stored 40 answers');
  expect(upstream.requests.at(-1)?.raw).toMatch(/accept: text\/html/i);
});
