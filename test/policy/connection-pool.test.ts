// The connections to endpoints (connectionPool of a BackendTrafficPolicy) on real sockets: their number, their use and their life.
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { blackhole } from '../support/blackhole.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { cluster, listener, pathMatch, route, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A policy of the rules of an HTTPRoute. */
function policy(name: string, connectionPool: object, others: object = {}): ir.Policy {
  const described = { kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, policyKind: 'BackendTrafficPolicy' } as const;
  const targets = [{ kind: 'HTTPRoute', namespace: 'default', name, section: '' }];
  return { ...described, namespace: 'default', name, createdAt: 0, targets, settings: { connectionPool, ...others } };
}

/** Two routes to one backend: /strict and /wide. */
const ROUTES = ['strict', 'wide'].map((name) =>
  route({ key: `HTTPRoute/default/${name}/0`, name, matches: [pathMatch('PathPrefix', `/${name}`)] }),
);

/** A backend whose answers wait for `answer`. */
class Held {
  readonly upstream: RawUpstream;
  readonly #waiting: (() => void)[];

  constructor(upstream: RawUpstream, waiting: (() => void)[]) {
    this.upstream = upstream;
    this.#waiting = waiting;
  }

  static async open(): Promise<Held> {
    const waiting: (() => void)[] = [];
    const upstream = await openUpstream((_, { socket }) => {
      waiting.push(() => void socket.write(ok()));
      return null;
    });
    return new Held(upstream, waiting);
  }

  /** The requests without an answer. */
  get held(): number {
    return this.#waiting.length;
  }

  /** Answers the request that waits longest. */
  answer(): void {
    this.#waiting.shift()?.();
  }
}

async function start({ upstream }: Held, ...policies: readonly ir.Policy[]): Promise<Proxy> {
  return openProxy([...cluster('app', [upstream.port]), ...policies, listener(), ...ROUTES]);
}

async function ask(proxy: Proxy, path: string): Promise<Message> {
  const client = await openClient(proxy.port);
  return client.ask(get(path));
}

function pending(proxy: Proxy): number {
  return proxy.metric('weir_upstream_requests_pending');
}

describe('perEndpoint.maxConnections', () => {
  test('lets further requests wait for a connection', async () => {
    const backend = await Held.open();
    const proxy = await start(backend, policy('strict', { perEndpoint: { maxConnections: 2 } }));
    const answers = ['a', 'b', 'c'].map((name) => ask(proxy, `/strict/${name}`));
    await until(() => backend.held === 2 && pending(proxy) === 1, 'two requests are with the backend, and one waits');
    backend.answer();
    await until(() => backend.held === 2 && pending(proxy) === 0, 'the third request has the connection of the first');
    backend.answer();
    backend.answer();
    expect((await Promise.all(answers)).map(status)).toEqual([200, 200, 200]);
    expect(backend.upstream.connections.length).toBe(2);
  });

  test('of two rules: the one with the lower limit opens none beyond it, and uses those of the other', async () => {
    const backend = await Held.open();
    const proxy = await start(
      backend,
      policy('strict', { perEndpoint: { maxConnections: 1 } }),
      policy('wide', { perEndpoint: { maxConnections: 3 } }),
    );
    const first = [ask(proxy, '/wide/a'), ask(proxy, '/wide/b')];
    await until(() => backend.held === 2, 'the wide rule has two connections');
    const strict = ask(proxy, '/strict');
    await until(() => pending(proxy) === 1, 'the strict rule waits');
    const third = ask(proxy, '/wide/c');
    await until(() => backend.held === 3, 'the wide rule opens a third connection past the waiting request');
    expect([backend.upstream.connections.length, pending(proxy)]).toEqual([3, 1]);
    backend.answer();
    await until(() => backend.held === 3 && pending(proxy) === 0, 'the strict rule has a connection of the wide one');
    for (let left = 3; left > 0; left--) backend.answer();
    expect((await Promise.all([...first, third, strict])).map(status)).toEqual([200, 200, 200, 200]);
    expect(backend.upstream.connections.length).toBe(3);
  });
});

test('perEndpoint.maxPendingRequests refuses further requests of its rule only', async () => {
  const backend = await Held.open();
  const proxy = await start(
    backend,
    policy('strict', { perEndpoint: { maxConnections: 1, maxPendingRequests: 1 } }),
    policy('wide', { perEndpoint: { maxConnections: 1, maxPendingRequests: 2 } }),
  );
  const answers = [ask(proxy, '/wide/a')];
  await until(() => backend.held === 1, 'the connection is taken');
  answers.push(ask(proxy, '/wide/b'));
  await until(() => pending(proxy) === 1, 'a request waits');
  const refused = await ask(proxy, '/strict');
  expect([status(refused), refused.body]).toEqual([503, expect.stringContaining('overloaded')]);
  answers.push(ask(proxy, '/wide/c'));
  await until(() => pending(proxy) === 2, 'another request of the wide rule waits');
  for (let left = 3; left > 0; left--) {
    await until(() => backend.held === 1, 'the next request is with the backend');
    backend.answer();
  }
  expect((await Promise.all(answers)).map(status)).toEqual([200, 200, 200]);
});

describe('maxRequestsPerConnection', () => {
  test('closes a connection after so many requests', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([
      ...cluster('app', [upstream.port]),
      policy('strict', { maxRequestsPerConnection: 2 }),
      listener(),
      ...ROUTES,
    ]);
    const client = await openClient(proxy.port);
    for (let left = 5; left > 0; left--) expect(status(await client.ask(get('/strict')))).toBe(200);
    expect(upstream.connections.map(({ requests }) => requests.length)).toEqual([2, 2, 1]);
    await until(() => upstream.open === 1, 'the connections are closed');
  });

  test('of one rule does not let it use a connection on which others have sent more', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([
      ...cluster('app', [upstream.port]),
      policy('strict', { maxRequestsPerConnection: 2 }),
      listener(),
      ...ROUTES,
    ]);
    const client = await openClient(proxy.port);
    for (const path of ['/wide', '/wide', '/wide', '/strict', '/wide', '/wide']) await client.ask(get(path));
    expect(upstream.connections.map(({ requests }) => requests.length)).toEqual([3, 3]);
  });
});

test('idleTimeout closes connections that its requests used last', async () => {
  const upstream = await openUpstream();
  const proxy = await openProxy([...cluster('app', [upstream.port]), policy('strict', { idleTimeout: 50 }), listener(), ...ROUTES], {
    poolIdleTimeout: 600_000,
  });
  const client = await openClient(proxy.port);
  await client.ask(get('/wide'));
  expect(upstream.open).toBe(1);
  await client.ask(get('/strict'));
  await until(() => upstream.open === 0, 'the connection is closed');
  expect(upstream.connections.length).toBe(1);
});

test('connectTimeout is that of the rule whose request opens the connection', async () => {
  const blocked = await blackhole();
  const proxy = await openProxy([...cluster('app', [blocked]), policy('strict', { connectTimeout: 50 }), listener(), ...ROUTES]);
  const answer = await ask(proxy, '/strict');
  expect([status(answer), answer.body]).toEqual([504, expect.stringContaining('upstream_connect_timeout')]);
});

test('connectTimeout applies to the connections of a TCPRoute', async () => {
  const stream = streamRoute();
  const target = { kind: 'TCPRoute', namespace: stream.namespace, name: stream.name, section: '' };
  const proxy = await openProxy([
    ...cluster('app', [await blackhole()]),
    { ...policy('db', { connectTimeout: 50 }), targets: [target] },
    listener({ protocol: 'TCP' }),
    stream,
  ]);
  await (await openClient(proxy.port)).over();
  expect(proxy.metric('weir_stream_failures_total')).toBe(1);
});

describe('with HTTP/2', () => {
  /** A backend that answers once `release` is called; each session has its number of requests. */
  async function openH2() {
    const sessions: number[] = [];
    const held: http2.ServerHttp2Stream[] = [];
    const server = http2.createServer();
    server.on('session', (session) => {
      const index = sessions.push(0) - 1;
      session.on('stream', (stream) => {
        sessions[index] = (sessions[index] ?? 0) + 1;
        held.push(stream);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeLater(() => void server.close());
    const release = (): void => {
      for (const stream of held.splice(0)) {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }
    };
    return { port: (server.address() as AddressInfo).port, sessions, held, release };
  }

  test('maxConcurrentStreams limits the requests of a connection, for its rule only', async () => {
    const backend = await openH2();
    const http = { protocol: 'HTTP2' };
    const proxy = await openProxy([
      ...cluster('app', [backend.port]),
      policy('strict', { maxConcurrentStreams: 1 }, http),
      policy('wide', { maxConcurrentStreams: 4 }, http),
      listener(),
      ...ROUTES,
    ]);
    const answers = [ask(proxy, '/wide/a')];
    await until(() => backend.held.length === 1, 'the first request is with the backend');
    answers.push(ask(proxy, '/strict/a'));
    await until(() => backend.held.length === 2, 'the strict request has a connection of its own');
    expect(backend.sessions).toEqual([1, 1]);
    answers.push(ask(proxy, '/wide/b'), ask(proxy, '/wide/c'));
    await until(() => backend.held.length === 4, 'all requests are with the backend');
    expect(backend.sessions).toEqual([3, 1]);
    backend.release();
    expect((await Promise.all(answers)).map(status)).toEqual([200, 200, 200, 200]);
  });

  test('maxRequestsPerConnection and maxConnections hold together', async () => {
    const backend = await openH2();
    const limits = { maxRequestsPerConnection: 2, perEndpoint: { maxConnections: 1 } };
    const proxy = await openProxy([
      ...cluster('app', [backend.port]),
      policy('strict', limits, { protocol: 'HTTP2' }),
      listener(),
      ...ROUTES,
    ]);
    const answers = ['a', 'b', 'c'].map((name) => ask(proxy, `/strict/${name}`));
    await until(() => backend.held.length === 2 && pending(proxy) === 1, 'two requests are with the backend, and one waits');
    backend.release();
    await until(() => backend.held.length === 1, 'the third request has another connection');
    expect(backend.sessions).toEqual([2, 1]);
    backend.release();
    expect((await Promise.all(answers)).map(status)).toEqual([200, 200, 200]);
  });
});
