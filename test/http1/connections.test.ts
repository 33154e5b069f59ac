// Connections on both sides: their lifetime, the order of their answers, and their end.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { header, status, withoutDate } from '../support/message.ts';
import { closeAfterEach, get, openChain, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { backend, cluster, listener, route, toUpstream } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { Respond } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const path: Respond = (request) => ok(request.startLine.split(' ')[1]);

describe('downstream', () => {
  test('one connection carries several requests, and so does one to the backend', async () => {
    const { client, upstream } = await openChain(path);
    for (const target of ['/1', '/2', '/3']) expect((await client.ask(get(target))).body).toBe(target);
    expect(upstream.connections.length).toBe(1);
  });

  test('pipelined requests are answered in order, one at a time', async () => {
    const { client, upstream } = await openChain(path);
    client.write(get('/1') + post('body', '/2') + get('/3') + 'HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n' + get('/%zz'));
    for (const target of ['/1', '/2', '/3']) expect((await client.answer()).body).toBe(target);
    expect(status(await client.answer(true))).toBe(200);
    expect(status(await client.answer())).toBe(400);
    expect(upstream.connections.length).toBe(1);
  });

  test('requests pipelined behind local replies are answered', async () => {
    const upstream = await openUpstream(path);
    const proxy = await openProxy([listener(), ...cluster('app', [upstream.port]), route({ matches: [{ ...match('/a') }] })]);
    const client = await openClient(proxy.port);
    client.write(get('/x') + get('/a') + get('/y') + post('body', '/z') + get('/a'));
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(status(await client.answer()));
    expect(statuses).toEqual([404, 200, 404, 404, 200]);
  });

  test('requests pipelined before a half-close are all answered, then the connection ends', async () => {
    const { client } = await openChain(path);
    client.write(get('/1') + get('/2') + get('/3'));
    client.end();
    for (const target of ['/1', '/2', '/3']) expect((await client.answer()).body).toBe(target);
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('');
  });

  test('half a request before a half-close just ends', async () => {
    const { client, upstream } = await openChain(path);
    client.write(get('/1') + 'GET /2 HT');
    client.end();
    expect((await client.answer()).body).toBe('/1');
    await until(() => client.closed, 'the end');
    expect([client.received, upstream.requests.length]).toEqual(['', 1]);
  });

  test('a body cut short by a half-close does not reach the backend as complete', async () => {
    const { client, upstream, proxy } = await openChain(path);
    client.write(post('hello').slice(0, -1));
    client.end();
    await until(() => client.closed, 'the end');
    await until(() => upstream.open === 0, 'the end at the backend');
    expect(upstream.requests).toEqual([]);
    await proxy.quiet();
  });

  test('Connection: close is honoured and answered', async () => {
    const { client } = await openChain(path);
    expect(header(await client.ask(get('/', 'Connection: close\r\n')), 'connection')).toBe('close');
    await client.over();
    expect(client.error).toBe('');
  });

  test('HTTP/1.0 is closed after the answer', async () => {
    const { client } = await openChain(path);
    expect(withoutDate((await client.ask('GET /1 HTTP/1.0\r\nHost: a\r\n\r\n')).raw)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n/1',
    );
    await client.over();
  });

  test('HTTP/1.0 with keep-alive is kept', async () => {
    const { client } = await openChain(path);
    for (const target of ['/1', '/2']) {
      const answer = await client.ask(`GET ${target} HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n`);
      expect([header(answer, 'connection'), answer.body]).toEqual(['keep-alive', target]);
    }
  });

  test('HTTP/1.0 gets no chunks, even with keep-alive: the end of the connection ends the body', async () => {
    const { client } = await openChain('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    client.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    await client.over();
    expect(withoutDate(client.received)).toBe('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello');
    expect(client.error).toBe('');
  });

  test('HTTP/1.0 without Host is routed as a request without a host', async () => {
    const { client, upstream } = await openChain(path);
    expect((await client.ask('GET /1 HTTP/1.0\r\n\r\n')).body).toBe('/1');
    expect(header(await upstream.request(), 'x-forwarded-host')).toBeUndefined();
  });

  test('a silent connection is closed', async () => {
    const { client } = await openChain(path, {}, { downstreamIdleTimeout: 50 });
    await client.ask(get());
    await client.over();
    expect(client.received).toBe('');
  });

  test('a connection is closed after its maximum number of requests', async () => {
    const { client } = await openChain(path, {}, { maxRequestsPerConnection: 2 });
    expect(header(await client.ask(get()), 'connection')).toBeUndefined();
    expect(header(await client.ask(get()), 'connection')).toBe('close');
    await client.over();
  });

  test('connections above the limit are refused, and taken again when others have gone', async () => {
    const { client, proxy } = await openChain(path, {}, { maxConnections: 1 });
    await client.ask(get());
    const second = net.connect(proxy.port, '127.0.0.1');
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    client.destroy();
    await until(() => proxy.metric('weir_downstream_connections_active') === 0, 'room');
    const third = await openClient(proxy.port);
    expect(status(await third.ask(get()))).toBe(200);
  });

  test('an answer with Connection: close reaches a client that reads late and slowly', async () => {
    const body = 'x'.repeat(3_000_000);
    const { client, proxy } = await openChain(ok(body), {}, { downstreamIdleTimeout: 100, lingerTimeout: 100 });
    client.socket.pause();
    client.write(get('/', 'Connection: close\r\n'));
    // The proxy closes idle connections at once.
    for (let i = 0; i < 2; i++) {
      const other = await openClient(proxy.port);
      await other.ask('GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await until(() => proxy.metric('weir_downstream_connections_active') <= 1, 'the end of the other');
    }
    client.socket.resume();
    expect((await client.answer()).body.length).toBe(body.length);
  });

  test('a client that continues to send after a refusal can still read it', async () => {
    const { client } = await openChain(path);
    client.write(`POST /%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n`);
    for (let i = 0; i < 10; i++) client.write('x'.repeat(100_000));
    expect(status(await client.answer())).toBe(400);
    await until(() => client.socket.writableLength === 0, 'the rest to be taken');
    client.end();
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('');
  });
});

describe('draining', () => {
  test('ends a busy connection with its answer, and closes an idle one', async () => {
    let release: () => void = () => undefined;
    const { client, proxy, upstream } = await openChain((request, { socket }) => {
      if (!request.startLine.includes('/slow')) return ok();
      release = () => socket.write(ok('late'));
      return null;
    });
    const idle = await openClient(proxy.port);
    await idle.ask(get());
    client.write(get('/slow'));
    await upstream.request(2);
    const stopped = proxy.worker.stop(5_000);
    await idle.over();
    release();
    const answer = await client.answer();
    expect([answer.body, header(answer, 'connection')]).toEqual(['late', 'close']);
    client.end();
    idle.end();
    await stopped;
  });
});

describe('upstream', () => {
  test('the connection used last is used first', async () => {
    const { client, proxy, upstream } = await openChain((request, { socket }) => {
      if (request.startLine.includes('/wait')) setImmediate(() => socket.write(ok()));
      return request.startLine.includes('/wait') ? null : ok();
    });
    const other = await openClient(proxy.port);
    client.write(get('/wait'));
    other.write(get('/wait'));
    await Promise.all([client.answer(), other.answer()]);
    for (let i = 0; i < 5; i++) await client.ask(get());
    expect(upstream.connections.map(({ requests }) => requests.length).sort()).toEqual([1, 6]);
  });

  test('idle connections are closed before the backend would', async () => {
    const { client, upstream } = await openChain(path, {}, { poolIdleTimeout: 50 });
    await client.ask(get());
    await until(() => upstream.open === 0, 'the end of the idle connection');
    expect((await client.ask(get('/2'))).body).toBe('/2');
  });

  test('Connection: close and HTTP/1.0 of the backend are honoured', async () => {
    const { client, upstream } = await openChain('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n');
    await client.ask(get());
    await until(() => upstream.open === 0, 'the end');
    upstream.become('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    await client.ask(get());
    await until(() => upstream.open === 0, 'the end');
    upstream.become('HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n');
    await client.ask(get());
    await client.ask(get());
    expect(upstream.connections.length).toBe(3);
  });

  test('requests beyond the connections of an endpoint wait, those beyond the queue are answered 503', async () => {
    const held: (() => void)[] = [];
    const limits = { maxConnectionsPerEndpoint: 1, maxPendingPerEndpoint: 1 };
    const { client, proxy, upstream } = await openChain((_, { socket }) => (held.push(() => socket.write(ok())), null), {}, limits);
    client.write(get());
    await upstream.request();
    const waiting = await openClient(proxy.port);
    waiting.write(get());
    await until(() => proxy.metric('weir_requests_active') === 2, 'the second request');
    const third = await openClient(proxy.port);
    const refusal = await third.ask(get());
    expect(JSON.parse(refusal.body)).toMatchObject({ status: 503, code: 'overloaded' });
    expect(header(refusal, 'retry-after')).toBe('1');
    held[0]?.();
    await upstream.request(2);
    held[1]?.();
    expect([status(await client.answer()), status(await waiting.answer())]).toEqual([200, 200]);
    expect(upstream.connections.length).toBe(1);
  });

  test('a request does not wait for a connection for ever', async () => {
    const limits = { maxConnectionsPerEndpoint: 1, pendingTimeout: 50 };
    const { client, proxy, upstream } = await openChain(() => null, {}, limits);
    client.write(get());
    await upstream.request();
    const waiting = await openClient(proxy.port);
    expect(JSON.parse((await waiting.ask(get())).body)).toMatchObject({ status: 503, code: 'overloaded' });
  });

  test('a client that disconnects while it waits for a connection is forgotten', async () => {
    const { client, proxy, upstream } = await openChain(() => null, {}, { maxConnectionsPerEndpoint: 1 });
    client.write(get());
    await upstream.request();
    const waiting = await openClient(proxy.port);
    waiting.write(get());
    await until(() => proxy.metric('weir_requests_active') === 2, 'the second request');
    waiting.reset();
    await until(() => proxy.metric('weir_requests_active') === 1, 'one request');
    upstream.connections[0]?.socket.write(ok());
    expect(status(await client.answer())).toBe(200);
    expect(upstream.requests.length).toBe(1);
  });
});

describe('routes without a place to go', () => {
  const cases = [
    ['no backends', 500, 'no_backends', { backends: [] }],
    ['only backends of weight 0', 503, 'weights_zero', { backends: [backend('app', 0)] }],
    [
      'an invalid reference',
      500,
      'backend_invalid',
      { backends: [{ ...backend('app'), cluster: null, invalidReason: 'no such Service' }] },
    ],
    ['an invalid rule', 500, 'route_invalid', { invalidReason: 'regex explodes' }],
    ['no endpoints', 503, 'no_endpoints', { backends: [backend('empty')] }],
    ['another path', 404, 'route_not_found', { matches: [match('/other')] }],
    ['another host', 404, 'route_not_found', { attachments: [{ listener: 'default/gateway/http', hostnames: ['b'] }] }],
  ] as const;

  test.each(cases)('%s', async (_, code, name, fields) => {
    const proxy = await openProxy(toUpstream(1, fields as never));
    const client = await openClient(proxy.port);
    const answer = await client.ask(get());
    expect([status(answer), header(answer, 'content-type'), header(answer, 'cache-control')]).toEqual([
      code,
      'application/problem+json',
      'no-store',
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'about:blank', status: code, code: name });
    expect(new Date(header(answer, 'date') ?? '').getTime()).toBeGreaterThan(Date.now() - 2_000);
    // A refusal does not close the connection.
    expect(status(await client.ask(post('x'.repeat(1_000))))).toBe(code);
    expect(status(await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', true))).toBe(code);
  });

  test('a share of the requests goes to an invalid backend and is answered 500', async () => {
    const upstream = await openUpstream();
    const backends = [backend('app', 1), { ...backend('app', 1), cluster: null, invalidReason: 'no such Service' }];
    const proxy = await openProxy(toUpstream(upstream.port, { backends }));
    const client = await openClient(proxy.port);
    let failed = 0;
    for (let i = 0; i < 400; i++) if (status(await client.ask(get())) === 500) failed++;
    // Binomial(400, 1/2): six standard deviations.
    expect(Math.abs(failed - 200)).toBeLessThan(60);
    expect(upstream.requests.length).toBe(400 - failed);
  });

  test('traffic is shared by weight', async () => {
    const [first, second] = [await openUpstream(ok('first')), await openUpstream(ok('second'))];
    const backends = [backend('first', 9), backend('second', 1), backend('nowhere', 0)];
    const resources = [listener(), ...cluster('first', [first.port]), ...cluster('second', [second.port]), route({ backends })];
    const client = await openClient((await openProxy(resources)).port);
    for (let i = 0; i < 500; i++) expect(status(await client.ask(get()))).toBe(200);
    // Binomial(500, 1/10): mean 50, six standard deviations.
    expect(Math.abs(second.requests.length - 50)).toBeLessThan(41);
    expect(first.requests.length + second.requests.length).toBe(500);
  });

  test('endpoints take turns', async () => {
    const upstreams = [await openUpstream(), await openUpstream(), await openUpstream()];
    const resources = [
      listener(),
      ...cluster(
        'app',
        upstreams.map(({ port }) => port),
      ),
      route(),
    ];
    const client = await openClient((await openProxy(resources)).port);
    for (let i = 0; i < 9; i++) await client.ask(get());
    expect(upstreams.map(({ requests }) => requests.length)).toEqual([3, 3, 3]);
  });
});

function match(value: string): ReturnType<typeof route>['matches'][number] {
  return { path: { type: 'PathPrefix', value }, method: null, headers: [], queryParams: [] };
}
