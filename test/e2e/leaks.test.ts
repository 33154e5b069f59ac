// Thousands of connections and requests that end in every way and phase leave no resources: sockets, timers, exchanges in flight, memory.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { get, post } from '../support/fixture.ts';
import { leavesLess } from '../support/memory.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

/** Connections of a round, the number at once, and the bytes that each may leave: less than any object. */
const CONNECTIONS = 250;
const AT_ONCE = 50;
const LEFT_BY_CONNECTION = 1_000;
/** Requests of a round on kept connections, and the bytes that each may leave: less than a reference. */
const REQUESTS = 20_000;
const LEFT_BY_REQUEST = 15;
/** Connections before the first round: most code is compiled after them. */
const WARM_UP = 100;

const UPGRADE = get('/upgrade', 'Connection: Upgrade\r\nUpgrade: x\r\n');
const SWITCHED = 'HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
const LARGE = `HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n${'x'.repeat(20_000)}`;
const CHUNKS = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n';

type End = 'reset' | 'end' | 'close';

/** One kind of connection: the bytes it sends, and how it ends, at once or after an answer. */
interface Life {
  readonly send: string;
  readonly ends: End;
  /** Wait for the first bytes of an answer. */
  readonly afterBytes?: boolean;
  /** Wait until the backend has the request. */
  readonly afterRequest?: boolean;
}

const CLIENTS: readonly (readonly [string, Life])[] = [
  ['connect and reset', { send: '', ends: 'reset' }],
  ['connect and end', { send: '', ends: 'end' }],
  ['half a head and reset', { send: 'GET / HTTP/1.1\r\nHo', ends: 'reset' }],
  ['half a head and end', { send: 'GET / HTTP/1.1\r\nHo', ends: 'end' }],
  ['garbage', { send: '\x16\x03\x01', ends: 'end' }],
  ['a head and reset', { send: post('hello').slice(0, -5), ends: 'reset' }],
  ['a head and end', { send: post('hello').slice(0, -5), ends: 'end' }],
  ['half a body and reset', { send: post('hello').slice(0, -2), ends: 'reset' }],
  ['half a large body and reset', { send: post('x'.repeat(100_000)).slice(0, -50_000), ends: 'reset', afterRequest: true }],
  [
    'half a body in chunks and close',
    { send: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', ends: 'close', afterRequest: true },
  ],
  ['reset before the answer', { send: get('/never'), ends: 'reset', afterRequest: true }],
  ['reset at once after a request', { send: get(), ends: 'reset' }],
  ['end at once after a request', { send: get(), ends: 'end' }],
  ['reset within the answer', { send: get('/large'), ends: 'reset', afterBytes: true }],
  ['close within an answer in chunks', { send: get('/chunks'), ends: 'close', afterBytes: true }],
  ['reset in a tunnel', { send: UPGRADE, ends: 'reset', afterBytes: true }],
  ['end in a tunnel', { send: UPGRADE, ends: 'end', afterBytes: true }],
];

const BACKENDS: readonly (readonly [string, string])[] = [
  ['reset before the answer', '/b-reset'],
  ['end before the answer', '/b-end'],
  ['half a head', '/b-half-head'],
  ['garbage', '/b-garbage'],
  ['reset within the answer', '/b-torn'],
  ['end within the answer', '/b-short'],
  ['end within chunks', '/b-chunks'],
  ['more than requested', '/b-more'],
];

/** The bytes that a backend sends, and whether it ends or resets the connection after them. */
interface Reply {
  readonly bytes: string;
  readonly ends?: End;
}

const REPLIES = new Map<string, Reply>([
  ['/', { bytes: ok() }],
  ['/never', { bytes: '' }],
  ['/large', { bytes: LARGE }],
  ['/chunks', { bytes: CHUNKS }],
  ['/upgrade', { bytes: SWITCHED }],
  ['/b-reset', { bytes: '', ends: 'reset' }],
  ['/b-end', { bytes: '', ends: 'end' }],
  ['/b-half-head', { bytes: 'HTTP/1.1 200', ends: 'end' }],
  ['/b-garbage', { bytes: 'garbage\r\n\r\n' }],
  ['/b-torn', { bytes: LARGE, ends: 'reset' }],
  ['/b-short', { bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', ends: 'end' }],
  ['/b-chunks', { bytes: CHUNKS, ends: 'end' }],
  ['/b-more', { bytes: ok() + ok() }],
]);

/** A backend without state. A read that begins with GET is a request; bodies are never complete here and get no answer. */
class Backend {
  /** Number of open connections. */
  open = 0;
  /** Called when bytes have arrived. */
  readonly arrivals = new Set<() => void>();
  readonly #server = net.createServer((socket) => this.#accept(socket));
  readonly #sockets = new Set<net.Socket>();

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as net.AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(socket: net.Socket): void {
    this.open++;
    this.#sockets.add(socket);
    socket.on('data', (chunk: Buffer) => {
      const [method, path = ''] = chunk.latin1Slice(0, 64).split(' ');
      const reply = method === 'GET' ? REPLIES.get(path) : undefined;
      if (reply !== undefined) answer(socket, reply);
      for (const arrived of this.arrivals) arrived();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.open--;
      this.#sockets.delete(socket);
    });
  }
}

function answer(socket: net.Socket, { bytes, ends }: Reply): void {
  if (ends === 'end') socket.end(bytes);
  else if (ends === 'reset') socket.write(bytes, () => socket.resetAndDestroy());
  else if (bytes !== '') socket.write(bytes);
}

const backend = new Backend();
let proxy: Proxy;

beforeAll(async () => {
  // A closing client may have closed only its side; the backend's deadline then ends the exchange.
  const limits = { poolIdleTimeout: 25, upstreamIdleTimeout: 1_500, maxConnectionsPerEndpoint: 4_096 };
  proxy = await startProxy(toUpstream(await backend.listen()), limits);
});
afterAll(async () => {
  await proxy.close();
  backend.close();
});

function finish(socket: net.Socket, ends: End): void {
  if (ends === 'reset') socket.resetAndDestroy();
  else if (ends === 'close') socket.destroy();
  else socket.end();
}

/** Runs one connection; resolves when it is closed. */
function live(life: Life): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1' });
  let over = false;
  const act = (): void => {
    backend.arrivals.delete(act);
    if (!over) finish(socket, life.ends);
    over = true;
  };
  if (life.afterRequest === true) backend.arrivals.add(act);
  socket.on('connect', () => {
    if (life.send !== '') socket.write(life.send, 'latin1');
    if (life.afterRequest !== true && life.afterBytes !== true) act();
  });
  socket.on('data', () => life.afterBytes === true && act());
  socket.on('error', () => undefined);
  socket.on('close', () => {
    backend.arrivals.delete(act);
    resolve();
  });
  return promise;
}

async function crowd(life: Life, count: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await live(life);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Checks that no resources are left in the proxy, and no connections at the backend. */
async function clean(): Promise<void> {
  await proxy.quiet();
  await until(() => proxy.metric('weir_upstream_connections_open') === 0 && backend.open === 0, 'no connection to the backend');
  await until(() => proxy.worker.timers === 0, 'no timer');
  expect(proxy.metric('weir_upstream_requests_pending')).toBe(0);
}

/** Runs once to warm up, then in rounds. */
async function leavesNothing(run: (count: number) => Promise<void>, count: number, leftByOne: number): Promise<void> {
  const round = async (size: number): Promise<void> => {
    await run(size);
    await clean();
  };
  await round(WARM_UP);
  await leavesLess(count * leftByOne, () => round(count));
}

describe('no resources are left', () => {
  test.each(CLIENTS)('by clients: %s', (_, life) => leavesNothing((count) => crowd(life, count), CONNECTIONS, LEFT_BY_CONNECTION));

  test.each(BACKENDS)('by backends: %s', (_, path) =>
    leavesNothing(
      (count) => crowd({ send: get(path, 'Connection: close\r\n'), ends: 'end', afterBytes: true }, count),
      CONNECTIONS,
      LEFT_BY_CONNECTION,
    ),
  );

  test('by requests over connections that are kept', () =>
    leavesNothing(
      async (count) => {
        const each = count / AT_ONCE;
        await Promise.all(Array.from({ length: AT_ONCE }, () => many(each)));
      },
      REQUESTS,
      LEFT_BY_REQUEST,
    ));
});

/** Sends this number of sequential requests over one connection. */
function many(count: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1' });
  let left = count;
  socket.on('data', (chunk) => {
    if (!chunk.toString('latin1').endsWith('\r\n\r\nok')) reject(new Error(chunk.toString('latin1')));
    if (--left > 0) socket.write(get());
    else socket.end();
  });
  socket.on('connect', () => socket.write(get()));
  socket.on('error', reject);
  socket.on('close', () => resolve());
  return promise;
}
