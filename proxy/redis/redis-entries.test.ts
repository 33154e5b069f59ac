// Entries and sets in real servers: alone, in a Cluster, and away.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { RedisConnection } from '#lib/redis-connection.ts';
import { parseRedisUrl } from '#lib/redis.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { RedisServer, startRedisCluster } from '../../test/support/redis.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { WorkerReplays } from '../exchange/worker-replays.ts';
import { RedisEntries } from './redis-entries.ts';

const NO_FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function entriesAt(url: string, timeoutMs = 5_000): Promise<RedisEntries> {
  const address = parseRedisUrl(url);
  if (!address.ok) throw new Error(address.error);
  const connection = new RedisConnection({ address: address.value, ...NO_FILES, timeoutMs }, () => undefined);
  const entries = new RedisEntries(connection);
  opened.push(
    () => connection.close(),
    () => entries.close(),
  );
  while (!(await entries.read('none', null)).ok) await new Promise(setImmediate);
  return entries;
}

const now = (): number => Math.floor(Date.now() / 1_000);

describeWith(['redis'], 'entries in redis', () => {
  let alone: RedisServer;
  let cluster: readonly RedisServer[];
  const urls = (): Record<string, string> => ({
    'one server': `redis://127.0.0.1:${alone.port}`,
    'a Cluster': `redis+cluster://127.0.0.1:${cluster[0]?.port ?? 0}`,
  });

  beforeAll(async () => {
    [alone, cluster] = await Promise.all([RedisServer.start(), startRedisCluster(3)]);
  });
  afterAll(() => Promise.all([alone, ...cluster].map((server) => server.stop())));

  test.each(['one server', 'a Cluster'])('are written, read and removed in %s, whatever their slots', async (kind) => {
    const entries = await entriesAt(urls()[kind] ?? '');
    const names = Array.from({ length: 20 }, (_, i) => `entry ${i}`);
    for (const name of names) expect(await entries.write(name, `of ${name}`, 100)).toEqual({ ok: true, value: true });
    for (const name of names) expect(await entries.read(name, null)).toEqual({ ok: true, value: `of ${name}` });
    expect(await entries.remove(names)).toEqual({ ok: true, value: null });
    for (const name of names) expect(await entries.read(name, 10)).toEqual({ ok: true, value: null });
  });

  test.each(['one server', 'a Cluster'])('are written only if they are absent, or present, in %s', async (kind) => {
    const entries = await entriesAt(urls()[kind] ?? '');
    expect(await entries.write('a', '1', 100, 'present')).toEqual({ ok: true, value: false });
    expect(await entries.write('a', '2', 100, 'absent')).toEqual({ ok: true, value: true });
    expect(await entries.write('a', '3', 100, 'absent')).toEqual({ ok: true, value: false });
    expect(await entries.read('a', null)).toEqual({ ok: true, value: '2' });
    expect(await entries.write('a', '4', 100, 'present')).toEqual({ ok: true, value: true });
    expect(await entries.read('a', null)).toEqual({ ok: true, value: '4' });
  });

  test('live as long as the last question says', async () => {
    const entries = await entriesAt(urls()['one server'] ?? '');
    await entries.write('b', '1', 100);
    await entries.read('b', 5_000);
    expect(await alone.command('TTL', 'b')).toBeGreaterThan(100);
  });

  test.each(['one server', 'a Cluster'])(
    'a set in %s has its members until their time, and lasts as long as the last of them',
    async (kind) => {
      const entries = await entriesAt(urls()[kind] ?? '');
      await entries.join('set', 'long', now() + 1_000);
      await entries.join('set', 'over', now() - 1);
      await entries.join('set', 'short', now() + 100);
      const members = await entries.members('set');
      expect(members).toEqual({ ok: true, value: ['short', 'long'] });
      if (kind === 'one server') expect(await alone.command('TTL', 'set')).toBeGreaterThan(900);
    },
  );

  test('let a signature count once for all proxies, and for none while the server is away', async () => {
    const server = await RedisServer.start();
    opened.push(() => server.stop());
    const url = `redis://127.0.0.1:${server.port}`;
    const proxies = [new WorkerReplays(undefined, await entriesAt(url)), new WorkerReplays(undefined, await entriesAt(url))];
    const enter = (proxy: number, identity: string) =>
      Promise.resolve(proxies[proxy]?.enter({} as Exchange, 'scope', identity, 60_000, 'Redis'));
    const verdicts = await Promise.all([enter(0, 'a'), enter(1, 'a'), enter(0, 'a'), enter(1, 'b')]);
    expect(verdicts.slice(0, 3).toSorted()).toEqual(['new', 'seen', 'seen']);
    expect(verdicts[3]).toBe('new');
    await server.kill();
    expect(await enter(0, 'c')).toBe('away');
  });

  test('fail at once while the server is away, and work again afterwards', async () => {
    const server = await RedisServer.start();
    opened.push(() => server.stop());
    const entries = await entriesAt(`redis://127.0.0.1:${server.port}`);
    await server.kill();
    const away = { ok: false, error: 'Redis does not answer' };
    const asked = [
      entries.read('a', 1),
      entries.write('a', '', 1),
      entries.remove(['a']),
      entries.join('s', 'a', now() + 9),
      entries.members('s'),
    ];
    expect(await Promise.all(asked)).toEqual(asked.map(() => away));
    await server.restart();
    while (!(await entries.write('a', '', 9)).ok) await new Promise(setImmediate);
  });
});
