// The limits that count in Redis, with real servers that die, freeze and start again.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Algorithm } from '#lib/limit/algorithm.ts';
import { Listing } from '#lib/limit/listing.ts';
import type { KeyState } from '#lib/limit/listing.ts';
import type { Terms } from '#lib/limit/share.ts';
import { parseRedisUrl } from '#lib/redis.ts';
import { RedisConnection } from '#lib/redis-connection.ts';
import { TestCa } from '../../test/support/certificates.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { RedisServer, startRedisCluster } from '../../test/support/redis.ts';
import { until } from '../../test/support/until.ts';
import { RedisStore } from './redis-store.ts';

const FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function connectionTo(url: string, settings: Partial<typeof FILES> = {}, timeoutMs = 200): RedisConnection {
  const address = parseRedisUrl(url);
  if (!address.ok) throw new Error(address.error);
  const connection = new RedisConnection({ address: address.value, ...FILES, ...settings, timeoutMs }, () => undefined, 20);
  opened.push(() => connection.close());
  return connection;
}

function storeAt(url: string, settings: Partial<typeof FILES> = {}, timeoutMs = 200): RedisStore {
  const store = new RedisStore(connectionTo(url, settings, timeoutMs));
  opened.push(() => store.close());
  return store;
}

/** A file with a text. */
function fileOf(text: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redis-secret-'));
  opened.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'password');
  if (text !== '') writeFileSync(file, text);
  return file;
}

async function server(args: readonly string[] = []): Promise<RedisServer> {
  const redis = await RedisServer.start(args);
  opened.push(() => redis.stop());
  return redis;
}

async function storeOf(form: string): Promise<RedisStore> {
  if (form === 'alone') return storeAt(`redis://127.0.0.1:${(await server()).port}`);
  const servers = await startRedisCluster(3);
  opened.push(() => Promise.all(servers.map((each) => each.stop())));
  return storeAt(`redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
}

const WINDOW: Algorithm = { kind: 'SlidingWindow', limit: 5, periodMs: 60_000 };

const QUOTA: Algorithm = { kind: 'Quota', limit: 1_000_000, unit: 'Month' };

function termsOf(algorithm: Algorithm, id = 'limit'): Terms {
  return { id, algorithm };
}

async function reachable(store: RedisStore): Promise<void> {
  while ((await store.look(termsOf(WINDOW, 'probe'), 'probe')) === null) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function takes(store: RedisStore, terms: Terms, count: number): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: count }, () => store.take(terms, 'key', 1)));
  return decisions.filter((decision) => decision?.allowed === true).length;
}

describeWith(['redis'], 'limits in redis', () => {
  test.each<[string, Algorithm]>([
    ['a small sliding window', WINDOW],
    ['a large sliding window', { kind: 'SlidingWindow', limit: 200, periodMs: 60_000 }],
    ['a fixed window', { kind: 'FixedWindow', limit: 50, periodMs: 3_600_000_000 }],
    ['a token bucket', { kind: 'TokenBucket', limit: 5, periodMs: 3_600_000, burst: 50 }],
    ['a quota of a month', { kind: 'Quota', limit: 50, unit: 'Month' }],
    ['a quota of a week', { kind: 'Quota', limit: 50, unit: 'Week' }],
  ])('count exactly for two proxies: %s', async (_, algorithm) => {
    const { port } = await server();
    const stores = [storeAt(`redis://127.0.0.1:${port}`), storeAt(`redis://127.0.0.1:${port}`)];
    for (const store of stores) await reachable(store);
    const limit = algorithm.kind === 'TokenBucket' ? algorithm.burst : algorithm.limit;
    const counts = await Promise.all(stores.map((store) => takes(store, termsOf(algorithm), limit)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(limit);
    const refused = await stores[0]!.take(termsOf(algorithm), 'key', 1);
    expect(refused).toMatchObject({ allowed: false, left: 0 });
    expect(refused?.waitMs).toBeGreaterThan(0);
    expect(refused?.resetMs).toBeGreaterThanOrEqual(refused?.waitMs ?? 0);
  });

  test('come back when the window has passed', async () => {
    const { port } = await server();
    const store = storeAt(`redis://127.0.0.1:${port}`);
    await reachable(store);
    const terms = termsOf({ kind: 'SlidingWindow', limit: 2, periodMs: 300 });
    expect(await takes(store, terms, 5)).toBe(2);
    while ((await store.take(terms, 'key', 1))?.allowed !== true) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test('charge costs that are known later, and are reset', async () => {
    const { port } = await server();
    const store = storeAt(`redis://127.0.0.1:${port}`);
    await reachable(store);
    const terms = termsOf(WINDOW);
    store.charge(terms, 'key', 7);
    expect(await store.take(terms, 'key', 1)).toMatchObject({ allowed: false, left: 0 });
    store.giveBack(terms, 'key', 4);
    expect(await store.take(terms, 'key', 1)).toMatchObject({ allowed: true, left: 1 });
    expect(await store.reset(terms.id, (key) => key === 'key')).toBe(1);
    expect(await store.take(terms, 'key', 1)).toMatchObject({ allowed: true, left: 4 });
  });

  test.each(['alone', 'in a cluster'])(
    'of a server %s are listed with their last answer, and reset as a whole, without those of other limits',
    async (form) => {
      const store = await storeOf(form);
      await reachable(store);
      const [terms, other] = [termsOf(WINDOW), termsOf(WINDOW, 'other')];
      for (const key of ['a', 'b', 'c']) for (let i = 0; i < 6; i++) await store.take(terms, key, 1);
      await store.take(other, 'a', 2);
      const listing = new Listing<KeyState>(2);
      store.recent.list({ id: terms.id, capacity: 5, cost: 1 }, listing);
      expect(listing.values).toMatchObject([{ left: 0 }, { left: 0 }]);
      expect(listing.more).toBe(1);
      expect(await store.resetAll(terms.id)).toBe(3);
      expect(await store.take(terms, 'a', 1)).toMatchObject({ allowed: true, left: 4 });
      expect(await store.look(other, 'a')).toMatchObject({ left: 3 });
    },
  );

  test('load the script again after the server has lost it', async () => {
    const redis = await server();
    const store = storeAt(`redis://127.0.0.1:${redis.port}`);
    await reachable(store);
    await redis.command('SCRIPT', 'FLUSH');
    expect(await takes(store, termsOf(WINDOW), 8)).toBe(5);
  });

  test('answer within the timeout while the server is frozen or dead, and count again afterwards', async () => {
    const redis = await server();
    const store = storeAt(`redis://127.0.0.1:${redis.port}`, {}, 100);
    await reachable(store);
    redis.freeze();
    const asked = await Promise.all(Array.from({ length: 20 }, () => store.take(termsOf(WINDOW), 'key', 1)));
    expect(asked.every((decision) => decision === null)).toBe(true);
    expect(store.isAway).toBe(true);
    redis.thaw();
    await redis.kill();
    expect(await store.take(termsOf(WINDOW), 'key', 1)).toBeNull();
    await redis.restart();
    await reachable(store);
    expect(await takes(store, termsOf(WINDOW, 'anew'), 8)).toBe(5);
  });

  test('count in a Cluster', async () => {
    const servers = await startRedisCluster(3);
    for (const each of servers) opened.push(() => each.stop());
    const store = storeAt(`redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
    await reachable(store);
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) expect(await takes(store, termsOf(WINDOW, id), 8)).toBe(5);
    const sizes = await Promise.all(servers.map((each) => each.command('DBSIZE')));
    expect(sizes.filter((size) => Number(size) > 0).length).toBeGreaterThan(1);
  });

  test('count the keys of other masters while requests for those of a dead one fail', async () => {
    const servers = await startRedisCluster(3);
    for (const each of servers) {
      opened.push(() => each.stop());
      await each.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    }
    const store = storeAt(`redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
    await reachable(store);
    const keys = Array.from({ length: 24 }, (_, i) => `key-${i}`);
    const takeAll = () => Promise.all(keys.map((key) => store.take(termsOf(QUOTA), key, 1)));
    while ((await takeAll()).includes(null)) await new Promise((resolve) => setTimeout(resolve, 20));
    await servers[1]?.kill();
    const dead = keys[(await takeAll()).indexOf(null)] ?? '';
    await Promise.all(Array.from({ length: 200 }, () => store.take(termsOf(QUOTA), dead, 1)));
    expect(store.isAway).toBe(true);
    const decisions = await takeAll();
    expect(decisions.filter((decision) => decision !== null).length).toBeGreaterThan(keys.length / 3);
    expect(decisions[keys.indexOf(dead)]).toBeNull();
    await servers[1]?.restart();
    while ((await takeAll()).includes(null)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test('count at the master that a Sentinel names', async () => {
    const redis = await server();
    const sentinel = await RedisServer.sentinel(redis, 'main');
    opened.push(() => sentinel.stop());
    const store = storeAt(`redis+sentinel://127.0.0.1:${sentinel.port}/main`);
    await reachable(store);
    expect(await takes(store, termsOf(WINDOW), 8)).toBe(5);
  });

  test('speak TLS to a server with a user and a password', async () => {
    const ca = await TestCa.create();
    opened.push(() => rmSync(ca.folder, { recursive: true, force: true }));
    const { certificate, privateKey } = await ca.issue('redis', 'IP:127.0.0.1');
    const serverFiles = ['--tls-cert-file', certificate, '--tls-key-file', privateKey, '--tls-ca-cert-file', ca.certificate];
    const { port } = await server([
      '--tls-port',
      'PORT',
      ...serverFiles,
      '--tls-auth-clients',
      'no',
      ...'--user weir on >secret ~* &* +@all'.split(' '),
    ]);
    const files = { caFile: ca.certificate, userFile: fileOf('weir\n'), passwordFile: fileOf('secret\n') };
    const store = storeAt(`rediss://127.0.0.1:${port}`, files);
    await reachable(store);
    expect(await takes(store, termsOf(WINDOW), 8)).toBe(5);
    const stranger = storeAt(`rediss://weir@127.0.0.1:${port}`, { caFile: ca.certificate, passwordFile: fileOf('wrong') });
    expect(await stranger.take(termsOf(WINDOW), 'key', 1)).toBeNull();
  });

  test.each([false, true])('connect with a new password (Cluster: %p)', async (isCluster) => {
    const servers = isCluster ? await startRedisCluster(2) : [await server()];
    for (const each of servers) opened.push(() => each.stop());
    const tell = (...command: readonly [string, ...string[]]) => Promise.all(servers.map((each) => each.command(...command)));
    await tell('ACL', 'SETUSER', 'weir', 'on', '>former', '~*', '&*', '+@all');
    const passwordFile = fileOf('former');
    const connection = connectionTo(`redis${isCluster ? '+cluster' : ''}://weir@127.0.0.1:${servers[0]?.port}`, { passwordFile });
    const store = new RedisStore(connection);
    opened.push(() => store.close());
    await reachable(store);
    const former = connection.client;
    await tell('ACL', 'SETUSER', 'weir', 'resetpass', '>new');
    writeFileSync(passwordFile, 'new');
    await until(() => connection.client !== former, 'a client with the new password');
    await tell('CLIENT', 'KILL', 'USER', 'weir');
    await reachable(store);
    expect(await takes(store, termsOf(WINDOW, 'probe'), 8)).toBe(5);
  });

  test('wait for a password that is missing', async () => {
    const { port } = await server('--user weir on >secret ~* &* +@all'.split(' '));
    const passwordFile = fileOf('');
    const store = storeAt(`redis://weir@127.0.0.1:${port}`, { passwordFile });
    expect(await store.take(termsOf(WINDOW), 'key', 1)).toBeNull();
    writeFileSync(passwordFile, 'secret');
    await reachable(store);
    expect(await takes(store, termsOf(WINDOW), 8)).toBe(5);
  });
});
