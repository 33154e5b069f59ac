// The cache of answers, from the user's HTTPPolicy to the requests that a backend gets.
import { describe, expect, test } from '@jest/globals';
import type { RawClient } from '../support/raw-client.ts';
import { closeAfterEach, closeLater, get, openClient } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok, type RawUpstream, type UpstreamConnection } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { SecurityRig as PolicyRig, manifest } from '../security/rig.ts';

closeAfterEach();

const FRESH = 'cache-control: max-age=60\r\n';

function policy(cache: object, target: object = { kind: 'HTTPRoute', name: 'app' }, name = 'web') {
  return manifest('HTTPPolicy', name, { targetRefs: [target], cache });
}

/** A proxy with these settings, and a backend whose answers are numbered. */
async function start(settings: object = {}, headers = FRESH, rule: object = {}): Promise<PolicyRig> {
  const rig = await PolicyRig.start([policy({ store: 'Memory', ...settings })], rule);
  let count = 0;
  rig.upstream.become(() => ok(`answer ${++count}`, headers));
  return rig;
}

const cacheStatus = (answer: Message): string | undefined => header(answer, 'cache-status');

/** The answers to requests one after the other, as `<status> <body>`. */
async function askAll(rig: PolicyRig, requests: readonly string[]): Promise<string[]> {
  const answers = [];
  for (const bytes of requests) {
    const answer = await rig.ask(bytes);
    answers.push(`${status(answer)} ${answer.body}`);
  }
  return answers;
}

describe('a stored answer', () => {
  test('serves the next request, with its age', async () => {
    const rig = await start();
    const [first, second] = [await rig.ask(get('/a')), await rig.ask(get('/a'))];
    expect([first.body, cacheStatus(first), header(first, 'age')]).toEqual(['answer 1', 'weir; fwd=uri-miss; stored', undefined]);
    expect([second.body, cacheStatus(second), Number(header(second, 'age'))]).toEqual(['answer 1', 'weir; hit', expect.any(Number)]);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('serves HEAD, ranges and conditions', async () => {
    const rig = await start({}, `${FRESH}etag: "v1"\r\n`);
    await rig.ask(get('/a'));
    const client = await openClient(rig.proxy.port);
    const head = await client.ask(get('/a').replace('GET', 'HEAD'), true);
    expect([status(head), header(head, 'content-length'), head.body, cacheStatus(head)]).toEqual([200, '8', '', 'weir; hit']);
    const range = await rig.ask(get('/a', 'Range: bytes=0-3\r\n'));
    expect([status(range), range.body, header(range, 'content-range')]).toEqual([206, 'answ', 'bytes 0-3/8']);
    expect(status(await rig.ask(get('/a', 'Range: bytes=9-\r\n')))).toBe(416);
    expect((await rig.ask(get('/a', 'Range: bytes=0-3\r\nIf-Range: "v0"\r\n'))).body).toBe('answer 1');
    const known = await rig.ask(get('/a', 'If-None-Match: W/"v1"\r\n'));
    expect([status(known), known.body, header(known, 'etag')]).toEqual([304, '', '"v1"']);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('is confirmed by the backend once it is stale', async () => {
    const rig = await start();
    rig.upstream.become(({ raw }) =>
      raw.includes('if-none-match: "v1"')
        ? 'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\ncache-control: max-age=60\r\nx-new: 1\r\n\r\n'
        : ok('body', 'cache-control: max-age=0\r\netag: "v1"\r\n'),
    );
    await rig.ask(get('/a'));
    const confirmed = await rig.ask(get('/a'));
    expect([status(confirmed), confirmed.body, header(confirmed, 'x-new')]).toEqual([200, 'body', '1']);
    expect(cacheStatus(confirmed)).toBe('weir; fwd=stale; fwd-status=304');
    expect(cacheStatus(await rig.ask(get('/a')))).toBe('weir; hit');
    expect(rig.upstream.requests).toHaveLength(2);
  });

  test('is replaced if the backend sends another one', async () => {
    const rig = await start({}, 'cache-control: max-age=0\r\netag: "v1"\r\n');
    expect(await askAll(rig, [get('/a'), get('/a')])).toEqual(['200 answer 1', '200 answer 2']);
    expect(rig.upstream.requests[1]?.raw).toContain('if-none-match: "v1"');
  });

  test('serves while the backend is asked, and while it fails', async () => {
    const rig = await start({ staleWhileRevalidate: '1h', staleIfError: '1h' }, 'cache-control: max-age=1\r\nage: 10\r\n');
    await rig.ask(get('/a'));
    const stale = await rig.ask(get('/a'));
    expect([stale.body, cacheStatus(stale)]).toEqual(['answer 1', 'weir; hit']);
    await until(() => rig.upstream.requests.length === 2, 'the request of the cache itself');
    rig.upstream.become('HTTP/1.1 503 Unavailable\r\ncontent-length: 4\r\n\r\ngone');
    const failing = await rig.ask(get('/a', 'Cache-Control: max-age=0\r\n'));
    expect([status(failing), failing.body]).toEqual([200, expect.stringMatching(/^answer [12]$/)]);
    await rig.upstream.close();
    expect(status(await rig.ask(get('/a', 'Cache-Control: max-age=0\r\n')))).toBe(200);
  });

  test.each([
    ['of another method', get('/a').replace('GET', 'DELETE'), 'weir; fwd=method'],
    ['of another host', get('/a').replace(/Host: .*/, 'Host: b.example'), 'weir; fwd=uri-miss; stored'],
    ['with another query', get('/a?x=1'), 'weir; fwd=uri-miss; stored'],
    ['with a coded slash', get('/a%2Fb'), 'weir; fwd=uri-miss; stored'],
    ['that wants a new one', get('/a', 'Cache-Control: no-cache\r\n'), 'weir; fwd=stale; stored'],
    ['with a condition for the backend', get('/a', 'If-Match: "x"\r\n'), 'weir; fwd=bypass'],
    ['with another method in a header', get('/a', 'X-HTTP-Method-Override: POST\r\n'), 'weir; fwd=bypass'],
  ])('does not serve a request %s', async (_, bytes, expected) => {
    const rig = await start();
    await askAll(rig, [get('/a'), get('/a/b')]);
    expect([cacheStatus(await rig.ask(bytes)), rig.upstream.requests.length]).toEqual([expected, 3]);
  });

  test('goes with an unsafe request to its URL', async () => {
    const rig = await start();
    expect(await askAll(rig, [get('/a'), get('/a').replace('GET', 'DELETE'), get('/a'), get('/a')])).toEqual([
      ...['200 answer 1', '200 answer 2', '200 answer 3', '200 answer 3'],
    ]);
  });

  test('is refused to a client that accepts stored ones only, if there is none', async () => {
    const rig = await start();
    const answer = await rig.ask(get('/a', 'Cache-Control: only-if-cached\r\n'));
    expect([status(answer), answer.body, rig.upstream.requests.length]).toEqual([504, expect.stringContaining('not_cached'), 0]);
  });
});

describe('over HTTP/2', () => {
  test('the same answers are served', async () => {
    const rig = await start({}, `${FRESH}etag: "v1"\r\n`);
    await rig.ask(get('/a'));
    const session = openSession(rig.proxy.port);
    closeLater(() => session.destroy());
    const authority = /Host: (.*)\r/.exec(get('/a'))?.[1] ?? '';
    const hit = await request(session, { ':path': '/a', ':authority': authority });
    expect([String(hit.body), hit.headers['cache-status']]).toEqual(['answer 1', 'weir; hit']);
    const part = await request(session, { ':path': '/a', ':authority': authority, range: 'bytes=-1' });
    expect([part.headers[':status'], String(part.body)]).toEqual([206, '1']);
    expect(rig.upstream.requests).toHaveLength(1);
  });
});

test('a body that the route changes is served as a whole, also for a range', async () => {
  const rig = await PolicyRig.start([
    manifest('HTTPPolicy', 'web', {
      targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
      cache: { store: 'Memory' },
      response: { body: { remove: ['/secret'] } },
    }),
  ]);
  rig.upstream.become(ok('{"a":1,"secret":2}', `${FRESH}content-type: application/json\r\n`));
  const answers = await askAll(rig, [get('/a', 'Range: bytes=0-16\r\n'), get('/a', 'Range: bytes=0-16\r\n')]);
  expect([answers, rig.upstream.requests.length]).toEqual([['200 {"a":1}', '200 {"a":1}'], 1]);
});

describe('an answer is not for others', () => {
  test.each([
    ['with a cookie', `${FRESH}set-cookie: a=b\r\n`, ''],
    ['that is private', 'cache-control: max-age=60, private\r\n', ''],
    ['that must not be stored', 'cache-control: no-store\r\n', ''],
    ['without a lifetime', '', ''],
    ['that varies by everything', `${FRESH}vary: *\r\n`, ''],
    ['to a request with Authorization', FRESH, 'Authorization: Basic eDp5\r\n'],
    ['to a request with a cookie, as in cache deception', FRESH, 'Cookie: session=1\r\n'],
    ['to a request with a key of an API', FRESH, 'X-Api-Key: 1\r\n'],
    ['to a request with another path in a header', FRESH, 'X-Original-URL: /admin\r\n'],
    ['to a request for a part', FRESH, 'Range: bytes=0-1\r\n'],
  ])('%s', async (_, headers, asked) => {
    const rig = await start({}, headers);
    expect(await askAll(rig, [get('/account.css', asked), get('/account.css')])).toEqual(['200 answer 1', '200 answer 2']);
  });

  test('unless it says so', async () => {
    const rig = await start({}, 'cache-control: public, max-age=60\r\n');
    const asked = 'Cookie: session=1\r\nAuthorization: Basic eDp5\r\n';
    expect(await askAll(rig, [get('/a', asked), get('/a', asked), get('/a')])).toEqual(['200 answer 1', '200 answer 1', '200 answer 1']);
  });

  test('of an error that a request can provoke', async () => {
    const rig = await start();
    rig.upstream.become(`HTTP/1.1 431 Too Large\r\n${FRESH}content-length: 0\r\n\r\n`);
    await askAll(rig, [get('/a'), get('/a')]);
    expect(rig.upstream.requests).toHaveLength(2);
  });
});

describe('variants', () => {
  test('are stored by the headers that the answer names', async () => {
    const rig = await start({}, `${FRESH}vary: Accept-Language\r\n`);
    const [de, en] = ['Accept-Language: de\r\n', 'Accept-Language: en\r\n'].map((line) => get('/a', line));
    expect(
      await askAll(
        rig,
        [de, en, de, en].map((bytes) => bytes as string),
      ),
    ).toEqual([...['200 answer 1', '200 answer 2', '200 answer 1', '200 answer 2']]);
  });

  test('are stored by the origin that an answer permits', async () => {
    const rig = await start({}, `${FRESH}access-control-allow-origin: https://a.example\r\n`);
    const requests = ['https://a.example', 'https://b.example'].map((origin) => get('/a', `Origin: ${origin}\r\n`));
    expect(await askAll(rig, requests)).toEqual(['200 answer 1', '200 answer 2']);
  });
});

describe('the key', () => {
  test('has the parameters, headers and cookies of the policy', async () => {
    const rig = await start({ key: { includeQuery: ['id'], headers: ['X-Plan'], cookies: ['lang'] } });
    const requests = [
      ...[get('/a?id=1&utm=2'), get('/a?utm=3&id=1'), get('/a?id=2')],
      ...[get('/a?id=1', 'X-Plan: gold\r\n'), get('/a?id=1', 'Cookie: lang=de; tracker=1\r\n'), get('/a?id=1', 'Cookie: lang=de\r\n')],
    ];
    const bodies = (await askAll(rig, requests)).map((answer) => answer.at(-1));
    expect(bodies).toEqual(['1', '1', '2', '3', '4', '4']);
  });

  test('has the rewritten path too', async () => {
    const rewrite = { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } } };
    const rig = await start({}, FRESH, { filters: [rewrite] });
    expect(await askAll(rig, [get('/a'), get('/b'), get('/a')])).toEqual(['200 answer 1', '200 answer 2', '200 answer 1']);
  });
});

describe('the lifetime', () => {
  test.each([
    [{ defaultTtl: '1m' }, '', 1],
    [{ maxTtl: '0s' }, FRESH, 2],
    [{}, 'cdn-cache-control: max-age=60\r\ncache-control: no-store\r\n', 1],
    [{}, 'cache-control: max-age=60, s-maxage=0\r\n', 2],
    [{ mode: 'Disabled' }, FRESH, 2],
    [{ maxBodySize: 4 }, FRESH, 2],
    [{ requestDirectives: 'Ignore' }, FRESH, 1],
  ])('by %j and %j', async (settings, headers, requests) => {
    const rig = await start(settings, headers);
    const asked = 'requestDirectives' in settings ? 'Cache-Control: no-cache\r\n' : '';
    await askAll(rig, [get('/a'), get('/a', asked)]);
    expect(rig.upstream.requests).toHaveLength(requests);
  });
});

/** The connections on which the backend has not answered yet. */
function heldBack(upstream: RawUpstream): UpstreamConnection[] {
  const held: UpstreamConnection[] = [];
  upstream.become((_, connection) => {
    held.push(connection);
    return null;
  });
  return held;
}

describe('concurrent misses', () => {
  async function waiting(count: number): Promise<{ rig: PolicyRig; held: UpstreamConnection[]; clients: RawClient[] }> {
    const rig = await start();
    const held = heldBack(rig.upstream);
    const clients = await Promise.all(Array.from({ length: count }, () => openClient(rig.proxy.port)));
    for (const client of clients) client.write(get('/slow'));
    let metrics = '';
    const read = (text: string): void => void (metrics = text);
    const hasCome = (): boolean => {
      void rig.proxy.worker.registry.metrics().then(read);
      return metrics.includes(`weir_cache_waiting_requests ${count - 1}\n`);
    };
    await until(() => hasCome() && held.length > 0, 'the requests that wait, and that of the first at the backend');
    return { rig, held, clients };
  }

  test('ask the backend once, and read its answer as it arrives', async () => {
    const { rig, held, clients } = await waiting(1_000);
    held[0]?.socket.write(ok('whole', FRESH));
    const all = await Promise.all(clients.map((client) => client.answer()));
    expect(all.map(({ body }) => body)).toEqual(all.map(() => 'whole'));
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('ask it once also if it fails', async () => {
    const { rig, held, clients } = await waiting(50);
    held[0]?.socket.write('HTTP/1.1 500 Failed\r\ncontent-length: 4\r\n\r\nsick');
    expect((await Promise.all(clients.map((client) => client.answer()))).map((answer) => `${status(answer)} ${answer.body}`)).toEqual(
      clients.map(() => '500 sick'),
    );
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test('read an answer as it arrives, and do not store it if it breaks off', async () => {
    const { rig, held, clients } = await waiting(20);
    held[0]?.socket.write(`HTTP/1.1 200 OK\r\n${FRESH}content-length: 10\r\n\r\nhalf`);
    await until(() => clients.every(({ received }) => received.endsWith('half')), 'the first half');
    held[0]?.socket.destroy();
    await Promise.all(clients.map((client) => client.over()));
    expect(rig.upstream.requests).toHaveLength(1);
    rig.upstream.become(ok('whole', FRESH));
    expect((await rig.ask(get('/slow'))).body).toBe('whole');
  });

  test('go on without the client that was the first', async () => {
    const { rig, held, clients } = await waiting(2);
    const [a, b] = clients as [RawClient, RawClient];
    held[0]?.socket.write(`HTTP/1.1 200 OK\r\n${FRESH}content-length: 5\r\n\r\nwh`);
    await until(() => clients.every(({ received }) => received.endsWith('wh')), 'the beginning');
    const isFirst = (client: RawClient): boolean => client.received.includes('stored');
    const [first, second] = isFirst(a) ? [a, b] : [b, a];
    first.socket.destroy();
    await until(() => first.closed, 'the end of the first');
    held[0]?.socket.write('ole');
    expect([(await second.answer()).body, rig.upstream.requests.length]).toEqual(['whole', 1]);
    expect(cacheStatus(await rig.ask(get('/slow')))).toBe('weir; hit');
  });

  test('go on alone if the answer is not for others', async () => {
    const { rig, held, clients } = await waiting(3);
    rig.upstream.become(ok('own', 'cache-control: private\r\n'));
    held[0]?.socket.write(ok('own', 'cache-control: private\r\n'));
    expect((await Promise.all(clients.map((client) => client.answer()))).map(({ body }) => body)).toEqual(['own', 'own', 'own']);
    expect(rig.upstream.requests).toHaveLength(3);
  });
});
