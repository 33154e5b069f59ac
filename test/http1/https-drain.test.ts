// Drain and backpressure of connections over TLS: the same as without TLS.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { Readable } from 'node:stream';
import tls from 'node:tls';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater, get, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const MIB = 1_048_576;
const TOTAL = 48 * MIB;
const PIECE = Buffer.alloc(65_536, 'x');
/** Maximum of bytes in kernel buffers of four sockets on loopback between two peers. */
const IN_BETWEEN = 28 * MIB;

const certificate = certified('DNS:a');

function open(upstreamPort: number): Promise<Proxy> {
  const secured = listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } });
  return openProxy([certificate.secret, secured, ...cluster('app', [upstreamPort]), route()]);
}

function peer(proxy: Proxy): tls.ConnectionOptions {
  return { host: '127.0.0.1', port: proxy.port, servername: 'a', ca: readFileSync(certificate.ca.certificate) };
}

async function connect(proxy: Proxy): Promise<tls.TLSSocket> {
  const socket = tls.connect(peer(proxy));
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A request with a client that respects `connection: close`; resolves to status and body. */
async function fetchOnce(proxy: Proxy, agent: https.Agent): Promise<string> {
  const request = https.get({ ...peer(proxy), agent, headers: { host: 'a' } });
  const [response] = (await once(request, 'response')) as [Readable & { statusCode: number }];
  return `${response.statusCode} ${String(Buffer.concat(await response.toArray()))}`;
}

/** Every answer other than `200 fine` until the end, and once more after it. */
async function traffic(proxy: Proxy, keepAlive: boolean, over: () => boolean): Promise<string[]> {
  const agent = new https.Agent({ keepAlive, maxSockets: 1 });
  const wrong: string[] = [];
  for (let last = false; !last && wrong.length < 10;) {
    last = over();
    const answer = await fetchOnce(proxy, agent).catch(String);
    if (answer !== '200 fine') wrong.push(answer);
  }
  agent.destroy();
  return wrong;
}

/** Writes as fast as the socket accepts, and returns the number of bytes. */
function source(): { readonly bytes: Readable; readonly taken: () => number } {
  let taken = 0;
  function* pieces(): Generator<Buffer> {
    for (; taken < TOTAL; taken += PIECE.length) yield PIECE;
  }
  return { bytes: Readable.from(pieces(), { highWaterMark: 1 }), taken: () => taken };
}

describe('drain over TLS', () => {
  test('no request fails under constant traffic, from drain to the end of stop', async () => {
    let answered = 0;
    const upstream = await openUpstream(() => {
      answered++;
      return ok('fine');
    });
    const proxy = await open(upstream.port);
    let over = false;
    const flows = [true, true, false].map((keepAlive) => traffic(proxy, keepAlive, () => over));
    await until(() => answered > 60, 'traffic');
    proxy.worker.drain();
    const atDrain = answered;
    await until(() => answered > atDrain + 120, 'traffic while draining');
    over = true;
    expect((await Promise.all(flows)).flat()).toEqual([]);
    expect(await proxy.worker.stop(1_000)).toBe(true);
    expect(proxy.worker.timers).toBe(0);
  });

  test('a connection accepted while draining ends with its first answer', async () => {
    const upstream = await openUpstream(() => ok('fine'));
    const proxy = await open(upstream.port);
    proxy.worker.drain();
    const socket = await connect(proxy);
    socket.write(get());
    const answer = String(Buffer.concat(await socket.toArray()));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*fine$/i);
  });

  test('a long download is finished by stop', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const proxy = await open(upstream.port);
    const socket = await connect(proxy);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(get());
    await until(() => answer.endsWith('12345'), 'half an answer');
    const ended = once(socket, 'end');
    const stopped = proxy.worker.stop(10_000);
    upstream.connections[0]!.socket.write('67890');
    await Promise.all([ended, stopped]);
    expect(answer).toMatch(/1234567890$/);
  });

  test('a tunnel is cut at the deadline', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    const proxy = await open(upstream.port);
    const socket = await connect(proxy);
    socket.on('error', () => undefined);
    socket.write(get('/', 'Connection: upgrade\r\nUpgrade: x\r\n'));
    expect(String(await once(socket, 'data'))).toContain('101 Switching Protocols');
    const began = performance.now();
    await Promise.all([once(socket, 'close'), proxy.worker.stop(200)]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(200);
  });
});

describe('large bodies over TLS', () => {
  test('a backend that does not read stops the client, and gets every byte later', async () => {
    const upstream = await openUpstream({ keep: false, connected: ({ socket }) => void socket.pause() });
    const socket = await connect(await open(upstream.port));
    const { bytes, taken } = source();
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    bytes.pipe(socket, { end: false });
    expect(await still(taken)).toBeLessThan(IN_BETWEEN);
    const connection = upstream.connections[0]!;
    connection.socket.resume();
    await until(() => connection.octets >= TOTAL, 'the whole body');
    connection.socket.write(ok('got it'));
    expect(String(await once(socket, 'data'))).toContain('got it');
  });

  test('a client that does not read stops the backend, and gets every byte later', async () => {
    const { bytes, taken } = source();
    const upstream = await openUpstream((_, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\nConnection: close\r\n\r\n`);
      bytes.pipe(socket);
      return null;
    });
    const socket = await connect(await open(upstream.port));
    socket.pause();
    socket.write(get('/', 'Connection: close\r\n'));
    expect(await still(taken)).toBeLessThan(IN_BETWEEN);
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.resume();
    await once(socket, 'end');
    expect(received).toBeGreaterThan(TOTAL);
    expect(received).toBeLessThan(TOTAL + 1_000);
  });
});
