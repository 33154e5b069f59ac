// The clients and the backend of the slow client soak, each a process with its own file descriptors and memory: `backend` reports its
// port; `clients` opens slow clients of a kind on request, and reports when all have begun.
import http from 'node:http';
import net from 'node:net';
import process from 'node:process';
import { END_HEADERS, END_STREAM, frame, GET, literals, numbers, post, PREFACE, settings, TYPE } from '../support/h2-frames.ts';

export const KINDS = ['uploads', 'chunked-uploads', 'readers', 'h2-uploads', 'h2-readers'] as const;
export type Kind = (typeof KINDS)[number];

/** A message to the process of the clients. */
export interface Order {
  readonly kind: Kind;
  readonly port: number;
  readonly count: number;
}

/** Interval at which each client sends or reads a byte. */
const PERIOD_MS = 5_000;
/** Answers larger than the kernel's buffers for a client that does not read. */
const LARGE = Buffer.alloc(4_194_304, 'x');
const STREAMS = 100;
/** The identifier in SETTINGS, RFC 9113 section 6.5.2. */
const INITIAL_WINDOW = 4;
/** Number of connections opened at once. */
const AT_ONCE = 100;

function serve(): void {
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.url === '/large') response.end(LARGE);
    else request.on('end', () => response.end('ok'));
  });
  server.requestTimeout = 0;
  server.on('connection', (socket) => socket.on('error', () => undefined));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => process.send?.({ port: (server.address() as net.AddressInfo).port }));
}

/** The first bytes of an HTTP/1.1 client, and those that it repeats; '' if it only reads. */
const H1: Readonly<Partial<Record<Kind, readonly [first: string, again: string]>>> = {
  uploads: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n', 'x'],
  'chunked-uploads': ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
  readers: ['GET /large HTTP/1.1\r\nHost: a\r\n\r\n', ''],
};

function connect(port: number): Promise<net.Socket> {
  return new Promise((resolve) => {
    // Reads one byte at a time, when `resume` is called.
    const socket = net.connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(1), callback: () => false } });
    socket.on('error', () => undefined);
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => resolve(socket));
  });
}

async function openH1({ kind, port }: Order): Promise<void> {
  const [first, again] = H1[kind] as readonly [string, string];
  const socket = await connect(port);
  socket.write(first);
  setInterval(() => (again === '' ? socket.resume() : socket.writable && socket.write(again)), PERIOD_MS);
}

async function openH2({ kind, port }: Order): Promise<void> {
  const ids = Array.from({ length: STREAMS }, (_, i) => 2 * i + 1);
  const isUpload = kind === 'h2-uploads';
  const large = literals(...GET.slice(0, 3), [':path', '/large']);
  const head = (id: number): Buffer => (isUpload ? post(id) : frame(TYPE.headers, END_STREAM | END_HEADERS, id, large));
  const again = (id: number): Buffer =>
    isUpload ? frame(TYPE.data, 0, id, Buffer.from('x')) : frame(TYPE.windowUpdate, 0, id, numbers(1));
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, settings([INITIAL_WINDOW, isUpload ? 65_535 : 1])), ...ids.map(head)]));
  setInterval(() => socket.writable && socket.write(Buffer.concat(ids.map(again))), PERIOD_MS);
  await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
}

async function open(order: Order): Promise<void> {
  const isH2 = order.kind.startsWith('h2');
  const connections = isH2 ? order.count / STREAMS : order.count;
  for (let opened = 0; opened < connections; opened += AT_ONCE) {
    const some = Math.min(AT_ONCE, connections - opened);
    await Promise.all(Array.from({ length: some }, () => (isH2 ? openH2(order) : openH1(order))));
  }
  process.send?.('begun');
}

if (process.argv[2] === 'backend') serve();
else if (process.argv[2] === 'clients') process.on('message', (order: Order) => void open(order));
process.on('disconnect', () => process.exit());
