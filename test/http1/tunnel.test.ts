// Upgrades: after a 101 the proxy passes all bytes until both sides have ended.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { RawData } from 'ws';
import { header, status } from '../support/message.ts';
import { closeAfterEach, closeLater, get, openChain, openProxy } from '../support/fixture.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { UpstreamConnection } from '../support/raw-upstream.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const UPGRADE = get('/chat', 'Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n');
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n';

/** Switches protocols and leaves the rest to the test. */
const switches = {
  connected: () => undefined,
  data: (connection: UpstreamConnection, chunk: Buffer): void => {
    if (chunk.latin1Slice().startsWith('GET')) connection.socket.write(SWITCHED);
  },
};

async function webSockets(serve: (socket: WebSocket) => void): Promise<Proxy> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  closeLater(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on('connection', serve);
  await once(server, 'listening');
  return openProxy(toUpstream((server.address() as AddressInfo).port));
}

async function open(proxy: Proxy): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat?a=b`);
  closeLater(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

const echo = (socket: WebSocket): void => void socket.on('message', (data: RawData, binary) => socket.send(data as Buffer, { binary }));

describe('WebSocket', () => {
  test('text and binary pass, small and large, in order', async () => {
    const socket = await open(await webSockets(echo));
    const messages = ['hello', Buffer.from([0, 255, 13, 10]), 'x'.repeat(1_000_000), Buffer.alloc(3_000_000, 7), ''];
    const received: (string | Buffer)[] = [];
    socket.on('message', (data: Buffer, binary) => received.push(binary ? data : data.toString()));
    for (const message of messages) socket.send(message);
    await until(() => received.length === messages.length, 'all messages');
    expect(
      received.map((message, i) => message.length === messages[i]?.length && Buffer.from(message).equals(Buffer.from(messages[i]))),
    ).toEqual(messages.map(() => true));
  });

  test.each(['client', 'backend'])('the close code and reason of the %s arrive at the other side', async (who) => {
    const closed = Promise.withResolvers<[number, string]>();
    const told = (code: number, reason: Buffer): void => closed.resolve([code, reason.toString()]);
    const proxy = await webSockets((socket) => {
      if (who === 'backend') socket.close(4_001, 'enough');
      else socket.on('close', told);
    });
    const socket = await open(proxy);
    if (who === 'client') socket.close(4_001, 'enough');
    else socket.on('close', told);
    expect(await closed.promise).toEqual([4_001, 'enough']);
    await proxy.quiet();
  });

  test('a backend that refuses answers as usual', async () => {
    const { proxy } = await openChain('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(403);
  });

  test('a subprotocol and the key pass', async () => {
    const proxy = await webSockets((socket) => socket.send(socket.protocol));
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`, ['chat.v2']);
    closeLater(() => socket.terminate());
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect([message.toString(), socket.protocol]).toEqual(['chat.v2', 'chat.v2']);
  });
});

describe('tunnel', () => {
  test('the head is rebuilt in both directions', async () => {
    const { client, upstream } = await openChain(switches);
    expect((await client.ask(UPGRADE)).raw).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    const request = await upstream.request();
    expect([header(request, 'connection'), header(request, 'upgrade'), header(request, 'sec-websocket-key')]).toEqual([
      'Upgrade',
      'websocket',
      'k',
    ]);
  });

  test('after a chunked answer on the same connection its bytes are not chunked', async () => {
    const { client, upstream } = await openChain('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    await client.ask(get());
    upstream.become(switches);
    await client.ask(UPGRADE);
    upstream.connections.at(-1)?.socket.write('raw');
    await until(() => client.received === 'raw', 'the bytes');
  });

  test('bytes sent before the 101 arrive after it', async () => {
    const { client, upstream } = await openChain({ connected: () => undefined });
    client.write(`${UPGRADE}early`);
    await upstream.request();
    upstream.connections[0]?.socket.write(`${SWITCHED}also early`);
    await until(() => client.received.endsWith('\r\n\r\nalso early'), 'bytes of the backend');
    await until(() => upstream.connections[0]?.received.endsWith('\r\n\r\nearly') === true, 'bytes of the client');
  });

  test('the client ends first: the backend sees the end and may still send', async () => {
    const { client, upstream, proxy } = await openChain(switches);
    await client.ask(UPGRADE);
    const connection = upstream.connections[0];
    client.write('last words');
    client.end();
    await until(() => connection?.ended === true, 'the end at the backend');
    expect(connection?.received).toMatch(/last words$/);
    connection?.socket.end('and mine');
    await until(() => client.closed, 'the end');
    expect([client.received, client.error]).toEqual(['and mine', '']);
    await proxy.quiet();
  });

  test('the backend ends first: the client sees the end and may still send', async () => {
    const { client, upstream, proxy } = await openChain(switches);
    await client.ask(UPGRADE);
    const connection = upstream.connections[0];
    connection?.socket.end('last words');
    await until(() => client.ended, 'the end');
    expect(client.received).toBe('last words');
    client.write('and mine');
    client.end();
    await until(() => connection?.closed === true, 'the end at the backend');
    expect(connection?.received).toMatch(/and mine$/);
    await proxy.quiet();
  });

  test.each(['client', 'backend'])('a reset by the %s reaches the other side', async (who) => {
    const { client, upstream, proxy } = await openChain(switches);
    await client.ask(UPGRADE);
    const connection = upstream.connections[0];
    if (who === 'client') client.reset();
    else connection?.socket.resetAndDestroy();
    await until(() => client.closed && connection?.closed === true, 'the end of both');
    if (who === 'backend') expect(client.error).toBe('ECONNRESET');
    await proxy.quiet();
  });

  test('a reset after the end of the backend resets the client', async () => {
    const { client, upstream, proxy } = await openChain(switches);
    await client.ask(UPGRADE);
    upstream.connections[0]?.socket.end();
    await until(() => client.ended, 'the end');
    upstream.connections[0]?.socket.resetAndDestroy();
    await until(() => client.closed || client.socket.write('anyone there?') === undefined, 'the reset');
    await proxy.quiet();
  });

  test('silence ends a tunnel, traffic in either direction keeps it', async () => {
    const { client, upstream, proxy } = await openChain(switches, {}, { tunnelIdleTimeout: 150, upstreamIdleTimeout: 50 });
    await client.ask(UPGRADE);
    const started = performance.now();
    let sent = 0;
    const timer = setInterval(() => (++sent % 20 < 10 ? client.write('x') : upstream.connections[0]?.socket.write('x')), 20);
    closeLater(() => clearInterval(timer));
    await until(() => sent >= 40 || client.closed, 'traffic');
    expect(client.closed).toBe(false);
    clearInterval(timer);
    await until(() => client.ended && upstream.open === 0, 'the end of both');
    expect(performance.now() - started).toBeGreaterThan(600);
    await proxy.quiet();
  });

  test('route timeouts do not end a tunnel', async () => {
    const { client, upstream } = await openChain(switches, { timeouts: { request: 500, backendRequest: 500 } });
    await client.ask(UPGRADE);
    const started = performance.now();
    await until(() => performance.now() - started > 600, 'time');
    upstream.connections[0]?.socket.write('still there');
    await until(() => client.received === 'still there', 'the bytes');
  });

  test('a 101 to another protocol than requested: 502', async () => {
    const { client } = await openChain('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
    expect(status(await client.ask(UPGRADE))).toBe(502);
  });

  test('an upgrade that the backend ignores is a plain request', async () => {
    const { client } = await openChain(ok('plain'));
    const answer = await client.ask(UPGRADE);
    expect([status(answer), answer.body, header(answer, 'upgrade')]).toEqual([200, 'plain', undefined]);
    expect((await client.ask(get())).body).toBe('plain');
  });
});
