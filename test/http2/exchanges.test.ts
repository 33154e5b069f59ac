// HTTP/2 clients with HTTP/1.1 backends: requests and answers of every shape, over real sockets.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { closeAfterEach, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import type * as ir from '#api/ir/ir.ts';
import { answerOf, openSession, openStream, request } from '../support/h2-client.ts';
import { header } from '../support/message.ts';
import { cluster, listener, route, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream, Respond, UpstreamBehaviour } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import type http2 from 'node:http2';

closeAfterEach();

interface Chain {
  readonly upstream: RawUpstream;
  readonly proxy: Proxy;
  readonly session: http2.ClientHttp2Session;
}

async function open(behaviour?: string | Respond | UpstreamBehaviour, fields: Partial<ir.Route> = {}): Promise<Chain> {
  const upstream = await openUpstream(behaviour);
  const proxy = await openProxy(toUpstream(upstream.port, fields));
  return { upstream, proxy, session: openSession(proxy.port) };
}

describe('a request', () => {
  test('is written as HTTP/1.1, with joined cookies and the headers of the proxy', async () => {
    const { upstream, session } = await open(ok('hello', 'X-Up: 1\r\n'));
    const answer = await request(session, { ':path': '/a/../b?c=d', cookie: ['a=b', 'c=d'], 'x-y': 'z', te: 'trailers' });
    expect([answer.status, answer.body.toString(), answer.headers['x-up'], answer.headers['content-length']]).toEqual([
      200,
      'hello',
      '1',
      '5',
    ]);
    const { startLine, headers } = await upstream.request();
    expect(startLine).toBe('GET /b?c=d HTTP/1.1');
    expect(headers).toEqual([
      ['host', 'a'],
      ['cookie', 'a=b; c=d'],
      ['x-y', 'z'],
      ['te', 'trailers'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'a'],
    ]);
  });

  test('with a length keeps it, without one is chunked, and an empty one has neither', async () => {
    const { upstream, session } = await open();
    await request(session, { ':method': 'POST', 'content-length': 3 }, Buffer.from('abc'));
    await request(session, { ':method': 'POST' }, Buffer.from('abcd'));
    await request(session, { ':method': 'DELETE' });
    const [first, second, third] = upstream.requests;
    expect([header(first!, 'content-length'), first?.body]).toEqual(['3', 'abc']);
    expect([header(second!, 'transfer-encoding'), second?.body]).toEqual(['chunked', 'abcd']);
    expect(third?.headers.map(([name]) => name)).not.toContain('content-length');
  });

  test('passes its trailers on', async () => {
    const { upstream, session } = await open();
    const stream = session.request({ ':method': 'POST', ':authority': 'a' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '1', authorization: 'no' }));
    stream.end('body');
    expect((await answerOf(stream)).status).toBe(200);
    expect((await upstream.request()).trailers).toBe('x-t: 1');
  });

  test('that expects 100 gets one from the backend', async () => {
    const { session } = await open({
      data: ({ socket }, chunk) => void (chunk.includes('expect: 100-continue') && socket.write('HTTP/1.1 100 Continue\r\n\r\n')),
      respond: () => ok(),
    });
    const stream = openStream(session, { ':method': 'POST', expect: '100-continue' }, false);
    await once(stream, 'continue');
    stream.end('abc');
    expect((await answerOf(stream)).status).toBe(200);
  });
});

describe('an answer', () => {
  test.each([
    ['a length', ok('x'.repeat(100_000)), 100_000],
    ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 5],
    ['a length of 0', ok(''), 0],
  ])('ends correctly: %s', async (_, bytes, octets) => {
    const { session } = await open(bytes);
    expect((await request(session)).body.length).toBe(octets);
  });

  test('passes its trailers and interim answers on', async () => {
    const { session } = await open(
      'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n' +
        'transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n',
    );
    const hints: unknown[] = [];
    const stream = openStream(session, {}, true);
    stream.on('headers', (head) => hints.push([head[':status'], head['link']]));
    const { trailers, headers } = await answerOf(stream);
    expect([trailers['grpc-status'], headers['x-hop'], headers['keep-alive'], headers['connection']]).toEqual([
      '0',
      undefined,
      undefined,
      undefined,
    ]);
    expect(hints).toEqual([[103, '</a>']]);
  });

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', '5'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', undefined],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', undefined],
  ])('has no body: %s %j', async (method, bytes, length) => {
    const { session } = await open(bytes);
    const { headers, body } = await request(session, { ':method': method });
    expect([headers['content-length'], body.length]).toEqual([length, 0]);
  });

  test('with a large head arrives in several frames', async () => {
    const { session } = await open(ok('ok', `X-A: ${'a'.repeat(20_000)}\r\nX-B: ${'b'.repeat(20_000)}\r\n`));
    const { headers, body } = await request(session);
    expect([headers['x-a']?.length, headers['x-b']?.length, body.toString()]).toEqual([20_000, 20_000, 'ok']);
  });

  test('that is cut off resets its own stream only', async () => {
    const { session } = await open(({ startLine }, { socket }) => {
      if (!startLine.includes('/cut')) return ok();
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
      socket.end();
      return null;
    });
    const stream = openStream(session, { ':path': '/cut' }, true);
    stream.resume();
    await until(() => stream.closed, 'the end of the stream');
    expect(stream.rstCode).toBe(2);
    expect((await request(session)).status).toBe(200);
  });

  test('of the proxy itself is a problem document', async () => {
    const { session } = await open('', { backends: [] });
    const { status, headers, body } = await request(session);
    expect([status, headers['content-type'], JSON.parse(body.toString())]).toMatchObject([
      500,
      'application/problem+json',
      { code: 'no_backends' },
    ]);
  });

  test('that arrives before the end of the request is complete, and the rest of the request is not read', async () => {
    const { session, proxy } = await open('', { backends: [] });
    const stream = openStream(session, { ':method': 'POST' }, false);
    stream.write('abc');
    const { status, body } = await answerOf(stream);
    expect([status, body.length > 0]).toEqual([500, true]);
    await until(() => stream.closed, 'the end of the stream');
    expect(stream.rstCode).toBe(0);
    session.close();
    await proxy.quiet();
  });
});

describe('a connection', () => {
  test('carries many streams at once, each with its own answer', async () => {
    const { session, upstream } = await open(({ startLine, body }) => ok(`${startLine.split(' ')[1]} ${body.length}`));
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => request(session, { ':path': `/${i}`, ':method': 'POST' }, Buffer.alloc(i * 50))),
    );
    expect(answers.map(({ body }) => body.toString())).toEqual(Array.from({ length: 300 }, (_, i) => `/${i} ${i * 50}`));
    expect(upstream.requests).toHaveLength(300);
  });

  test('carries large bodies both ways', async () => {
    const payload = Buffer.alloc(5_000_000, 'abcdefghijk');
    const { session } = await open(({ body }) => ok(body));
    const { body } = await request(session, { ':method': 'POST' }, payload);
    expect(body.equals(payload)).toBe(true);
  });

  test('stays open when the client resets a stream, and the backend sees a reset', async () => {
    const { session, upstream, proxy } = await open(() => null);
    const stream = openStream(session, {}, true);
    await upstream.request();
    stream.close(8);
    await until(() => upstream.open === 0, 'the end of the upstream connection');
    expect(proxy.metric('weir_requests_active')).toBe(0);
    upstream.become(ok('next'));
    expect((await request(session)).body.toString()).toBe('next');
  });

  test('that breaks ends all its requests', async () => {
    const { session, upstream, proxy } = await open(() => null);
    for (let i = 0; i < 5; i++) openStream(session, {}, true);
    await until(() => upstream.requests.length === 5, 'five requests');
    session.destroy();
    await until(() => upstream.open === 0, 'the end of the upstream connections');
    await proxy.quiet();
    expect(proxy.worker.timers).toBe(0);
  });

  test('shares its port with HTTP/1.1', async () => {
    const { session, proxy } = await open(ok('both'));
    const old = await openClient(proxy.port);
    expect((await request(session)).body.toString()).toBe('both');
    expect((await old.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).body).toBe('both');
  });
});

test(':authority selects among several listeners of a port', async () => {
  const upstream = await openUpstream(ok());
  const attachments = [{ listener: 'default/gateway/b', hostnames: ['b.test'] }];
  const proxy = await openProxy([
    ...[listener({ key: 'default/gateway/a', hostname: 'a.test' }), listener({ key: 'default/gateway/b', hostname: 'b.test' })],
    ...[...cluster('app', [upstream.port]), route({ attachments })],
  ]);
  const session = openSession(proxy.port);
  expect((await request(session, { ':authority': 'B.test:80' })).status).toBe(200);
  expect((await request(session, { ':authority': 'a.test' })).status).toBe(404);
});
