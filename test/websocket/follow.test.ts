// WebSockets without a policy: their counts and log lines, unchanged frames, and their end when the proxy drains.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { acceptFor } from '../../proxy/codec/websocket/accept.ts';
import { closeAfterEach, closeLater, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { ORIGIN, startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { UpstreamConnection } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { openEcho, openWebSocket, portOf } from '../support/websocket.ts';

closeAfterEach();

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const AGREEMENT = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(KEY)}\r\n\r\n`;
/** Frames of a client, with a zero mask; and of a server. */
const masked = (opcode: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
const unmasked = (opcode: number, payload: Buffer): Buffer => Buffer.concat([Buffer.from([opcode, payload.length]), payload]);
const GOING_AWAY = Buffer.from([0x03, 0xe9]);

let folder: string;
let files = 0;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'weir-websocket-'))));
afterAll(() => rm(folder, { recursive: true }));

/** A proxy with an access log; `line` stops it and resolves to its last log line. */
async function openLogged(port: number): Promise<{ readonly proxy: Proxy; line(): Promise<Record<string, unknown>> }> {
  const file = path.join(folder, `${++files}.log`);
  const proxy = await startProxy(toUpstream(port), {}, file);
  closeLater(() => proxy.close());
  const line = async () => {
    await proxy.close();
    return JSON.parse((await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  };
  return { proxy, line };
}

/** Every sample of the metrics of WebSockets. */
async function counts(proxy: Proxy): Promise<Record<string, number>> {
  const text = await proxy.worker.registry.metrics();
  const samples = [...text.matchAll(/^weir_(websocket\w+)\{(.*)\} (\d+)$/gm)];
  return Object.fromEntries(samples.map(([, name, labels, value]) => [`${name} ${labels}`, Number(value)]));
}

const over = (proxy: Proxy): Promise<void> => until(() => proxy.metric('weir_requests_active') === 0, 'the end of the WebSocket');

/** Bytes at both ends of a WebSocket. */
async function openRaw(): Promise<{ readonly proxy: Proxy; readonly client: RawClient; readonly served: UpstreamConnection }> {
  const upstream = await openUpstream({ respond: () => AGREEMENT, connected: () => undefined });
  const proxy = await openProxy(toUpstream(upstream.port));
  const client = await openClient(proxy.port);
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`);
  await until(() => client.received.endsWith('\r\n\r\n'), 'the agreement');
  client.received = '';
  const served = upstream.connections[0] as UpstreamConnection;
  served.received = '';
  return { proxy, client, served };
}

describe('counts and log lines', () => {
  test('of a WebSocket that the client closes', async () => {
    const { proxy, line } = await openLogged(portOf(await openEcho()));
    const socket = await openWebSocket(proxy.port);
    for (const message of ['a', 'b', 'c']) {
      socket.send(message);
      await once(socket, 'message');
    }
    expect(await counts(proxy)).toEqual({
      [`websockets_active ${ORIGIN}`]: 1,
      [`websockets_total ${ORIGIN}`]: 1,
      [`websocket_messages_total ${ORIGIN},direction="received"`]: 3,
      [`websocket_messages_total ${ORIGIN},direction="sent"`]: 3,
    });
    socket.close(4_001);
    await once(socket, 'close');
    await over(proxy);
    expect(await counts(proxy)).toEqual({
      [`websockets_active ${ORIGIN}`]: 0,
      [`websockets_total ${ORIGIN}`]: 1,
      [`websockets_closed_total ${ORIGIN},code="4xxx"`]: 1,
      [`websocket_messages_total ${ORIGIN},direction="received"`]: 3,
      [`websocket_messages_total ${ORIGIN},direction="sent"`]: 3,
    });
    expect(await line()).toMatchObject({ status: 101, messagesReceived: 3, messagesSent: 3, closeCode: 4_001, closedBy: 'client' });
  });

  test.each<[string, (socket: WebSocket) => void, string, object]>([
    ['the backend closes', (socket) => socket.close(1_011), '1011', { closeCode: 1_011, closedBy: 'backend' }],
    ['the backend closes without a code', (socket) => socket.close(), '1005', { closeCode: 1_005, closedBy: 'backend' }],
    ['nobody closes', (socket) => socket.terminate(), '1006', { closeCode: 1_006 }],
  ])('of a WebSocket that %s', async (_, end, code, logged) => {
    const server = await openEcho();
    server.on('connection', end);
    const { proxy, line } = await openLogged(portOf(server));
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`);
    socket.on('error', () => undefined);
    await once(socket, 'close');
    await over(proxy);
    expect((await counts(proxy))[`websockets_closed_total ${ORIGIN},code="${code}"`]).toBe(1);
    expect(await line()).toMatchObject(logged);
  });

  test('codes that peers choose make no more than a few series', async () => {
    const server = await openEcho();
    const proxy = await openProxy(toUpstream(portOf(server)));
    for (const code of [3_000, 3_001, 4_000, 4_999]) {
      const socket = await openWebSocket(proxy.port);
      socket.close(code);
      await once(socket, 'close');
    }
    await over(proxy);
    const codes = Object.keys(await counts(proxy)).flatMap((name) => /code="(\w+)"/.exec(name)?.[1] ?? []);
    expect(codes.sort()).toEqual(['3xxx', '4xxx']);
  });

  test('do not exist for an upgrade to another protocol', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    const proxy = await openProxy(toUpstream(upstream.port));
    const client = await openClient(proxy.port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    await until(() => client.received.includes('101'), 'the agreement');
    expect(await counts(proxy)).toEqual({});
  });
});

describe('everything passes unchanged', () => {
  test('cut anywhere', async () => {
    const { client, served, proxy } = await openRaw();
    const bytes = Buffer.concat([masked(0x81, Buffer.from('hello')), masked(0x89, Buffer.from('ping')), masked(0x88, GOING_AWAY)]);
    for (const byte of bytes) {
      const before = served.octets;
      client.write(Buffer.from([byte]));
      await until(() => served.octets > before, 'a byte, at once');
    }
    expect(served.received).toBe(bytes.latin1Slice());
    expect(await counts(proxy)).toMatchObject({ [`websocket_messages_total ${ORIGIN},direction="received"`]: 1 });
  });

  test.each<[string, Buffer]>([
    ['no mask where there must be one', unmasked(0x81, Buffer.from('hello'))],
    ['reserved bits', masked(0xf1, Buffer.from('hello'))],
    ['an opcode that nobody knows', masked(0x83, Buffer.from('hello'))],
    ['no frames at all', Buffer.from('this is something else altogether')],
    ['a length that is none', Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2])],
  ])('with %s, but its end is not known', async (_, bytes) => {
    const { client, served, proxy } = await openRaw();
    client.write(bytes);
    await until(() => served.received.length === bytes.length, 'all of it');
    expect(served.received).toBe(bytes.latin1Slice());
    client.destroy();
    served.socket.destroy();
    await over(proxy);
    expect((await counts(proxy))[`websockets_closed_total ${ORIGIN},code="unknown"`]).toBe(1);
  });
});

describe('when the proxy drains', () => {
  test('both sides get 1001', async () => {
    const server = await openEcho();
    const { proxy, line } = await openLogged(portOf(server));
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const socket = await openWebSocket(proxy.port);
    const [served] = await connected;
    const codes = Promise.all([once(socket, 'close'), once(served, 'close')]);
    const logged = line();
    expect((await codes).map(([code]) => code as number)).toEqual([1_001, 1_001]);
    expect(await logged).toMatchObject({ closeCode: 1_001, closedBy: 'proxy', error: 'connection_cut' });
  });

  test('a side in the middle of a frame gets it after the frame', async () => {
    const { client, served, proxy } = await openRaw();
    const frame = masked(0x82, Buffer.alloc(100, 'a'));
    client.write(frame.subarray(0, 50));
    await until(() => served.received.length === 50, 'half of it');
    const stopped = proxy.worker.stop(5_000);
    client.write(frame.subarray(50));
    await until(() => served.ended && client.ended, 'the end on both sides');
    expect(served.received).toBe(Buffer.concat([frame, masked(0x88, GOING_AWAY)]).latin1Slice());
    expect(client.received).toBe(unmasked(0x88, GOING_AWAY).latin1Slice());
    served.socket.end();
    client.end();
    await stopped;
  });

  test('a WebSocket with an endless frame is cut at the deadline', async () => {
    const { client, served, proxy } = await openRaw();
    client.write(masked(0x82, Buffer.alloc(100, 'a')).subarray(0, 50));
    await until(() => served.received.length === 50, 'half of it');
    await proxy.worker.stop(100);
    await until(() => client.closed && served.closed, 'both to be cut');
    expect(client.received).toBe('');
  });

  test('a tunnel of another protocol lives until the deadline', async () => {
    const { client, served, proxy } = await openRaw();
    client.write('something else');
    await until(() => served.received === 'something else', 'it');
    const stopped = proxy.worker.stop(300);
    client.write(' and more');
    await until(() => served.received === 'something else and more', 'more of it');
    await stopped;
    await until(() => client.closed && served.closed, 'both to be cut');
  });
});
