// Bodies of many GiB in both directions at once through every combination of HTTP versions, with a client that pauses between reads and
// one that pauses between writes, and small requests on the same connections: memory must stay flat, and the small requests must not
// wait. All parties share this process, so its memory is an upper bound for that of the proxy.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { memoryInUse } from '../support/memory.ts';
import { cluster, listener, route, startProxy } from '../support/proxy.ts';
import type { Finding, SoakOptions, SoakScenario } from './scenario.ts';

const PIECE = Buffer.alloc(65_536, 'x');
const MIB = 1_048_576;
/** Bytes between two pauses of a slow end, and the length of a pause. */
const GULP = 8 * MIB;
const REST_MS = 20;
const SAMPLE_MS = 50;
/** A small request that takes longer has waited for the large ones. */
const PATIENCE_MS = 5_000;
/** Limit for the memory in use afterwards. */
export const MAX_LEFT_MIB = 8;
/** Peak of resident memory: windows and buffers of six ends, four of them node:http2's, and garbage between two collections. */
export const MAX_RESIDENT_MIB = 256;

type Version = 'http1' | 'http2';
type Slow = 'reader' | 'writer';

/** `total` bytes, with pauses if required. */
function source(total: number, slow: boolean): Readable {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < total; sent += PIECE.length) {
      if (slow && sent % GULP === 0) await wait(REST_MS);
      yield PIECE;
    }
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: PIECE.length });
}

/** Counts the bytes it reads, with pauses if required. */
class Sink extends Writable {
  octets = 0;
  #rest = 0;
  readonly #slow: boolean;

  constructor(slow: boolean) {
    super({ highWaterMark: PIECE.length });
    this.#slow = slow;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.octets += chunk.length;
    this.#rest += chunk.length;
    if (!this.#slow || this.#rest < GULP) return done();
    this.#rest = 0;
    setTimeout(done, REST_MS);
  }
}

/** Answers `/large` with as many bytes as it gets, and other paths with one word. */
function serve(total: number, request: Readable, answer: Writable, path: string | undefined): void {
  if (path !== '/large') return void answer.end('small');
  const sink = new Sink(false);
  // The end waits for the whole request, since an answer that is complete earlier ends the exchange.
  const received = pipeline(request, sink);
  pipeline(source(total - PIECE.length, false), answer, { end: false })
    .then(() => received)
    .then(() => answer.end(PIECE))
    .catch(() => answer.destroy());
}

async function openBackend(version: Version, total: number): Promise<{ readonly port: number; close(): void }> {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server =
    version === 'http1'
      ? http.createServer((request, response) => serve(total, request, response, request.url))
      : http2.createServer().on('stream', (stream: http2.ServerHttp2Stream, headers) => {
          stream.on('error', () => undefined);
          stream.respond({ ':status': 200 });
          serve(total, stream, stream, headers[':path']);
        });
  server.on('session', (session: http2.ServerHttp2Session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const session of sessions) session.destroy();
    if ('closeAllConnections' in server) server.closeAllConnections();
  };
  return { port: (server.address() as net.AddressInfo).port, close };
}

/** A request in progress. */
interface Asked {
  readonly request: Writable;
  readonly answer: Promise<Readable>;
}

/** A client of either version, on a single connection if the version allows it. */
interface Client {
  ask(path: string, method: string): Asked;
  close(): void;
}

function openClient(version: Version, port: number): Client {
  if (version === 'http1') {
    const agent = new http.Agent({ keepAlive: true });
    const ask = (path: string, method: string): Asked => {
      const request = http.request({ port, host: '127.0.0.1', path, method, agent });
      return { request, answer: once(request, 'response').then(([response]) => response as Readable) };
    };
    return { ask, close: () => agent.destroy() };
  }
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const ask = (path: string, method: string): Asked => {
    const stream = session.request({ ':path': path, ':method': method }, { endStream: method === 'GET' });
    return { request: stream, answer: Promise.resolve(stream) };
  };
  return { ask, close: () => session.destroy() };
}

async function large(client: Client, total: number, slow: Slow): Promise<void> {
  const { request, answer } = client.ask('/large', 'POST');
  const sink = new Sink(slow === 'reader');
  await Promise.all([answer.then((body) => pipeline(body, sink)), pipeline(source(total, slow === 'writer'), request)]);
  if (sink.octets !== total) throw new Error(`${sink.octets} of ${total} bytes came back`);
}

/** Repeats small requests until it is stopped; resolves to the longest time of one, milliseconds. */
async function small(client: Client, stopped: () => boolean): Promise<number> {
  let longest = 0;
  while (!stopped()) {
    const asked = performance.now();
    const { request, answer } = client.ask('/small', 'GET');
    request.end();
    const chunks: Buffer[] = await (await answer).toArray();
    if (Buffer.concat(chunks).toString() !== 'small') throw new Error('a small request was not answered');
    longest = Math.max(longest, performance.now() - asked);
    await wait(REST_MS);
  }
  return longest;
}

/** Moves `total` bytes both ways through one combination. Resolves to the longest wait of a small request. */
async function translate(from: Version, to: Version, total: number, slow: Slow): Promise<number> {
  const backend = await openBackend(to, total);
  const proxy = await startProxy([listener(), ...cluster('app', [backend.port], to), route()]);
  const client = openClient(from, proxy.port);
  let over = false;
  try {
    const neighbour = small(client, () => over);
    await large(client, total, slow).finally(() => (over = true));
    return await neighbour;
  } finally {
    client.close();
    await proxy.close();
    backend.close();
  }
}

function combinations(): readonly (readonly [from: Version, to: Version, slow: Slow])[] {
  const versions = ['http1', 'http2'] as const;
  return versions.flatMap((from) => versions.flatMap((to) => (['reader', 'writer'] as const).map((slow) => [from, to, slow] as const)));
}

/** Memory above that of the start, MiB, and the longest wait of a small request, milliseconds. */
export interface Translated {
  readonly left: number;
  readonly resident: number;
  readonly longestWait: number;
}

/** Moves the bytes both ways through all four combinations, with each slow end. */
export async function translateLargeBodies(total: number): Promise<Translated> {
  const whole = Math.ceil(total / PIECE.length) * PIECE.length;
  for (const from of ['http1', 'http2'] as const) await translate(from, 'http2', Math.min(whole, 32 * MIB), 'reader');
  const before = memoryInUse();
  const start = process.memoryUsage.rss();
  let peak = start;
  let longestWait = 0;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  try {
    for (const [from, to, slow] of combinations()) longestWait = Math.max(longestWait, await translate(from, to, whole, slow));
  } finally {
    clearInterval(watch);
  }
  const after = memoryInUse();
  const left = after.heap - before.heap + after.buffers - before.buffers;
  return { left: left / MIB, resident: (peak - start) / MIB, longestWait };
}

export const translations: SoakScenario = {
  name: 'translations',
  about: 'bodies both ways through each combination of HTTP/1.1 and HTTP/2, with slow ends; memory must stay flat, neighbours be served',
  async run({ bytes }: SoakOptions): Promise<readonly Finding[]> {
    const { left, resident, longestWait } = await translateLargeBodies(bytes);
    return [
      { name: 'memory left in use', value: left, unit: 'MiB', limit: MAX_LEFT_MIB },
      { name: 'growth of resident memory at its peak', value: resident, unit: 'MiB', limit: MAX_RESIDENT_MIB },
      { name: 'longest wait of a small request beside them', value: longestWait, unit: 'ms', limit: PATIENCE_MS },
    ];
  },
};
