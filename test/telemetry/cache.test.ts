// `weir cache list|purge` at `weir up`, as processes with two workers.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AnswerList } from '../../controller/operations/cache.ts';
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
