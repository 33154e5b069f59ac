// Idempotency keys, from the user's HTTPPolicy to the requests that a backend gets.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseRedisUrl } from '#lib/redis.ts';
import { KeyMemory } from '../../proxy/idempotency/key-memory.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, openClient } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { SecurityRig as PolicyRig, manifest } from '../security/rig.ts';

closeAfterEach();

const NO_FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
const CREATED = (n: number, headers = '') => `HTTP/1.1 201 Created\r\n${headers}content-length: ${String(n).length + 6}\r\n\r\norder ${n}`;

/** A proxy with these settings, and a backend whose answers are numbered. */
async function start(settings: object = {}, port = 0): Promise<PolicyRig> {
  const address = parseRedisUrl(`redis://127.0.0.1:${port}`);
  if (!address.ok) throw new Error(address.error);
  const policy = manifest('HTTPPolicy', 'web', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], idempotency: settings });
  const more = port === 0 ? {} : { redis: { address: address.value, ...NO_FILES, timeoutMs: 500 } };
  const rig = await PolicyRig.start([policy], {}, more);
  let count = 0;
  rig.upstream.become(() => CREATED(++count, 'set-cookie: a=b\r\nlocation: /orders/1\r\n'));
  return rig;
}

const post = (headers: string, body = '{"n":1}', path = '/orders', method = 'POST'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const keyed = (key: string, body?: string, path?: string): string => post(`Idempotency-Key: ${key}\r\n`, body, path);
const shown = (answer: Message): string => {
  const problem = header(answer, 'content-type') === 'application/problem+json';
  return `${status(answer)} ${problem ? (JSON.parse(answer.body) as { code: string }).code : answer.body}`;
};
async function all(rig: PolicyRig, ...requests: readonly string[]): Promise<string[]> {
  const answers = [];
  for (const bytes of requests) answers.push(shown(await rig.ask(bytes)));
  return answers;
}

describe('a request with a key', () => {
  test('is done once, and its answer is repeated with its headers', async () => {
    const rig = await start();
    const [first, again] = [await rig.ask(keyed('"a"')), await rig.ask(keyed('a'))];
    expect([shown(first), header(first, 'idempotent-replayed')]).toEqual(['201 order 1', undefined]);
    const kept = ['location', 'set-cookie', 'content-length', 'idempotent-replayed'].map((name) => header(again, name));
    expect([shown(again), ...kept]).toEqual(['201 order 1', '/orders/1', 'a=b', '7', 'true']);
    expect(await all(rig, keyed('"b"'), keyed('"b"'))).toEqual(['201 order 2', '201 order 2']);
    expect(rig.upstream.requests.map(({ body }) => body)).toEqual(['{"n":1}', '{"n":1}']);
  });

  test.each([
    ['another body', keyed('"a"', '{"n":2}')],
    ['another path', keyed('"a"', undefined, '/payments')],
    ['another query', keyed('"a"', undefined, '/orders?x=1')],
    ['another type', post('Idempotency-Key: "a"\r\nContent-Type: text/plain\r\n')],
  ])('and %s is refused', async (_, bytes) => {
    const rig = await start();
    expect(await all(rig, keyed('"a"'), bytes)).toEqual(['201 order 1', '422 idempotency_key_reused']);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('is answered with 409 while the first one runs', async () => {
    const rig = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    rig.upstream.become((_, { socket }) => {
      void promise.then(() => socket.write(CREATED(1)));
      return null;
    });
    const first = rig.ask(keyed('"a"'));
    await rig.upstream.request();
    const second = await rig.ask(keyed('"a"'));
    expect([shown(second), header(second, 'retry-after')]).toEqual(['409 idempotency_key_in_use', '1']);
    expect(await all(rig, keyed('"a"', 'x'))).toEqual(['422 idempotency_key_reused']);
    resolve();
    expect(shown(await first)).toBe('201 order 1');
    expect(await all(rig, keyed('"a"'))).toEqual(['201 order 1']);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('is done although its client leaves, for the same client that comes back', async () => {
    const rig = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    rig.upstream.become((_, { socket }) => {
      void promise.then(() => socket.write(CREATED(1)));
      return null;
    });
    const client = await openClient(rig.proxy.port);
    client.write(keyed('"a"'));
    await rig.upstream.request();
    client.destroy();
    resolve();
    let answer = '';
    for (; !answer.startsWith('201'); [answer = ''] = await all(rig, keyed('"a"'))) expect(['', '409']).toContain(answer.slice(0, 3));
    expect([answer, rig.upstream.requests.length]).toEqual(['201 order 1', 1]);
  });

  test.each([
    ['an error of the backend', 'HTTP/1.1 500 Oops\r\ncontent-length: 1\r\n\r\nx', '500 x'],
    ['a limit of the backend', 'HTTP/1.1 429 Slow\r\ncontent-length: 1\r\n\r\nx', '429 x'],
    ['a refusal of the backend', 'HTTP/1.1 401 Who\r\ncontent-length: 1\r\n\r\nx', '401 x'],
  ])('is done again after %s', async (_, answer, expected) => {
    const rig = await start();
    rig.upstream.become(answer);
    expect(await all(rig, keyed('"a"'))).toEqual([expected]);
    rig.upstream.become(CREATED(2));
    expect(await all(rig, keyed('"a"'), keyed('"a"'))).toEqual(['201 order 2', '201 order 2']);
  });

  test('is done again after a failure to reach the backend', async () => {
    const rig = await start();
    rig.upstream.become({ data: ({ socket }) => void socket.destroy() });
    expect(await all(rig, keyed('"a"'))).toEqual(['502 upstream_reset']);
    rig.upstream.become(CREATED(2));
    expect(await all(rig, keyed('"a"'))).toEqual(['201 order 2']);
  });

  test('is not done again if its answer is too long, or breaks off', async () => {
    const rig = await start({ maxAnswerSize: 6 });
    expect(await all(rig, keyed('"a"'), keyed('"a"'))).toEqual(['201 order 1', '409 idempotency_answer_lost']);
    rig.upstream.become((_, { socket }) => {
      socket.write('HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\nhalf', () => socket.destroy());
      return null;
    });
    await rig.ask(keyed('"b"')).catch(() => null);
    let answer = '409 idempotency_key_in_use';
    while (answer === '409 idempotency_key_in_use') [answer = ''] = await all(rig, keyed('"b"'));
    expect(answer).toBe('409 idempotency_answer_lost');
  });

  test('without a body of the answer, and in a stream, is repeated too', async () => {
    const rig = await start({ methods: ['POST', 'DELETE'] });
    rig.upstream.become('HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n');
    const remove = post('Idempotency-Key: "d"\r\n', '', '/orders/1', 'DELETE');
    expect(await all(rig, remove, remove)).toEqual(['204 ', '204 ']);
    rig.upstream.become('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n');
    expect(await all(rig, keyed('"c"'), keyed('"c"'))).toEqual(['200 abcdef', '200 abcdef']);
    expect(rig.upstream.requests).toHaveLength(2);
  });

  test('belongs to its caller', async () => {
    const rig = await start();
    const as = (credentials: string) => post(`Idempotency-Key: "a"\r\n${credentials}\r\n`);
    const callers = ['Authorization: Bearer a', 'Authorization: Bearer b', 'Cookie: s=1', 'X-Api-Key: a'];
    expect(await all(rig, ...callers.map(as), ...callers.map(as))).toEqual([1, 2, 3, 4, 1, 2, 3, 4].map((n) => `201 order ${n}`));
  });
});

describe('keys', () => {
  test.each([
    ['an empty one', ''],
    ['an empty string', '""'],
    ['an open string', '"a'],
    ['one with a space', 'a b'],
    ['one with parameters', '"a";x=1'],
    ['one that is not ASCII', '"\xe4"'],
    ['one that is too long', `"${'a'.repeat(256)}"`],
    ['two', '"a"\r\nIdempotency-Key: "a"'],
  ])('that are not valid: %s', async (_, text) => {
    const rig = await start();
    expect(await all(rig, keyed(text))).toEqual(['400 idempotency_key_malformed']);
    expect(rig.upstream.requests).toHaveLength(0);
  });

  test('are needed where the policy says so, for its methods', async () => {
    const rig = await start({ required: true, header: 'X-Request-Key', methods: ['POST'] });
    expect(await all(rig, post(''), keyed('"a"'), post('X-Request-Key: "a"\r\n'), post('', '{}', '/orders', 'PATCH'))).toEqual([
      ...['400 idempotency_key_missing', '400 idempotency_key_missing', '201 order 1', '201 order 2'],
    ]);
  });

  test('are not needed otherwise, and long bodies with keys are refused', async () => {
    const rig = await start({ maxBodySize: 4 });
    expect(await all(rig, post(''), keyed('"a"', '12345'), keyed('"a"', '1234'))).toEqual([
      ...['201 order 1', '413 request_body_too_large', '201 order 2'],
    ]);
  });

  test('end after their time', async () => {
    const rig = await start({ ttl: '1ms' });
    expect(await all(rig, keyed('"a"'))).toEqual(['201 order 1']);
    await until(() => true);
    let answer = '201 order 1';
    while (answer === '201 order 1') [answer = ''] = await all(rig, keyed('"a"'));
    expect(answer).toBe('201 order 2');
  });

  test('count', async () => {
    const rig = await start({ required: true });
    await all(rig, post(''), keyed(''), keyed('"a"'), keyed('"a"'), keyed('"a"', 'x'));
    const metrics = await rig.proxy.worker.registry.metrics();
    for (const outcome of ['missing', 'malformed', 'first', 'replayed', 'reused'])
      expect(metrics).toContain(`weir_idempotency_requests_total{outcome="${outcome}"} 1`);
    expect(metrics).toContain('\nweir_idempotency_evicted_keys_total 0\n');
  });

  test('in memory take bounded room: the oldest answers go first, and running requests stay', () => {
    const memory = new KeyMemory(4_096);
    const owner = {};
    memory.begin('running', 'f', 't', owner);
    for (let i = 0; i < 10; i++) {
      memory.begin(`${i}`, 'f', 't', owner);
      memory.finish(`${i}`, 't', Buffer.alloc(1_000), 1_000);
    }
    expect([memory.size, memory.families().map(({ name, read }) => [name, read()])]).toEqual([
      3,
      [['weir_idempotency_evicted_keys_total', [{ labels: {}, value: 8 }]]],
    ]);
    expect([memory.begin('9', 'f', 'u', owner).type, memory.begin('0', 'f', 'u', owner).type]).toEqual(['done', 'new']);
    expect(memory.begin('running', 'f', 'u', owner).type).toBe('running');
    // Of a worker that died.
    memory.drop(owner);
    expect(memory.begin('running', 'f', 'u', {}).type).toBe('new');
    memory.close();
  });
});

describeWith(['redis'], 'keys in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.stop());

  async function two(settings: object = {}, port = server.port): Promise<readonly [PolicyRig, PolicyRig]> {
    const rigs = await Promise.all([start({ store: 'Redis', ...settings }, port), start({ store: 'Redis', ...settings }, port)]);
    // The connections are there once a key is taken.
    for (const [i, rig] of rigs.entries()) while ((await all(rig, keyed(`"warm ${i}"`)))[0]?.startsWith('503') === true);
    return rigs as [PolicyRig, PolicyRig];
  }

  test('hold at all proxies', async () => {
    const [one, another] = await two();
    const [first = ''] = await all(one, keyed('"a"'));
    expect(await all(another, keyed('"a"'), keyed('"a"', 'x'))).toEqual([first, '422 idempotency_key_reused']);
    expect(
      Number(await server.command('PTTL', String(((await server.command('KEYS', 'weir:idempotency:*')) as string[])[0]))),
    ).toBeGreaterThan(80_000_000);
  });

  test('are taken once, however many ask at one time', async () => {
    const rigs = await two();
    const asked = Array.from({ length: 40 }, (_, i) => (rigs[i % 2] as PolicyRig).ask(keyed('"many"')));
    const answers = (await Promise.all(asked)).map(shown);
    const bodies = new Set(answers.filter((answer) => !answer.startsWith('409')));
    expect([bodies.size, rigs.flatMap(({ upstream }) => upstream.requests).filter(({ raw }) => raw.includes('many')).length]).toEqual([
      1, 1,
    ]);
  });

  test('that are broken in Redis are not done again', async () => {
    const [one] = await two();
    await all(one, keyed('"broken"'));
    for (const key of (await server.command('KEYS', 'weir:idempotency:*')) as string[])
      await server.command('HSET', key, 'answer', 'WIK\x01x');
    expect(await all(one, keyed('"broken"'))).toEqual(['409 idempotency_answer_lost']);
  });

  test('are refused while Redis is away, or pass where the policy says so, and hold again afterwards', async () => {
    const own = await RedisServer.start();
    try {
      const [closed] = await two({}, own.port);
      const [open] = await two({ onError: 'Open' }, own.port);
      await own.kill();
      expect(await all(closed, keyed('"a"'), post(''))).toEqual(['503 idempotency_unavailable', expect.stringMatching(/^201/)]);
      expect(new Set((await all(open, keyed('"a"'), keyed('"a"'))).map((answer) => answer.slice(0, 3)))).toEqual(new Set(['201']));
      await own.restart();
      let first = '503';
      while (first.startsWith('503')) [first = ''] = await all(closed, keyed('"b"'));
      expect(await all(closed, keyed('"b"'))).toEqual([first]);
    } finally {
      await own.stop();
    }
  });
});

test('a policy with Redis at a proxy without it refuses keys', async () => {
  const rig = await start({ store: 'Redis' });
  expect(await all(rig, keyed('"a"'), post(''))).toEqual(['503 idempotency_unavailable', '201 order 1']);
  rig.upstream.become(ok('ok'));
});
