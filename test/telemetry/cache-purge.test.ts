// `weir cache purge` at `weir up`, as processes with two workers.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
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

test('needs one subject', async () => {
  expect(await up.weir('cache', 'purge', '--all', '--tag', 'a')).toMatchObject({ code: 2, output: expect.stringContaining('one URL') });
});
