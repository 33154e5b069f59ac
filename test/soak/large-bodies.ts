// Bodies of many GiB in both directions at once, with a length and in chunks, and their memory use. All parties share this process, so
// its memory is an upper bound for that of the proxy.
import { once } from 'node:events';
import net from 'node:net';
import { memoryInUse } from '../support/memory.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Finding, SoakOptions, SoakScenario } from './scenario.ts';

const PIECE = Buffer.alloc(65_536, 'x');
const MIB = 1_048_576;
/** Limit for the memory in use afterwards: compiled code. */
export const MAX_LEFT_MIB = 4;
/** Peak of resident memory: buffers of six sockets, and garbage between two collections, most of it of the two peers. */
export const MAX_RESIDENT_MIB = 192;
const SAMPLE_MS = 50;

/** Writes `total` bytes, a multiple of the piece, as fast as the socket accepts them. */
async function pour(socket: net.Socket, total: number, piece: Buffer): Promise<void> {
  for (let sent = 0; sent < total && !socket.destroyed; sent += PIECE.length) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
}

function chunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
}

/** How a body is framed. */
interface Framing {
  readonly header: string;
  readonly piece: Buffer;
  readonly last: string;
}

function framings(total: number): readonly Framing[] {
  const piece = chunk(PIECE);
  return [
    { header: `content-length: ${total}`, piece: PIECE, last: '' },
    { header: 'transfer-encoding: chunked', piece, last: '0\r\n\r\n' },
  ];
}

/** Counts the bytes after a head; resolves at the expected number. New chunk boundaries may add bytes. */
function counted(socket: net.Socket, expected: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let octets = -1;
  socket.on('data', (data: Buffer) => {
    if (octets < 0) octets = data.length - data.indexOf('\r\n\r\n') - 4;
    else octets += data.length;
    if (octets >= expected) resolve();
  });
  socket.on('close', () => reject(new Error(`closed after ${octets} of ${expected} bytes`)));
  return promise;
}

/** A backend that reads a body and sends one at the same time. */
async function openBackend(
  framing: Framing,
  total: number,
): Promise<{ readonly port: number; readonly done: Promise<void>; close(): void }> {
  const done = Promise.withResolvers<void>();
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    const received = counted(socket, total);
    socket.write(`HTTP/1.1 200 OK\r\n${framing.header}\r\n\r\n`);
    // The last piece waits for the whole request, since an answer that is complete earlier ends the exchange.
    pour(socket, total - PIECE.length, framing.piece)
      .then(() => received)
      .then(() => socket.write(Buffer.concat([framing.piece, Buffer.from(framing.last)])))
      .then(() => done.resolve(), done.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as net.AddressInfo).port, done: done.promise, close: () => server.close() };
}

async function exchange(framing: Framing, total: number): Promise<void> {
  const backend = await openBackend(framing, total);
  const proxy = await startProxy(toUpstream(backend.port));
  const client = net.connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    const received = counted(client, total);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing.header}\r\n\r\n`);
    await pour(client, total, framing.piece);
    client.write(framing.last);
    await Promise.all([received, backend.done]);
  } finally {
    client.destroy();
    await proxy.close();
    backend.close();
  }
}

/** Memory above that of the start: alive at the end, and resident at the peak, MiB; and the rate over both directions, MiB/s. */
export interface Moved {
  readonly left: number;
  readonly resident: number;
  readonly rate: number;
}

/** Moves the bytes in both directions, with each framing. */
export async function moveLargeBodies(total: number): Promise<Moved> {
  const whole = Math.ceil(total / PIECE.length) * PIECE.length;
  await exchange(framings(64 * MIB)[1] as Framing, 64 * MIB);
  const before = memoryInUse();
  const start = process.memoryUsage.rss();
  let peak = start;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  const started = performance.now();
  try {
    for (const framing of framings(whole)) await exchange(framing, whole);
  } finally {
    clearInterval(watch);
  }
  const seconds = (performance.now() - started) / 1_000;
  const after = memoryInUse();
  const left = after.heap - before.heap + after.buffers - before.buffers;
  return { left: left / MIB, resident: (peak - start) / MIB, rate: (4 * whole) / MIB / seconds };
}

export const largeBodies: SoakScenario = {
  name: 'large-bodies',
  about: 'bodies both ways at once, with a length and in chunks; memory must stay flat',
  async run({ bytes }: SoakOptions): Promise<readonly Finding[]> {
    const { left, resident, rate } = await moveLargeBodies(bytes);
    return [
      { name: 'memory left in use', value: left, unit: 'MiB', limit: MAX_LEFT_MIB },
      { name: 'growth of resident memory at its peak', value: resident, unit: 'MiB', limit: MAX_RESIDENT_MIB },
      { name: 'rate, both directions', value: rate, unit: 'MiB/s', limit: null },
    ];
  },
};
