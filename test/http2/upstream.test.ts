// HTTP/2 backends behind clients of either version: the requests they get, the handling of their answers, and the sharing of
// connections.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { sensitiveHeaders } from 'node:http2';
import type http2 from 'node:http2';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { closeAfterEach, get, openClient, openProxy, post } from '../support/fixture.ts';
import {
  answerOf,
  END_STREAM,
  frame,
  FrameClient,
  get as getStream,
  numbers,
  openSession,
  openStream,
  PREFACE,
  request,
  settings,
  TYPE,
} from '../support/h2-client.ts';
import type { FramePeer } from '../support/h2-client.ts';
import { FrameServer, head, openH2Backend, whole } from '../support/h2-upstream.ts';
import type { H2Backend, Serve } from '../support/h2-upstream.ts';
import { header, status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const REFUSED_STREAM = 7;
const CANCEL = 8;

function resources(ports: readonly number[], fields: Partial<ir.Route> = {}): ir.Resource[] {
  return [listener(), ...cluster('app', ports, 'http2'), route(fields)];
}

/** Returns the request: head as JSON, body unchanged. */
const echo: Serve = (stream, headers) => {
  stream.respond({ ':status': 200, 'x-seen': JSON.stringify(headers), 'set-cookie': ['a=1', 'b=2'] });
  stream.pipe(stream);
};

async function openNode(serve: Serve = echo, limits: Partial<Limits> = {}): Promise<{ backend: H2Backend; proxy: Proxy }> {
  const backend = await openH2Backend(serve);
  return { backend, proxy: await openProxy(resources([backend.port]), limits) };
}

interface FrameChain {
  readonly server: FrameServer;
  readonly proxy: Proxy;
  readonly client: RawClient;
}

async function openFrames(limits: Partial<Limits> = {}, greeting?: Buffer): Promise<FrameChain> {
  const server = await FrameServer.start(greeting);
  const proxy = await openProxy(resources([server.port]), limits);
  return { server, proxy, client: await openClient(proxy.port) };
}

function field(peer: FramePeer, stream: number, name: string): string | undefined {
  const { fields } = peer.of(TYPE.headers, stream)[0]!;
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** Names that a peer marked never to be indexed. */
function secretsIn(headers: http2.IncomingHttpHeaders | undefined): readonly string[] {
  return (headers as { readonly [sensitiveHeaders]?: readonly string[] } | undefined)?.[sensitiveHeaders] ?? [];
}

test('headers that a peer wants in no table are in none on the other side, of heads and of trailers', async () => {
  const seen: http2.IncomingHttpHeaders[] = [];
  const { proxy } = await openNode((stream, headers) => {
    seen.push(headers);
    stream.respond({ ':status': 200, 'x-key': 'k', 'x-open': 'o', [sensitiveHeaders]: ['x-key'] }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 's', [sensitiveHeaders]: ['x-sum'] }));
    stream.end('body');
  });
  const stream = openStream(openSession(proxy.port), { 'x-token': 't', 'x-plain': 'p', [sensitiveHeaders]: ['x-token'] }, true);
  const trailers = once(stream, 'trailers') as Promise<[http2.IncomingHttpHeaders]>;
  const answer = await answerOf(stream);
  expect(secretsIn(seen[0])).toEqual(['x-token']);
  expect(secretsIn(answer.headers)).toEqual(['x-key']);
  expect(secretsIn((await trailers)[0])).toEqual(['x-sum']);
});

describe('HTTP/1.1 in, HTTP/2 out', () => {
  test('a request is translated: pseudo-headers, no connection-specific headers, same length', async () => {
    const { proxy } = await openNode();
    const client = await openClient(proxy.port);
    const answer = await client.ask(
      'POST /p?q=1 HTTP/1.1\r\nHost: a:80\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-End: 2\r\nCookie: a=b\r\nContent-Length: 3\r\n\r\nabc',
    );
    expect([status(answer), answer.body]).toEqual([200, 'abc']);
    expect(JSON.parse(header(answer, 'x-seen') ?? '')).toEqual({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': 'a:80',
      ':path': '/p?q=1',
      te: 'trailers',
      'x-end': '2',
      cookie: 'a=b',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'a:80',
      'content-length': '3',
    });
    expect(answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value)).toEqual(['a=1', 'b=2']);
    expect(header(answer, 'transfer-encoding')).toBe('chunked');
  });

  test('chunked bodies and trailers pass in both directions', async () => {
    const { proxy } = await openNode((stream) => {
      let seen: http2.IncomingHttpHeaders = {};
      stream.on('trailers', (trailers: http2.IncomingHttpHeaders) => (seen = trailers));
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-out': String(seen['x-in']) }));
      stream.on('data', (chunk: Buffer) => stream.write(chunk));
      stream.on('end', () => stream.end());
    });
    const client = await openClient(proxy.port);
    const answer = await client.ask(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-In: 1\r\nContent-Length: 9\r\n\r\n',
    );
    expect([answer.body, answer.trailers]).toEqual(['abcde', 'x-out: 1']);
  });

  test('1xx answers pass, and HEAD, 204 and 304 have no body', async () => {
    const { proxy } = await openNode((stream, headers) => {
      if (headers[':path'] === '/hints') stream.additionalHeaders({ ':status': 103, link: '</a>' });
      if (headers[':method'] === 'HEAD') stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true });
      else stream.respond({ ':status': headers[':path'] === '/hints' ? 200 : Number(headers[':path']?.slice(1)) }, { endStream: true });
    });
    const client = await openClient(proxy.port);
    expect((await client.ask(get('/hints'))).raw).toContain('103 Early Hints\r\nlink: </a>\r\n');
    expect(header(await client.answer(), 'content-length')).toBe('0');
    expect(header(await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', true), 'content-length')).toBe('5');
    expect([status(await client.ask(get('/204'))), status(await client.ask(get('/304')))]).toEqual([204, 304]);
  });

  test('Expect: 100-continue goes through, and lets the body come', async () => {
    const { server, client } = await openFrames();
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    const peer = await server.asked();
    expect(field(peer, 1, 'expect')).toBe('100-continue');
    peer.write(head(1, '100'));
    expect(status(await client.answer())).toBe(100);
    client.write('ok');
    await until(() => peer.of(TYPE.data, 1).some(({ flags }) => flags === END_STREAM), 'the body');
    peer.write(whole(1, '201'));
    expect(status(await client.answer())).toBe(201);
  });
});

describe('HTTP/2 in, HTTP/2 out', () => {
  test('requests of one client share a connection, and bodies pass both ways at once', async () => {
    const { backend, proxy } = await openNode();
    const session = openSession(proxy.port);
    const body = Buffer.alloc(300_000, 'x');
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(session, { ':method': 'POST' }, body)));
    expect(answers.map((answer) => [answer.status, answer.body.equals(body)])).toEqual(Array.from({ length: 20 }, () => [200, true]));
    expect(backend.sessions).toHaveLength(1);
  });

  test('trailers of an answer without a body (gRPC: trailers only, and after one)', async () => {
    const { proxy } = await openNode((stream, headers) => {
      if (headers[':path'] === '/only') return stream.respond({ ':status': 200, 'grpc-status': 5 }, { endStream: true });
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end();
    });
    const session = openSession(proxy.port);
    expect((await request(session, { ':path': '/only' })).headers['grpc-status']).toBe('5');
    expect((await request(session)).trailers['grpc-status']).toBe('0');
  });

  test('a client that resets its stream resets that of the backend, and no other', async () => {
    const { server, proxy } = await openFrames();
    const session = openSession(proxy.port);
    const kept = openStream(session, {}, true);
    const dropped = openStream(session, { ':path': '/dropped' }, true);
    const peer = await server.asked(3);
    dropped.close(CANCEL);
    expect(await peer.reset(3)).toBe(CANCEL);
    peer.write(whole(1, '200', 'kept'));
    expect((await answerOf(kept)).body.toString()).toBe('kept');
  });
});

describe('connections', () => {
  test('one connection is used until it reaches the stream limit of the backend, and again later', async () => {
    const { server, proxy } = await openFrames({}, frame(TYPE.settings, 0, 0, settings([3, 2])));
    const first = await openClient(proxy.port);
    first.write(get('/first'));
    const peer = await server.asked();
    // The proxy knows the limit of two streams from here on.
    await until(() => peer.of(TYPE.settings).some(({ flags }) => flags === 1), 'the acknowledgement');
    const clients = await Promise.all([openClient(proxy.port), openClient(proxy.port)]);
    clients[0]!.write(get());
    await server.asked(3);
    clients[1]!.write(get());
    const second = await server.asked(1, 1);
    peer.write(whole(1, '201'), whole(3, '202'));
    second.write(whole(1, '203'));
    expect([status(await first.answer()), ...(await Promise.all(clients.map((client) => client.answer()))).map(status)]).toEqual([
      201, 202, 203,
    ]);
    first.write(get());
    await server.asked(5);
    expect(server.peers).toHaveLength(2);
  });

  test('those beyond the streams of ours open another, and those beyond all wait', async () => {
    const { server, proxy } = await openFrames({ maxStreamsPerUpstream: 1, maxConnectionsPerEndpoint: 2 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => openClient(proxy.port)));
    for (const client of clients) client.write(get());
    const peers = [await server.asked(1, 0), await server.asked(1, 1)];
    expect(proxy.metric('weir_upstream_requests_pending')).toBe(1);
    peers[0]!.write(whole(1));
    await server.asked(3, 0);
    peers[0]!.write(whole(3));
    peers[1]!.write(whole(1));
    for (const client of clients) expect(status(await client.answer())).toBe(200);
  });

  test('if more connections are refused, waiting requests do not retry in a busy loop', async () => {
    const backend = await openH2Backend((stream) => stream.respond({ ':status': 200 }));
    const door = net.createServer((socket) => {
      const inside = net.connect(backend.port, '127.0.0.1');
      for (const each of [socket, inside]) each.on('error', () => undefined);
      socket.pipe(inside).pipe(socket);
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const { port } = door.address() as net.AddressInfo;
    const proxy = await openProxy(resources([port]), { maxStreamsPerUpstream: 1, pendingTimeout: 600 });
    const first = await openClient(proxy.port);
    first.write(get());
    await until(() => first.received.includes('200'), 'the head of the first answer');
    door.close();
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(503);
    const failures = /^weir_upstream_connect_failures_total\{.*\} (.*)$/m.exec(await proxy.worker.registry.metrics());
    expect(Number(failures?.[1])).toBeGreaterThan(0);
    expect(Number(failures?.[1])).toBeLessThan(5);
    expect(first.closed).toBe(false);
  });

  test('an idle connection is closed', async () => {
    const { server, client } = await openFrames({ poolIdleTimeout: 100 });
    client.write(get());
    const peer = await server.asked();
    peer.write(whole(1));
    await client.answer();
    await until(() => peer.closed, 'the end of the connection');
    client.write(get());
    (await server.asked(1, 1)).write(whole(1));
    expect(status(await client.answer())).toBe(200);
  });

  test('after GOAWAY accepted requests are answered, others are sent again on another connection', async () => {
    const { server, proxy } = await openFrames();
    const clients = await Promise.all([openClient(proxy.port), openClient(proxy.port)]);
    clients[0]!.write(get());
    const peer = await server.asked(1);
    // A POST may be sent again only because the backend declares that it was not read.
    clients[1]!.write(post('body'));
    await server.asked(3);
    peer.write(frame(TYPE.goaway, 0, 0, numbers(1, 0)));
    const second = await server.asked(1, 1);
    await until(() => second.of(TYPE.data, 1).some(({ payload }) => payload.toString() === 'body'), 'the body again');
    second.write(whole(1, '202'));
    peer.write(whole(1, '201'));
    expect([status(await clients[0]!.answer()), status(await clients[1]!.answer())]).toEqual([201, 202]);
    await until(() => peer.closed, 'the end of the old connection');
  });

  test('a refused stream is sent again', async () => {
    const { server, client } = await openFrames();
    client.write(post('x'));
    const peer = await server.asked(1);
    peer.write(frame(TYPE.reset, 0, 1, numbers(REFUSED_STREAM)));
    await server.asked(3);
    peer.write(whole(3, '204'));
    expect(status(await client.answer())).toBe(204);
  });

  test('a stream that is refused repeatedly fails with 503', async () => {
    const { server, client } = await openFrames();
    client.write(get());
    const peer = await server.peer();
    for (const stream of [1, 3, 5]) {
      await server.asked(stream);
      peer.write(frame(TYPE.reset, 0, stream, numbers(REFUSED_STREAM)));
    }
    const answer = await client.answer();
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([503, 'upstream_refused']);
  });

  test('when a connection breaks, safe requests are sent again and others fail', async () => {
    const { server, proxy, client } = await openFrames();
    client.write(get());
    const peer = await server.asked();
    peer.write(whole(1));
    await client.answer();
    const other = await openClient(proxy.port);
    client.write(get());
    other.write(post('x'));
    await server.asked(5);
    peer.socket.resetAndDestroy();
    (await server.asked(1, 1)).write(whole(1, '201'));
    expect([status(await client.answer()), status(await other.answer())]).toEqual([201, 502]);
  });

  test('a connection without an answer to a probe is closed; one with an answer may stay silent', async () => {
    const { server, client } = await openFrames({ upstreamIdleTimeout: 400 });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n');
    const peer = await server.asked();
    for (let answered = 0; answered < 4; answered++) {
      await until(() => peer.of(TYPE.ping).length > answered, 'a probe');
      peer.write(frame(TYPE.ping, 1, 0, peer.of(TYPE.ping)[answered]!.payload));
    }
    const answer = await client.answer();
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([504, 'upstream_timeout']);
  });
});

describe('flow control', () => {
  test('a client that does not read does not delay others on the same connection', async () => {
    const { backend, proxy } = await openNode((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/endless') stream.on('drain', () => stream.write(Buffer.alloc(100_000))).write(Buffer.alloc(100_000));
      else stream.end(Buffer.alloc(2_000_000, 'x'));
    });
    const session = openSession(proxy.port);
    const stalled = Array.from({ length: 8 }, () => openStream(session, { ':path': '/endless' }, true).pause());
    await Promise.all(stalled.map((stream) => once(stream, 'response')));
    const client = await openClient(proxy.port);
    for (let i = 0; i < 3; i++) expect((await client.ask(get())).body).toHaveLength(2_000_000);
    expect(backend.sessions).toHaveLength(1);
  });

  test('no more is sent than the backend allows, and the client is held up', async () => {
    const { server, client } = await openFrames({ upstreamIdleTimeout: 0 });
    const body = 'x'.repeat(4_000_000);
    client.write(post(body));
    const peer = await server.asked();
    const sent = (): number => peer.of(TYPE.data, 1).reduce((sum, { payload }) => sum + payload.length, 0);
    await until(() => sent() === 65_535, 'a full window');
    await peer.sync();
    expect(sent()).toBe(65_535);
    peer.write(frame(TYPE.windowUpdate, 0, 0, numbers(10_000_000)), frame(TYPE.windowUpdate, 0, 1, numbers(10_000_000)));
    await until(() => sent() === body.length, 'the rest');
    peer.write(whole(1));
    expect(status(await client.answer())).toBe(200);
  });

  test('an answer that has arrived completely is passed on although its connection is closed', async () => {
    const { server, proxy } = await openFrames();
    const client = await FrameClient.connect(proxy.port, Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, settings([4, 10]))]));
    client.write(getStream(1));
    const peer = await server.asked();
    const pieces = Array.from({ length: 10 }, (_, i) => frame(TYPE.data, i === 9 ? END_STREAM : 0, 1, Buffer.alloc(10_000, 'x')));
    peer.write(head(1, '200'), ...pieces, frame(TYPE.goaway, 0, 0, numbers(1, 0)));
    await until(() => client.of(TYPE.data, 1).length > 0, 'the beginning');
    await peer.sync();
    peer.socket.destroy();
    client.write(frame(TYPE.windowUpdate, 0, 0, numbers(100_000)), frame(TYPE.windowUpdate, 0, 1, numbers(100_000)));
    await client.answered(1);
    expect(client.of(TYPE.data, 1).reduce((sum, { payload }) => sum + payload.length, 0)).toBe(100_000);
  });
});
