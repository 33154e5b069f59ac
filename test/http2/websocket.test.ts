// WebSockets with HTTP/2 on one or both sides (RFC 8441): `ws` and node:http2 at the ends, raw bytes for protocol errors.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http2 from 'node:http2';
import type net from 'node:net';
import { WebSocket } from 'ws';
import type * as ir from '#api/ir/ir.ts';
import { acceptFor, KEY } from '../../proxy/codec/websocket/accept.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { closeAfterEach, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { openSession, openStream } from '../support/h2-client.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import type { H2Backend, Serve } from '../support/h2-upstream.ts';
import { cluster, listener, route, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';
import { openEcho, openWebSocket, portOf, webSocketOn } from '../support/websocket.ts';

closeAfterEach();

/** Kernel buffers of four sockets, and buffers of the proxy. */
const IN_BETWEEN = 28_000_000;
const CONNECT = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat?a=1', 'sec-websocket-version': '13' };

/** A backend that takes tunnels. */
function openTaking(serve: Serve): Promise<H2Backend> {
  return openH2Backend(serve, { settings: { enableConnectProtocol: true } });
}

function toH2({ port }: { readonly port: number }): ir.Resource[] {
  return [listener(), ...cluster('app', [port], 'http2'), route()];
}

async function openTunnel(proxy: Proxy, headers: http2.OutgoingHttpHeaders = CONNECT): Promise<http2.ClientHttp2Stream> {
  const session = openSession(proxy.port);
  if (session.remoteSettings?.enableConnectProtocol !== true) await once(session, 'remoteSettings');
  expect(session.remoteSettings.enableConnectProtocol).toBe(true);
  return openStream(session, headers, false);
}

async function statusOf(stream: http2.ClientHttp2Stream): Promise<number> {
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
  return head[':status'] ?? 0;
}

async function echoes(socket: WebSocket, message: string | Buffer): Promise<void> {
  socket.send(message);
  const [bytes, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  expect(isBinary).toBe(typeof message !== 'string');
  expect(bytes.equals(Buffer.from(message as string))).toBe(true);
}

describe('HTTP/2 to HTTP/1.1', () => {
  test('messages pass both ways, and the close of either side', async () => {
    const server = await openEcho();
    const proxy = await openProxy(toUpstream(portOf(server)));
    const stream = await openTunnel(proxy, { ...CONNECT, 'sec-websocket-protocol': 'chat' });
    const connected = once(server, 'connection');
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(head).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    expect(head).not.toHaveProperty('sec-websocket-accept');
    expect(head).not.toHaveProperty('upgrade');
    const [served, request] = (await connected) as [WebSocket, { method: string; url: string; headers: Record<string, string> }];
    expect(request).toMatchObject({ method: 'GET', url: '/chat?a=1' });
    const socket = webSocketOn(stream);
    await echoes(socket, 'hello');
    await echoes(socket, Buffer.alloc(1_000_000, 7));
    socket.close(4_001, 'enough');
    const [code, reason] = (await once(served, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4_001, 'enough']);
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the tunnel');
  });

  test('the close code of the backend passes', async () => {
    const server = await openEcho();
    const proxy = await openProxy(toUpstream(portOf(server)));
    server.on('connection', (socket) => socket.close(4_002, 'not now'));
    const stream = await openTunnel(proxy);
    expect(await statusOf(stream)).toBe(200);
    const [code, reason] = (await once(webSocketOn(stream), 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4_002, 'not now']);
  });

  test('many WebSockets share a connection, and each ends separately', async () => {
    const server = await openEcho();
    const proxy = await openProxy(toUpstream(portOf(server)));
    const first = await openTunnel(proxy);
    const session = first.session as http2.ClientHttp2Session;
    const streams = [first, ...Array.from({ length: 9 }, () => openStream(session, CONNECT, false))];
    const sockets = await Promise.all(streams.map(async (stream) => (await statusOf(stream), webSocketOn(stream))));
    sockets[0]?.close();
    await Promise.all(sockets.slice(1).map((socket, i) => echoes(socket, `message ${i}`)));
  });

  test('data before the answer of the backend is kept until then', async () => {
    let answer = (): void => undefined;
    const upstream = await openUpstream((request, { socket }) => {
      const key = request.headers.find(([name]) => name === KEY)?.[1] ?? '';
      answer = () =>
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`,
        );
      return null;
    });
    const proxy = await openProxy(toUpstream(upstream.port));
    const stream = await openTunnel(proxy);
    stream.write('early');
    await upstream.request();
    expect(upstream.connections[0]?.received.endsWith('\r\n\r\n')).toBe(true);
    answer();
    await until(() => upstream.connections[0]?.received.endsWith('early') === true, 'what waited');
  });

  test('either side may end first, and the other still sends', async () => {
    const upstream = await openUpstream(switching());
    const proxy = await openProxy(toUpstream(upstream.port));
    const stream = await openTunnel(proxy);
    let text = '';
    stream.on('data', (chunk) => (text += String(chunk)));
    expect(await statusOf(stream)).toBe(200);
    stream.end('last of the client');
    const [connection] = upstream.connections;
    await until(() => connection?.ended === true, 'the end of the client');
    connection?.socket.end('last of the backend');
    await once(stream, 'close');
    expect(text).toBe('last of the backend');
    expect(stream.rstCode).toBe(0);
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the tunnel');
  });

  test('the backend may end first', async () => {
    const upstream = await openUpstream(switching());
    const proxy = await openProxy(toUpstream(upstream.port));
    const stream = await openTunnel(proxy);
    expect(await statusOf(stream)).toBe(200);
    const [connection] = upstream.connections;
    connection?.socket.end();
    await once(stream.resume(), 'end');
    stream.end('after the end');
    await until(() => connection?.received.endsWith('after the end') === true, 'what came after the end');
    await until(() => connection?.ended === true, 'the end of the client');
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the tunnel');
    expect(stream.rstCode).toBe(0);
  });

  test('a reset of either side resets the other', async () => {
    const upstream = await openUpstream(switching());
    const proxy = await openProxy(toUpstream(upstream.port));
    const gone = await openTunnel(proxy);
    await statusOf(gone);
    gone.close(http2.constants.NGHTTP2_CANCEL);
    // node:http2 ends a stream before it resets it.
    await until(() => upstream.connections[0]?.ended === true || upstream.connections[0]?.closed === true, 'the end at the backend');
    const reset = await openTunnel(proxy);
    await statusOf(reset);
    upstream.connections[1]?.socket.resetAndDestroy();
    await once(reset, 'close');
    expect(reset.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of both');
  });

  test('a client that does not read stops the backend, and the proxy buffers little', async () => {
    const upstream = await openUpstream(switching());
    const proxy = await openProxy(toUpstream(upstream.port));
    const stream = await openTunnel(proxy);
    await statusOf(stream);
    const socket = upstream.connections[0]?.socket as net.Socket;
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    const fill = (): void => {
      while (sent < 64_000_000 && socket.write(chunk)) sent += chunk.length;
    };
    socket.on('drain', fill);
    fill();
    await until(() => socket.writableLength > 0 && socket.writableNeedDrain, 'backpressure');
    expect(await still(() => sent)).toBeLessThan(IN_BETWEEN);
    stream.resume();
    await until(() => sent >= 64_000_000, 'all of it');
  });

  test('an agreement with another key is none', async () => {
    const upstream = await openUpstream(switching('bm90IHRoZSByaWdodCBvbmU='));
    const stream = await openTunnel(await openProxy(toUpstream(upstream.port)));
    expect(await statusOf(stream)).toBe(502);
  });

  test('a backend that does not agree is heard', async () => {
    const upstream = await openUpstream('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    const stream = await openTunnel(await openProxy(toUpstream(upstream.port)));
    let text = '';
    stream.on('data', (chunk) => (text += String(chunk)));
    expect(await statusOf(stream)).toBe(403);
    await once(stream, 'end');
    expect(text).toBe('no');
  });

  test('a silent tunnel is closed', async () => {
    const proxy = await openSilent({ tunnelIdleTimeout: 150, requestBodyIdleTimeout: 100 });
    const stream = await openTunnel(proxy);
    await statusOf(stream);
    await once(stream, 'close');
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
  });

  test.each([
    ['another protocol', { ...CONNECT, ':protocol': 'connect-udp' }, 501],
    ['an end at once', null, 400],
    ['a length', { ...CONNECT, 'content-length': '5' }, 400],
  ])('%s is refused', async (_, headers, status) => {
    const upstream = await openUpstream();
    const proxy = await openProxy(toUpstream(upstream.port));
    const stream = headers === null ? await openTunnelEnded(proxy) : await openTunnel(proxy, headers);
    expect(await statusOf(stream)).toBe(status);
    expect(upstream.requests).toEqual([]);
  });

  test('a CONNECT to somewhere stays refused, and so does a protocol without CONNECT', async () => {
    const proxy = await openProxy(toUpstream((await openUpstream()).port));
    const session = openSession(proxy.port);
    const plain = session.request({ ':method': 'CONNECT', ':authority': 'a:80' });
    plain.on('error', () => undefined);
    expect(await statusOf(plain)).toBe(501);
    const odd = openStream(session, { ':method': 'GET', ':protocol': 'websocket' }, true);
    const outcome = await Promise.race([statusOf(odd), once(odd, 'close').then(() => odd.rstCode)]);
    expect([400, http2.constants.NGHTTP2_PROTOCOL_ERROR]).toContain(outcome);
  });
});

describe('HTTP/1.1 to HTTP/2', () => {
  test('messages pass, and the key of the client is answered', async () => {
    const seen: http2.IncomingHttpHeaders[] = [];
    const backend = await openTaking((stream, headers) => {
      seen.push(headers);
      stream.respond({ ':status': 200 });
      stream.on('data', (chunk) => stream.write(unmasked(chunk as Buffer)));
    });
    const proxy = await openProxy(toH2(backend));
    const socket = await openWebSocket(proxy.port);
    await echoes(socket, 'hello');
    expect(seen[0]).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http' });
    expect(seen[0]).not.toHaveProperty(KEY);
    expect(seen[0]).not.toHaveProperty('upgrade');
  });

  test('a backend without WebSocket support has an error code of its own', async () => {
    const proxy = await openProxy(toH2(await openH2Backend((stream) => stream.respond({ ':status': 200 }))));
    expect(await refusalOf(proxy)).toBe(502);
    const [code] = await errorCodes(proxy);
    expect(code).toBe('upstream_cannot_upgrade');
  });

  test('a refusing answer is passed on, and the connection stays open', async () => {
    const backend = await openTaking((stream, headers) => {
      stream.respond({ ':status': headers[':method'] === 'CONNECT' ? 403 : 200 });
      stream.end('body');
    });
    const proxy = await openProxy(toH2(backend));
    expect(await refusalOf(proxy)).toBe(403);
    const client = await openClient(proxy.port);
    expect((await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).startLine).toBe('HTTP/1.1 200 OK');
  });

  test('a handshake without a key is refused', async () => {
    const proxy = await openProxy(toH2(await openTaking((stream) => stream.respond({ ':status': 200 }))));
    const client = await openClient(proxy.port);
    const answer = await client.ask('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(answer.startLine).toBe('HTTP/1.1 400 Bad Request');
  });

  test('either side may end first', async () => {
    const streams: http2.ServerHttp2Stream[] = [];
    const backend = await openTaking((stream) => {
      streams.push(stream);
      stream.respond({ ':status': 200 });
      stream.resume();
    });
    const proxy = await openProxy(toH2(backend));
    const [ending, ended] = [await openRaw(proxy), await openRaw(proxy)];
    ending.end();
    await once(streams[0] as http2.ServerHttp2Stream, 'end');
    streams[0]?.end('last');
    await ending.over();
    expect(ending.received.endsWith('last')).toBe(true);
    streams[1]?.end('first');
    await until(() => ended.ended, 'the end of the backend');
    ended.write('last');
    ended.end();
    await once(streams[1] as http2.ServerHttp2Stream, 'end');
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of both');
    expect(streams.map(({ rstCode }) => rstCode)).toEqual([0, 0]);
  });

  test('a reset of either side resets the other', async () => {
    const streams: http2.ServerHttp2Stream[] = [];
    const backend = await openTaking((stream) => {
      streams.push(stream);
      stream.respond({ ':status': 200 });
    });
    const proxy = await openProxy(toH2(backend));
    const [first, second] = [await openRaw(proxy), await openRaw(proxy)];
    first.reset();
    await once(streams[0] as http2.ServerHttp2Stream, 'close');
    streams[1]?.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    await second.over();
    expect(second.error === 'ECONNRESET' || second.closed).toBe(true);
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of both');
  });
});

test('HTTP/2 to HTTP/2', async () => {
  const backend = await openTaking((stream) => {
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    stream.pipe(stream);
  });
  const proxy = await openProxy(toH2(backend));
  const stream = await openTunnel(proxy);
  expect(await statusOf(stream)).toBe(200);
  let octets = 0;
  stream.on('data', (chunk: Buffer) => (octets += chunk.length));
  stream.end(Buffer.alloc(3_000_000));
  await once(stream, 'end');
  expect(octets).toBe(3_000_000);
  await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the tunnel');
});

/** Accepts correctly, or with this answer to the key. */
function switching(accept?: string): {
  respond: (request: { readonly headers: readonly (readonly [string, string])[] }) => string;
  connected: () => void;
} {
  return {
    respond: ({ headers }) => {
      const key = headers.find(([name]) => name === KEY)?.[1] ?? '';
      return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept ?? acceptFor(key)}\r\n\r\n`;
    },
    connected: () => undefined,
  };
}

async function openSilent(limits: Partial<Limits>): Promise<Proxy> {
  return openProxy(toUpstream((await openUpstream(switching())).port), limits);
}

async function openTunnelEnded(proxy: Proxy): Promise<http2.ClientHttp2Stream> {
  const session = openSession(proxy.port);
  await once(session, 'remoteSettings');
  const stream = session.request({ ':authority': 'a', ...CONNECT }, { endStream: true });
  stream.on('error', () => undefined);
  return stream;
}

/** The status of a refusal of a WebSocket client. */
async function refusalOf(proxy: Proxy): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

async function errorCodes(proxy: Proxy): Promise<string[]> {
  const text = await proxy.worker.registry.metrics();
  return [...text.matchAll(/^weir_errors_total\{.*code="(\w+)"/gm)].map(([, code]) => code ?? '');
}

async function openRaw(proxy: Proxy): Promise<Awaited<ReturnType<typeof openClient>>> {
  const client = await openClient(proxy.port);
  client.write(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(() => client.received.includes('\r\n\r\n'), 'the agreement');
  expect(client.received).toContain('sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  return client;
}

/** A short frame of a client as a server sends it. */
function unmasked(frame: Buffer): Buffer {
  const length = (frame[1] as number) & 0x7f;
  const payload = frame.subarray(6, 6 + length).map((byte, i) => byte ^ (frame[2 + (i % 4)] as number));
  return Buffer.concat([Buffer.from([frame[0] as number, length]), payload]);
}

describe('a policy has the same limits for a WebSocket on a stream', () => {
  function limits(webSocket: ir.Policy['settings']): ir.Policy {
    const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
    const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'limits', createdAt: 0 };
    return { kind: 'Policy', key: 'BackendTrafficPolicy/default/limits', ...names, targets: [target], settings: { webSocket } };
  }

  async function openLimited(webSocket: ir.Policy['settings']): Promise<{ readonly proxy: Proxy; readonly socket: WebSocket }> {
    const proxy = await openProxy([limits(webSocket), ...toUpstream(portOf(await openEcho()))]);
    const stream = await openTunnel(proxy);
    expect(await statusOf(stream)).toBe(200);
    return { proxy, socket: webSocketOn(stream) };
  }

  test('frames above the limit end it with 1009, smaller ones pass', async () => {
    const { socket } = await openLimited({ frame: 1_000 });
    await echoes(socket, 'small');
    socket.send(Buffer.alloc(1_001));
    expect((await once(socket, 'close'))[0]).toBe(1_009);
  });

  test('a lifetime ends it with 1001, and a drain does', async () => {
    const mortal = await openLimited({ lifetime: 100 });
    expect((await once(mortal.socket, 'close'))[0]).toBe(1_001);
    const { proxy, socket } = await openLimited({ message: 1_000 });
    const closed = once(socket, 'close');
    const stopped = proxy.worker.stop(5_000);
    expect((await closed)[0]).toBe(1_001);
    await stopped;
  });
});
