// The level of the cache in Redis: proxies with backends of their own share answers, whatever happens to the server and to its data.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { readLines } from '#lib/json-lines.ts';
import { parseRedisUrl } from '#lib/redis.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { RedisServer, startRedisCluster } from '../support/redis.ts';
import { SecurityRig as PolicyRig, manifest } from '../security/rig.ts';

const ORIGIN = `http://${/Host: (.*)\r/.exec(get('/'))?.[1] ?? ''}`;
const FRESH = 'cache-control: max-age=60\r\n';
const NO_FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };

/** Resolves once the condition holds. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const cacheStatus = (answer: Message): string | undefined => header(answer, 'cache-status');

/** A proxy that stores in Redis, with a backend whose answers have its name and a number. */
async function start(
  url: string,
  name: string,
  headers = FRESH,
  settings: object = {},
  { timeoutMs = 2_000, ...files }: Partial<typeof NO_FILES & { timeoutMs: number }> = {},
): Promise<PolicyRig> {
  const address = parseRedisUrl(url);
  if (!address.ok) throw new Error(address.error);
  const policy = manifest('HTTPPolicy', 'web', {
    targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
    cache: { store: 'Redis', ...settings },
  });
  const rig = await PolicyRig.start([policy], {}, { redis: { address: address.value, ...NO_FILES, ...files, timeoutMs } });
  let count = 0;
  rig.upstream.become(() => ok(`${name} ${++count}`, headers));
  return rig;
}

async function purge(rig: PolicyRig, by: 'url' | 'prefix' | 'tag' | 'all', value: string): Promise<boolean> {
  const inspecting = { part: () => Promise.resolve(), signal: new AbortController().signal };
  return (await rig.proxy.worker.inspect({ kind: 'cachePurge', by, value, isFirst: true }, inspecting)).ok;
}

/** Requests a URL as `weir cache warm` does. */
async function warm(rig: PolicyRig, path: string): Promise<unknown> {
  const lines: unknown[] = [];
  const inspecting = { part: async (data: Buffer) => void lines.push(...readLines(data)), signal: new AbortController().signal };
  const asked = { urls: [ORIGIN + path], headers: [], port: 80, concurrency: 1, rate: 100 };
  await rig.proxy.worker.inspect({ kind: 'cacheWarm', ...asked }, inspecting);
  return lines[0];
}

const bodies = async (rig: PolicyRig, ...paths: string[]): Promise<string[]> => {
  const answers = [];
  for (const each of paths) answers.push((await rig.ask(get(each))).body);
  return answers;
};

describeWith(['redis'], 'the cache in Redis', () => {
  closeAfterEach();

  let server: RedisServer;
  let cluster: readonly RedisServer[];
  let client: Redis;
  const url = (): string => `redis://127.0.0.1:${server.port}`;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisServer.start(), startRedisCluster(3)]);
    client = new Redis({ port: server.port, host: '127.0.0.1' });
    client.on('error', () => undefined);
  });
  afterAll(async () => {
    client.disconnect();
    await Promise.all([server, ...cluster].map((each) => each.stop()));
  });
  beforeEach(() => client.flushall());

  /** The hashes with answers. */
  const hashes = async (of = client): Promise<readonly string[]> =>
    (await of.keys('weir:cache:*')).filter((key) => !key.endsWith(':generation'));
  const stored = (count: number): Promise<void> =>
    until(async () => (await hashes()).length === count, `answers of ${count} URLs in Redis`);

  /** Two proxies, each of which knows the purges. */
  async function two(headers = FRESH, settings: object = {}): Promise<readonly [PolicyRig, PolicyRig]> {
    const rigs = await Promise.all([start(url(), 'one', headers, settings), start(url(), 'two', headers, settings)]);
    await until(async () => (await client.exists('weir:{cache}:state')) === 1, 'an era');
    for (const rig of rigs) await until(() => isKnown(rig), 'the purges');
    return rigs as [PolicyRig, PolicyRig];
  }

  let probes = 0;
  /** A question to Redis was answered. */
  async function isKnown(rig: PolicyRig): Promise<boolean> {
    const before = await reads(rig);
    await rig.ask(get(`/probe/${probes++}`, 'Cache-Control: only-if-cached\r\n'));
    return (await reads(rig)) > before;
  }
  async function reads(rig: PolicyRig): Promise<number> {
    return Number(/weir_cache_redis_reads_total\{outcome="miss"\} (\d+)/.exec(await rig.proxy.worker.registry.metrics())?.[1]);
  }

  test('an answer serves the other proxy, with its age, parts and conditions', async () => {
    const [one, another] = await two(`${FRESH}etag: "v1"\r\nage: 7\r\n`);
    expect(cacheStatus(await one.ask(get('/a')))).toBe('weir; fwd=uri-miss; stored');
    await stored(1);
    const hit = await another.ask(get('/a'));
    expect([hit.body, cacheStatus(hit), Number(header(hit, 'age')) >= 7]).toEqual(['one 1', 'weir; hit', true]);
    expect(status(await another.ask(get('/a', 'If-None-Match: "v1"\r\n')))).toBe(304);
    expect(another.upstream.requests).toHaveLength(0);
  });

  test('one request fills the caches of all proxies', async () => {
    const [one, another] = await two();
    expect(await warm(one, '/a')).toEqual({ index: 0, outcome: 'stored', status: 200, reason: '' });
    expect(await warm(another, '/a')).toEqual({ index: 0, outcome: 'found', status: 200, reason: '' });
    expect(cacheStatus(await another.ask(get('/a')))).toBe('weir; hit');
    expect([one.upstream.requests.length, another.upstream.requests.length]).toEqual([1, 0]);
  });

  test('answers that vary serve the requests that they are for', async () => {
    const [one, another] = await two(`${FRESH}vary: accept-language\r\n`);
    const ask = (rig: PolicyRig, language: string) => rig.ask(get('/a', `Accept-Language: ${language}\r\n`));
    for (const language of ['de', 'fr']) await ask(one, language);
    await until(async () => (await client.hlen((await hashes())[0] ?? '')) === 3, 'both variants');
    const answers = [await ask(another, 'fr'), await ask(another, 'de'), await ask(another, 'en')];
    expect(answers.map(({ body }) => body)).toEqual(['one 2', 'one 1', 'two 1']);
  });

  test.each([
    ['url', `${ORIGIN}/a`],
    ['prefix', `${ORIGIN}/`],
    ['tag', 'news'],
    ['all', ''],
  ] as const)('a purge by %s at one proxy holds at the other', async (by, value) => {
    const [one, another] = await two(`${FRESH}surrogate-key: news\r\n`);
    await one.ask(get('/a'));
    await stored(1);
    expect(await bodies(another, '/a')).toEqual(['one 1']);
    expect(await purge(one, by, value)).toBe(true);
    await until(async () => (await bodies(another, '/a'))[0] === 'two 1', 'an answer of the backend');
  });

  test('a purge of something else leaves an answer', async () => {
    const [one, another] = await two(`${FRESH}surrogate-key: news\r\n`);
    await one.ask(get('/a'));
    await stored(1);
    for (const [by, value] of [
      ['tag', 'sport'],
      ['prefix', `${ORIGIN}/b`],
      ['url', `${ORIGIN}/`],
    ] as const)
      expect(await purge(another, by, value)).toBe(true);
    expect(await bodies(another, '/a')).toEqual(['one 1']);
  });

  test('an unsafe request at one proxy ends the answers of its URL at the other', async () => {
    const [one, another] = await two();
    await one.ask(get('/a'));
    await stored(1);
    expect(await bodies(another, '/a')).toEqual(['one 1']);
    await one.ask(get('/a').replace('GET', 'DELETE'));
    await until(async () => (await bodies(another, '/a'))[0] === 'two 1', 'an answer of the backend');
  });

  test('an answer that was on its way when its URL changed is not stored', async () => {
    const [one, another] = await two();
    const { promise, resolve } = Promise.withResolvers<void>();
    one.upstream.become(({ raw }, { socket }) => {
      if (!raw.startsWith('GET')) return ok('done');
      void promise.then(() => socket.write(ok('old', FRESH)));
      return null;
    });
    const asked = one.ask(get('/a'));
    await until(() => one.upstream.requests.length === 1, 'the request');
    await another.ask(get('/a').replace('GET', 'DELETE'));
    await until(async () => (await client.keys('weir:cache:*:generation')).length === 1, 'the change in Redis');
    resolve();
    expect((await asked).body).toBe('old');
    await until(async () => /weir_cache_redis_writes_total\{outcome="outdated"\} 1/.test(await one.proxy.worker.registry.metrics()), 'no');
    expect(status(await another.ask(get('/a', 'Cache-Control: only-if-cached\r\n')))).toBe(504);
    expect(await hashes()).toEqual([]);
  });

  test('answers to requests with credentials are only there if they are for all', async () => {
    const [one, another] = await two();
    const secret = get('/a', 'Authorization: Bearer secret\r\n');
    await one.ask(secret);
    one.upstream.become(ok('public', 'cache-control: public, max-age=60\r\n'));
    await one.ask(get('/b', 'Authorization: Bearer secret\r\n'));
    await stored(1);
    expect((await another.ask(get('/b', 'Authorization: Bearer other\r\n'))).body).toBe('public');
    await one.ask(get('/c'));
    one.upstream.become(ok('anonymous', FRESH));
    await one.ask(get('/d'));
    await stored(3);
    expect((await another.ask(get('/d', 'Cookie: session=1\r\n'))).body).toBe('two 1');
    expect(JSON.stringify(await Promise.all((await hashes()).map((key) => client.hgetall(key))))).not.toContain('Bearer');
  });

  test('entries that are broken, hostile or for other requests are refused', async () => {
    const [one, another] = await two(`${FRESH}x-a: b\r\n`);
    await bodies(one, '/a', '/b');
    await stored(2);
    const [first = '', second = ''] = await hashes();
    const field = async (key: string): Promise<string> => (await client.hkeys(key)).find((name) => name.startsWith('answer')) ?? '';
    const fields = [await field(first), await field(second)] as const;
    const good = (await client.hgetBuffer(first, fields[0])) ?? Buffer.alloc(0);
    const path = good.includes('/a"') ? '/a' : '/b';
    const changed = (from: string, to: string): Buffer => Buffer.from(good.toString('latin1').replace(from, to), 'latin1');
    const bad = [
      ['nothing', Buffer.alloc(0)],
      ['a part', good.subarray(0, good.length - 1)],
      ['more', Buffer.concat([good, Buffer.from('x')])],
      ['another version', changed('WCA\x01', 'WCA\x02')],
      ['another body', changed('one', 'two')],
      ['a long head', changed('WCA\x01\0\0', 'WCA\x01\xff\xff')],
      ['that of another request', (await client.hgetBuffer(second, fields[1])) ?? ''],
    ] as const;
    for (const [kind, bytes] of bad) {
      await client.hset(first, fields[0], bytes);
      await purgeMemory(another, path);
      const answer = await another.ask(get(path, 'Cache-Control: only-if-cached\r\n'));
      expect([kind, status(answer)]).toEqual([kind, 504]);
    }
    await client.hset(first, fields[0], good);
    expect((await another.ask(get(path, 'Cache-Control: only-if-cached\r\n'))).body).toMatch(/^one/);
  });

  test('keys of another type cost a request to the backend', async () => {
    const [one] = await two();
    await one.ask(get('/a'));
    await stored(1);
    const [key = ''] = await hashes();
    await client.set(key, 'x');
    await purgeMemory(one, '/a');
    expect(await bodies(one, '/a')).toEqual(['one 2']);
  });

  /** Other workers are told so; Redis keeps its answer. */
  async function purgeMemory(rig: PolicyRig, path: string): Promise<void> {
    rig.proxy.worker.notice({ topic: 'invalidated', key: `${ORIGIN}${path}`, value: null });
    await Promise.resolve();
  }

  test('many misses at one time are one question to Redis and one request', async () => {
    const [one] = await two();
    const before = Number(await reads(one));
    const answers = await Promise.all(Array.from({ length: 100 }, () => one.ask(get('/a'))));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['one 1']));
    expect([one.upstream.requests.length, (await reads(one)) - before]).toEqual([1, 1]);
  });

  test('in a Cluster, answers and purges are shared too', async () => {
    const at = `redis+cluster://127.0.0.1:${cluster[0]?.port ?? 0}`;
    const [one, another] = await Promise.all([start(at, 'one'), start(at, 'two')]);
    for (const rig of [one, another]) await until(() => isKnown(rig), 'the purges');
    const paths = Array.from({ length: 12 }, (_, i) => `/${i}`);
    await bodies(one, ...paths);
    await until(async () => {
      const answers = await bodies(one, '/0');
      return (
        answers[0] === 'one 1' && /weir_cache_redis_writes_total\{outcome="stored"\} 12/.test(await one.proxy.worker.registry.metrics())
      );
    }, 'the answers');
    expect(await bodies(another, ...paths)).toEqual(paths.map((_, i) => `one ${i + 1}`));
    expect(await purge(one, 'prefix', `${ORIGIN}/`)).toBe(true);
    await until(async () => (await bodies(another, '/0'))[0]?.startsWith('two') === true, 'an answer of the backend');
  });

  /** What one proxy stores, the other finds; and what it purges, the other asks its backend for. */
  async function expectShared(at: string, files: Partial<typeof NO_FILES> = {}): Promise<void> {
    const [one, another] = await Promise.all([start(at, 'one', FRESH, {}, files), start(at, 'two', FRESH, {}, files)]);
    for (const rig of [one, another]) await until(() => isKnown(rig), 'the purges');
    expect([await warm(one, '/a'), await bodies(another, '/a')]).toMatchObject([{ outcome: 'stored' }, ['one 1']]);
    expect(await purge(one, 'url', `${ORIGIN}/a`)).toBe(true);
    await until(async () => (await bodies(another, '/a'))[0] === 'two 1', 'an answer of the backend');
  }

  test('at the master that a Sentinel names, answers and purges are shared too', async () => {
    const sentinel = await RedisServer.sentinel(server, 'main');
    await expectShared(`redis+sentinel://127.0.0.1:${sentinel.port}/main`).finally(() => sentinel.stop());
  });

  test('with TLS, a user and a password they are shared, and a proxy with a wrong password or without the CA has its own', async () => {
    const ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('redis', 'IP:127.0.0.1');
    const fileOf = (name: string, text: string): string => {
      writeFileSync(path.join(ca.folder, name), text);
      return path.join(ca.folder, name);
    };
    const tls = ['--tls-port', 'PORT', '--tls-cert-file', certificate, '--tls-key-file', privateKey, '--tls-ca-cert-file', ca.certificate];
    const users = '--user weir on >secret ~* &* +@all --user default off'.split(' ');
    const own = await RedisServer.start([...tls, '--tls-auth-clients', 'no', ...users]);
    try {
      const at = `rediss://127.0.0.1:${own.port}`;
      const files = { caFile: ca.certificate, userFile: fileOf('user', 'weir\n'), passwordFile: fileOf('password', 'secret\n') };
      await expectShared(at, files);
      for (const wrong of [
        { ...files, passwordFile: fileOf('wrong', 'wrong') },
        { ...files, caFile: '' },
      ]) {
        const stranger = await start(at, 'own', FRESH, {}, wrong);
        expect([await bodies(stranger, '/a', '/a'), await warm(stranger, '/b')]).toMatchObject([['own 1', 'own 1'], { outcome: 'stored' }]);
      }
    } finally {
      await own.stop();
      rmSync(ca.folder, { recursive: true, force: true });
    }
  });

  test('a purge while Redis is away holds once it is back, also for what it still has', async () => {
    const own = await RedisServer.start();
    const at = `redis://127.0.0.1:${own.port}`;
    try {
      const [one, another] = [await start(at, 'one', FRESH, {}, { timeoutMs: 200 }), await start(at, 'two', FRESH, {}, { timeoutMs: 200 })];
      for (const rig of [one, another]) await until(() => isKnown(rig), 'the purges');
      await bodies(one, '/a');
      await until(
        async () => Number(await own.command('EXISTS', 'weir:{cache}:state')) === 1 && (await bodies(another, '/a'))[0] === 'one 1',
        'it',
      );
      own.freeze();
      expect(await purge(one, 'all', '')).toBe(false);
      // The memory of the other proxy has it until it learns of the purge.
      expect(await bodies(one, '/a')).toEqual(['one 2']);
      own.thaw();
      await until(async () => (await bodies(another, '/a'))[0] !== 'one 1', 'another answer');
      await purgeMemory(one, '/a');
      expect(await bodies(one, '/a')).not.toContain('one 1');
    } finally {
      await own.stop();
    }
  });

  test('a server that is killed and comes back under traffic costs no request', async () => {
    const own = await RedisServer.start();
    const at = `redis://127.0.0.1:${own.port}`;
    try {
      const rigs = [await start(at, 'one', FRESH, {}, { timeoutMs: 200 }), await start(at, 'two', FRESH, {}, { timeoutMs: 200 })] as const;
      for (const rig of rigs) await until(() => isKnown(rig), 'the purges');
      let [path, goesOn] = [0, true];
      const statuses = new Set<number>();
      const traffic = rigs.map(async (rig) => {
        while (goesOn) {
          const answer = await rig.ask(get(`/${path++ % 50}`));
          statuses.add(status(answer));
          if (!/^(one|two) \d+$/.test(answer.body)) statuses.add(0);
        }
      });
      const asked = (): number => rigs[0].upstream.requests.length + rigs[1].upstream.requests.length;
      await until(() => path > 100, 'traffic');
      await own.kill();
      const before = path;
      await until(() => path > before + 100, 'traffic without Redis');
      await own.restart();
      for (const rig of rigs) await until(() => isKnown(rig), 'the purges');
      const since = path;
      await until(() => path > since + 200, 'traffic with Redis');
      goesOn = false;
      await Promise.all(traffic);
      expect([...statuses]).toEqual([200]);
      expect(asked()).toBeLessThan(path);
    } finally {
      await own.stop();
    }
  });
});
