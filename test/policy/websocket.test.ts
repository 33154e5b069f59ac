// WebSockets with limits of a policy: `ws` at both ends, and raw bytes for protocol errors.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type net from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type * as ir from '#api/ir/ir.ts';
import { acceptFor } from '../../proxy/codec/websocket/accept.ts';
import { closeAfterEach, closeLater, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const AGREEMENT = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(KEY)}\r\n\r\n`;

function limits(webSocket: ir.Policy['settings']): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'limits', createdAt: 0 };
  return { kind: 'Policy', key: 'BackendTrafficPolicy/default/limits', ...names, targets: [target], settings: { webSocket } };
}

/** `ws` behind a proxy: the proxy, and the next client as seen by the backend. */
async function openServer(
  webSocket: ir.Policy['settings'],
  deflate = false,
): Promise<{ readonly proxy: Proxy; readonly server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: deflate });
  await once(server, 'listening');
  closeLater(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { proxy: await openProxy([limits(webSocket), ...toUpstream(port)]), server };
}

async function openSocket(proxy: Proxy, deflate = false): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { perMessageDeflate: deflate });
  socket.on('error', () => undefined);
  closeLater(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

async function codeOf(socket: WebSocket): Promise<number> {
  return ((await once(socket, 'close')) as [number])[0];
}

/** Bytes at both ends of a WebSocket. */
async function openRaw(): Promise<{ readonly proxy: Proxy; readonly client: RawClient; readonly upstream: RawUpstream }> {
  const upstream = await openUpstream({ respond: () => AGREEMENT, connected: () => undefined });
  const proxy = await openProxy([limits({ frame: 1_000 }), ...toUpstream(upstream.port)], { lingerTimeout: 50 });
  const client = await openClient(proxy.port);
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`);
  await until(() => client.received.endsWith('\r\n\r\n'), 'the agreement');
  client.received = '';
  (upstream.connections[0] as { received: string }).received = '';
  return { proxy, client, upstream };
}

async function errorCodes(proxy: Proxy): Promise<string[]> {
  const metrics = await proxy.worker.registry.metrics();
  return [...metrics.matchAll(/^weir_errors_total\{.*code="(\w+)"/gm)].map(([, code]) => code ?? '');
}

function over(proxy: Proxy): Promise<void> {
  return until(() => proxy.metric('weir_requests_active') === 0, 'the end of the WebSocket');
}

describe('messages', () => {
  test.each([false, true])('within the limits pass both ways, compressed: %s', async (deflate) => {
    const { proxy, server } = await openServer({ frame: 1_000_000, message: 1_000_000 }, deflate);
    server.on('connection', (socket) => socket.on('message', (bytes) => socket.send(bytes)));
    const socket = await openSocket(proxy, deflate);
    for (const length of [0, 125, 126, 65_536, 900_000]) {
      socket.send(Buffer.alloc(length, 'abc'));
      const [bytes] = (await once(socket, 'message')) as [Buffer];
      expect(bytes.equals(Buffer.alloc(length, 'abc'))).toBe(true);
    }
    socket.close(4_001);
    expect(await codeOf(socket)).toBe(4_001);
    await over(proxy);
    expect(await errorCodes(proxy)).toEqual([]);
  });

  test.each<[string, ir.Policy['settings'], (socket: WebSocket) => void]>([
    ['a frame', { frame: 100 }, (socket) => socket.send(Buffer.alloc(101))],
    [
      'a message',
      { message: 100 },
      (socket) => {
        for (let i = 0; i < 11; i++) socket.send(Buffer.alloc(10), { fin: false });
      },
    ],
  ])('%s above the limit ends both sides with 1009', async (_, settings, send) => {
    const { proxy, server } = await openServer(settings);
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const socket = await openSocket(proxy);
    const [served] = await connected;
    const seen: unknown[] = [];
    served.on('message', (bytes) => seen.push(bytes));
    const codes = Promise.all([codeOf(socket), codeOf(served)]);
    send(socket);
    expect(await codes).toEqual([1_009, 1_009]);
    expect(seen).toEqual([]);
    await over(proxy);
    expect(await errorCodes(proxy)).toEqual(['websocket_too_large']);
  });

  test('of the backend are held to the same', async () => {
    const { proxy, server } = await openServer({ frame: 100 });
    server.on('connection', (socket) => socket.send(Buffer.alloc(101)));
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`);
    closeLater(() => socket.terminate());
    const [served] = await connected;
    expect(await Promise.all([codeOf(socket), codeOf(served)])).toEqual([1_009, 1_009]);
    await over(proxy);
  });
});

describe('bytes', () => {
  test('that break the protocol end both sides with 1002, byte by byte or at once', async () => {
    for (const sizes of [1, 100]) {
      const { proxy, client, upstream } = await openRaw();
      // A complete frame, then one without a mask.
      const bytes = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x01, 0x61]);
      for (let at = 0; at < bytes.length; at += sizes) {
        client.write(bytes.subarray(at, at + sizes));
        await new Promise(setImmediate);
      }
      await until(() => client.ended, 'the end');
      expect(Buffer.from(client.received, 'latin1')).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xea]));
      const [connection] = upstream.connections;
      await until(() => connection?.ended === true, 'the end at the backend');
      expect(Buffer.from(connection?.received ?? '', 'latin1')).toEqual(
        Buffer.concat([bytes.subarray(0, 7), Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xea])]),
      );
      await over(proxy);
      connection?.socket.end();
      await proxy.quiet();
    }
  });

  test('that violate the protocol during a frame of the other side reset both', async () => {
    const { proxy, client, upstream } = await openRaw();
    const [connection] = upstream.connections;
    connection?.socket.write(Buffer.from([0x82, 0x10, 1, 2, 3]));
    await until(() => client.received.length === 5, 'half a frame');
    client.write(Buffer.from([0x81, 0x01, 0x61]));
    await until(() => client.closed && connection?.closed === true, 'both resets');
    expect(client.error).toBe('ECONNRESET');
    await proxy.quiet();
    expect(await errorCodes(proxy)).toEqual(['websocket_malformed']);
  });

  test('after a close are dropped, and the proxy does not wait for more', async () => {
    const { proxy, client, upstream } = await openRaw();
    client.write(Buffer.from([0x81, 0x01, 0x61]));
    await until(() => client.ended, 'the end');
    upstream.connections[0]?.socket.write(Buffer.from([0x81, 0x01, 0x61]));
    client.write(Buffer.from([0x81, 0x01, 0x61]));
    await until(() => client.closed || proxy.metric('weir_downstream_connections_active') === 0, 'the end of the connection');
    expect(client.received.length).toBe(4);
  });

  test('are not checked without a policy', async () => {
    const upstream = await openUpstream({ respond: () => AGREEMENT, connected: () => undefined });
    const proxy = await openProxy(toUpstream(upstream.port));
    const client = await openClient(proxy.port);
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`);
    await until(() => client.received.endsWith('\r\n\r\n'), 'the agreement');
    client.write('no frames at all');
    await until(() => upstream.connections[0]?.received.endsWith('no frames at all') === true, 'the bytes');
  });
});

/** Both ends of a WebSocket with these settings. */
async function openBoth(
  settings: ir.Policy['settings'],
): Promise<{ readonly proxy: Proxy; readonly socket: WebSocket; readonly served: WebSocket }> {
  const { proxy, server } = await openServer(settings);
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const socket = await openSocket(proxy);
  return { proxy, socket, served: (await connected)[0] };
}

describe('a WebSocket ends on both sides', () => {
  test('with 1008 if the client sends too many messages', async () => {
    const { proxy, socket, served } = await openBoth({ messagesPerSecond: 5 });
    const codes = Promise.all([codeOf(socket), codeOf(served)]);
    for (let i = 0; i < 50; i++) socket.send('x');
    expect(await codes).toEqual([1_008, 1_008]);
    await over(proxy);
    expect(await errorCodes(proxy)).toEqual(['websocket_too_fast']);
  });

  test.each<[string, ir.Policy['settings'], string]>([
    ['after the idle timeout', { idle: 150 }, 'idle_timeout'],
    ['after its maximum lifetime', { lifetime: 150 }, 'websocket_expired'],
  ])('with 1001 %s', async (_, settings, code) => {
    const { proxy, socket, served } = await openBoth(settings);
    expect(await Promise.all([codeOf(socket), codeOf(served)])).toEqual([1_001, 1_001]);
    await over(proxy);
    expect(await errorCodes(proxy)).toEqual([code]);
  });

  test('with 1001 when the proxy drains', async () => {
    const { proxy, socket, served } = await openBoth({ message: 1_000 });
    const codes = Promise.all([codeOf(socket), codeOf(served)]);
    const stopped = proxy.worker.stop(5_000);
    expect(await codes).toEqual([1_001, 1_001]);
    await stopped;
  });
});

test('messages count against silence, pings and pongs do not', async () => {
  const { proxy, socket, served } = await openBoth({ idle: 400, ping: 50 });
  const started = performance.now();
  const sending = setInterval(() => served.send('still here'), 50);
  await until(() => performance.now() - started > 800, 'twice the time');
  clearInterval(sending);
  expect(await codeOf(socket)).toBe(1_001);
  await over(proxy);
});

test('a client that answers pings stays connected, another one is cut', async () => {
  const { proxy, socket } = await openBoth({ ping: 500 });
  let pings = 0;
  socket.on('ping', () => pings++);
  await until(() => pings >= 3, 'three pings');
  expect(socket.readyState).toBe(WebSocket.OPEN);
  const silent = await openClient(proxy.port);
  silent.write(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  await until(() => silent.ended || silent.closed, 'the end of the silent one');
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test('a rule has at most its maximum of open WebSockets, and one more after one ends', async () => {
  const { proxy, socket } = await openBoth({ connections: 1 });
  const refused = new WebSocket(`ws://127.0.0.1:${proxy.port}/`);
  closeLater(() => refused.terminate());
  expect(String((await once(refused, 'error'))[0])).toContain('503');
  socket.close();
  await codeOf(socket);
  await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the first');
  await openSocket(proxy);
});

test('concurrent requests do not exceed the maximum of a rule', async () => {
  const upstream = await openUpstream({ respond: () => null });
  const proxy = await openProxy([limits({ connections: 1 }), ...toUpstream(upstream.port)]);
  const clients = await Promise.all([openClient(proxy.port), openClient(proxy.port)]);
  for (const client of clients)
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`);
  await until(() => upstream.requests.length === 2, 'both requests');
  for (const { socket } of upstream.connections) socket.write(AGREEMENT);
  await until(() => clients.every(({ received }) => received.includes('\r\n\r\n')), 'both answers');
  expect(clients.map(({ received }) => received.slice(9, 12)).toSorted()).toEqual(['101', '503']);
});
