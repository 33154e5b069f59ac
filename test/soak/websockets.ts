// Ten thousand open WebSockets on one worker, each with one echoed message every ten seconds: measures the cost of an open tunnel, and
// fails if a message is lost. Clients and backends share this process; the proxy has its own.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { acceptFor, newKey } from '../../proxy/codec/websocket/accept.ts';
import { listener, route } from '../support/proxy.ts';
import type { Finding, SoakOptions, SoakScenario } from './scenario.ts';
import type { FromProxy, ToProxy } from './websocket-proxy.ts';

const SOCKETS = 10_000;
/** Number of file descriptors of a process for WebSockets. */
const DESCRIPTORS = descriptors() - 200;
/** WebSockets that share a connection of HTTP/2. */
const STREAMS = 50;
/**
 * A WebSocket over HTTP/1.1 takes two file descriptors of the proxy and two of this process, one over HTTP/2 little more than one. The
 * limit of descriptors decides how many use HTTP/2.
 */
const SHARED = Math.max(STREAMS, Math.ceil((SOCKETS * 2 - DESCRIPTORS) / (1 - 1 / STREAMS)));
const INTERVAL_MS = 10_000;
/** A pool has at most 1,024 connections to an endpoint. */
const BACKENDS = 16;
/** Number of connections opened at once. */
const ROUND = 100;
const MAX_RESIDENT_MIB = 400;
const MIB = 1_048_576;
const PATH = '/chat';

/** The limit of file descriptors of a process; Node uses all that it may. */
function descriptors(): number {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly hard: string | number } };
  };
  const hard = Number(userLimits?.open_files?.hard);
  return Number.isNaN(hard) ? Infinity : hard;
}

interface Backends {
  readonly ports: readonly number[];
  close(): void;
}

/** Accepts a WebSocket and echoes everything. */
function serve(socket: net.Socket, open: Set<net.Socket>): void {
  open.add(socket);
  socket.on('close', () => open.delete(socket));
  socket.on('error', () => undefined);
  let head = '';
  const read = (chunk: Buffer): void => {
    head += chunk.latin1Slice();
    if (!head.endsWith('\r\n\r\n')) return;
    socket.off('data', read);
    const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1] ?? '';
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`,
    );
    socket.on('data', (bytes) => socket.write(bytes));
  };
  socket.on('data', read);
}

async function openBackends(): Promise<Backends> {
  const open = new Set<net.Socket>();
  const servers = Array.from({ length: BACKENDS }, () => net.createServer({ noDelay: true }, (socket) => serve(socket, open)));
  for (const server of servers) server.listen(0, '127.0.0.1', 4_096);
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const close = (): void => {
    for (const server of servers) server.close();
    for (const socket of open) socket.destroy();
  };
  return { ports: servers.map((server) => (server.address() as net.AddressInfo).port), close };
}

/** Counts over all clients. */
interface Tally {
  sent: number;
  received: number;
  dropped: number;
}

/** A connected client: sends a masked text frame on request, and expects its echo before the next. */
class Client {
  readonly socket: Duplex;
  readonly #tally: Tally;
  readonly #frame: Buffer;
  #due = 0;

  constructor(socket: Duplex, tally: Tally, number: number) {
    this.socket = socket;
    this.#tally = tally;
    const text = Buffer.from(`message of ${number}`);
    // A mask of zeros does not change the text.
    this.#frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => tally.dropped++);
  }

  #take(chunk: Buffer): void {
    const expected = this.#frame.subarray(this.#frame.length - this.#due, this.#frame.length - this.#due + chunk.length);
    this.#due -= chunk.length;
    if (this.#due < 0 || !chunk.equals(expected)) this.socket.destroy();
    else if (this.#due === 0) this.#tally.received++;
  }

  /** False until the echo of the last message has arrived. */
  send(): boolean {
    if (this.#due > 0 || this.socket.destroyed) return false;
    this.#due = this.#frame.length;
    this.#tally.sent++;
    this.socket.write(this.#frame);
    return true;
  }
}

async function connect(port: number, tally: Tally, number: number): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  const key = newKey();
  socket.write(
    `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  let head = '';
  while (!head.endsWith('\r\n\r\n')) head += ((await once(socket, 'data')) as [Buffer])[0].latin1Slice();
  if (!head.includes(acceptFor(key))) throw new Error(`no agreement: ${head}`);
  return new Client(socket, tally, number);
}

/** A client on a shared connection (RFC 8441). */
async function connectStream(session: http2.ClientHttp2Session, tally: Tally, number: number): Promise<Client> {
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':authority': 'a',
    ':path': PATH,
    'sec-websocket-version': '13',
  });
  stream.on('error', () => undefined);
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  if (Number(headers[':status']) !== 200) throw new Error(`no agreement: ${String(headers[':status'])}`);
  return new Client(stream, tally, number);
}

async function openSession(port: number): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  return session;
}

async function openClients(port: number, tally: Tally): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < SHARED) {
    const session = await openSession(port);
    const round = Array.from({ length: Math.min(STREAMS, SHARED - clients.length) }, (_, i) =>
      connectStream(session, tally, clients.length + i),
    );
    clients.push(...(await Promise.all(round)));
  }
  while (clients.length < SOCKETS) {
    const round = Array.from({ length: Math.min(ROUND, SOCKETS - clients.length) }, (_, i) => connect(port, tally, clients.length + i));
    clients.push(...(await Promise.all(round)));
  }
  return clients;
}

async function tell(child: ChildProcess, message: ToProxy): Promise<FromProxy> {
  child.send(message);
  return ((await once(child, 'message')) as [FromProxy])[0];
}

async function resident(child: ChildProcess): Promise<number> {
  const answer = await tell(child, { ask: 'memory' });
  return 'resident' in answer ? answer.resident / MIB : 0;
}

/** Lets every client send once per interval, evenly spread, for this time. Resolves to the peak of the proxy's memory, MiB. */
async function talk(
  clients: readonly Client[],
  child: ChildProcess,
  ms: number,
): Promise<{ readonly peak: number; readonly late: number }> {
  const started = performance.now();
  let [next, late, peak, sampledAt] = [0, 0, 0, 0];
  for (let now = 0; now < ms; now = performance.now() - started) {
    for (const due = Math.floor((now / INTERVAL_MS) * clients.length); next < due; next++) {
      if (clients[next % clients.length]?.send() === false) late++;
    }
    if (now - sampledAt > 1_000) {
      peak = Math.max(peak, await resident(child));
      sampledAt = now;
    }
    await wait(10);
  }
  return { peak, late };
}

async function run({ seconds }: SoakOptions): Promise<readonly Finding[]> {
  const backends = await openBackends();
  const child = fork(path.join(import.meta.dirname, 'websocket-proxy.ts'));
  let clients: readonly Client[] = [];
  try {
    const key = 'Service/default/app/80';
    const endpoints = backends.ports.map((port) => ({ address: '127.0.0.1', port, draining: false }));
    const started = await tell(child, {
      resources: [listener(), { kind: 'Cluster', key, protocol: 'http1' }, { kind: 'Endpoints', key, endpoints }, route()],
    });
    const port = 'port' in started ? started.port : 0;
    const tally: Tally = { sent: 0, received: 0, dropped: 0 };
    clients = await openClients(port, tally);
    const { peak, late } = await talk(clients, child, seconds * 1_000);
    // The last messages are still in flight.
    for (let waited = 0; tally.received < tally.sent && waited < 5_000; waited += 50) await wait(50);
    return [
      { name: 'open WebSockets', value: clients.length, unit: '', limit: null },
      { name: 'of them over HTTP/2', value: SHARED, unit: '', limit: null },
      { name: 'messages', value: tally.sent, unit: '', limit: null },
      { name: 'messages that did not come back', value: tally.sent - tally.received, unit: '', limit: 0 },
      { name: 'messages that were late by an interval', value: late, unit: '', limit: 0 },
      { name: 'dropped connections', value: tally.dropped, unit: '', limit: 0 },
      { name: 'peak of resident memory', value: peak, unit: 'MiB', limit: MAX_RESIDENT_MIB },
    ];
  } finally {
    for (const { socket } of clients) socket.destroy();
    backends.close();
    child.disconnect();
  }
}

/** Ten thousand WebSockets through one worker. */
export const webSockets: SoakScenario = {
  name: 'websockets',
  about: `${SOCKETS} open WebSockets through one worker, a message each per ${INTERVAL_MS / 1_000} s`,
  run,
};
