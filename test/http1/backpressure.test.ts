// Slow readers and writers: the faster side must wait, and the proxy keeps at most a few buffers of each.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openChain, openClient } from '../support/fixture.ts';
import type { Chain } from '../support/fixture.ts';
import { memoryInUse } from '../support/memory.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const MIB = 1_048_576;
const PIECE = Buffer.alloc(65_536, 'x');
/**
 * Maximum of bytes between two peers: the kernel's buffers of two connections, which grow to at most these sizes, and a few hundred KiB of
 * the proxy.
 */
const IN_BETWEEN = 2 * (maximum('tcp_rmem') + maximum('tcp_wmem')) + MIB;
const TOTAL = Math.max(48 * MIB, IN_BETWEEN + 16 * MIB);
/** Maximum of these bytes in this process, in addition to earlier ones: twice the high-water mark per direction, and some slack. */
const IN_PROCESS = 2 * MIB;

/** The last number of a kernel setting. */
function maximum(setting: string): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${setting}`, 'utf8').trim().split(/\s+/).at(-1));
}

interface Source {
  write(chunk: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
  readonly destroyed: boolean;
}

/** Writes until all is written, and returns the number of accepted bytes. Buffers nothing itself. */
function pour(socket: Source, total: number, piece: Buffer, finished = (): void => undefined): { sent: number; done: boolean } {
  const state = { sent: 0, done: false };
  const go = (): void => {
    while (!socket.destroyed) {
      state.done = state.sent >= total;
      if (state.done) return finished();
      state.sent += PIECE.length;
      if (!socket.write(piece)) return void socket.once('drain', go);
    }
  };
  go();
  return state;
}

function asChunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
}

const REDIRECT: ir.Filter = { type: 'RequestRedirect', scheme: 'https', hostname: null, path: null, port: null, statusCode: 302 };

const buffered = (): number => memoryInUse().buffers;

async function download(
  framing: string,
  piece: Buffer,
  last: string,
): Promise<Chain & { readonly state: () => { sent: number; done: boolean } }> {
  let state = { sent: 0, done: false };
  const chain = await openChain((_, { socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
    state = pour(socket, TOTAL, piece, () => void socket.write(last));
    return null;
  });
  return { ...chain, state: () => state };
}

const framings = [
  ['a length', `content-length: ${TOTAL}`, PIECE, ''],
  ['chunks', 'transfer-encoding: chunked', asChunk(PIECE), '0\r\n\r\n'],
] as const;

describe('a client that does not read', () => {
  test.each(framings)('stops the backend: %s', async (_, framing, piece, last) => {
    const { proxy, state } = await download(framing, piece, last);
    const client = await openClient(proxy.port, false);
    const before = buffered();
    client.socket.pause();
    client.write(get('/', 'Connection: close\r\n'));
    const stalled = await still(() => state().sent);
    expect(stalled).toBeLessThan(IN_BETWEEN);
    expect(buffered() - before).toBeLessThan(IN_PROCESS);
    client.socket.resume();
    await until(() => client.ended, 'the whole answer');
    expect(client.octets).toBeGreaterThanOrEqual(TOTAL);
    expect(client.error).toBe('');
  });

  test('stops its own requests: pipelined requests are not read while answers are unread', async () => {
    const { proxy } = await openChain('', { filters: [REDIRECT] });
    const client = await openClient(proxy.port, false);
    const before = buffered();
    client.socket.pause();
    // An answer is about as long as its request, because it repeats the path.
    const request = get(`/${'x'.repeat(4_000)}`);
    const requests = Buffer.from(request.repeat(PIECE.length / request.length));
    const state = pour(client.socket, TOTAL, requests);
    await still(() => state.sent);
    expect(state.done).toBe(false);
    expect(buffered() - before - client.socket.writableLength).toBeLessThan(IN_PROCESS);
    client.socket.resume();
    await until(() => state.done, 'all requests to be read');
  });

  test('does not delay others', async () => {
    const { proxy, upstream } = await download(framings[0][1], framings[0][2], '');
    const slow = await openClient(proxy.port, false);
    slow.socket.pause();
    slow.write(get());
    await upstream.request();
    upstream.become('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    const other = await openClient(proxy.port);
    for (let i = 0; i < 50; i++) expect((await other.ask(get())).body).toBe('ok');
  });
});

describe('a backend that does not read', () => {
  test.each([
    ['a length', `Content-Length: ${TOTAL}`, PIECE, ''],
    ['chunks', 'Transfer-Encoding: chunked', asChunk(PIECE), '0\r\n\r\n'],
  ])('stops the client: %s', async (_, framing, piece, last) => {
    const { client, upstream } = await openChain({ keep: false, connected: ({ socket }) => void socket.pause() });
    const before = buffered();
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    const state = pour(client.socket, TOTAL, piece);
    const stalled = await still(() => state.sent);
    expect(stalled).toBeLessThan(IN_BETWEEN);
    expect(buffered() - before).toBeLessThan(IN_PROCESS);
    upstream.connections[0]?.socket.resume();
    await until(() => state.done, 'all sent');
    client.write(last);
    await until(() => (upstream.connections[0]?.octets ?? 0) >= TOTAL, 'all arrived');
    upstream.connections[0]?.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    expect((await client.answer()).body).toBe('ok');
  });
});

describe('a tunnel', () => {
  const UPGRADE = get('/', 'Connection: Upgrade\r\nUpgrade: x\r\n');
  const switches = {
    keep: false,
    connected: () => undefined,
    data: (connection: { socket: { write(text: string): unknown }; octets: number }, chunk: Buffer): void => {
      if (connection.octets === chunk.length) connection.socket.write('HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    },
  };

  test.each(['client', 'backend'] as const)('stops the writer to a %s that does not read', async (who) => {
    const { client, upstream } = await openChain(switches);
    await client.ask(UPGRADE);
    const backend = upstream.connections[0];
    if (backend === undefined) throw new Error('no connection');
    const [reader, writer] = who === 'client' ? [client.socket, backend.socket] : [backend.socket, client.socket];
    const counted = who === 'client' ? client : backend;
    const first = counted.octets;
    const before = buffered();
    reader.pause();
    const state = pour(writer, TOTAL, PIECE);
    expect(await still(() => state.sent)).toBeLessThan(IN_BETWEEN);
    expect(buffered() - before).toBeLessThan(IN_PROCESS);
    client.received = '';
    reader.resume();
    await until(() => counted.octets - first >= TOTAL, 'all arrived');
  });
});
