// Answers of many GiB on their way through compression, and their memory use. All parties share this process, so its memory is an upper
// bound for that of the proxy.
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { memoryInUse } from '../support/memory.ts';
import { startProxyFor } from '../support/proxy.ts';
import { gateway, gatewayClass } from '../support/objects.ts';
import type { Finding, SoakOptions, SoakScenario } from './scenario.ts';

const MIB = 1_048_576;
const LINES = Array.from({ length: 4_000 }, (_, i) => `line ${i} of ${i * 7_919} lines\n`).join('');
const PIECE = Buffer.from(LINES.slice(0, 65_536));

const DECODERS = {
  zstd: () => zlib.createZstdDecompress(),
  br: () => zlib.createBrotliDecompress(),
  gzip: () => zlib.createGunzip(),
} satisfies Readonly<Record<string, () => Duplex>>;
type Coding = keyof typeof DECODERS;
const CODINGS: readonly Coding[] = ['zstd', 'br', 'gzip'];

/** Limit for the memory in use afterwards: compiled code. */
export const MAX_LEFT_MIB = 8;
/** Peak of resident memory: windows of coder and decoder, buffers of four sockets, and garbage between two collections. */
export const MAX_RESIDENT_MIB = 192;
const SAMPLE_MS = 50;

async function pour(response: ServerResponse, pieces: number): Promise<void> {
  for (let sent = 0; sent < pieces && !response.destroyed; sent++) if (!response.write(PIECE)) await once(response, 'drain');
  response.end();
}

/** A backend whose answers have so many pieces. */
async function openBackend(pieces: number): Promise<http.Server> {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    pour(response, pieces).catch((error: unknown) => response.destroy(error as Error));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function objectsFor(port: number): readonly unknown[] {
  const weir = 'gateway.weir.dev';
  const own = (kind: string, spec: object): object => ({
    apiVersion: kind === 'HTTPRoute' ? 'gateway.networking.k8s.io/v1' : `${weir}/v1alpha1`,
    kind,
    metadata: { name: 'app', namespace: 'default' },
    spec,
  });
  return [
    gatewayClass(),
    { ...gateway('gw', [{ name: 'http', port: 80 }]), metadata: { name: 'gw', namespace: 'default' } },
    own('Backend', { endpoints: [{ ip: '127.0.0.1', port }] }),
    own('HTTPRoute', { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ group: weir, kind: 'Backend', name: 'app' }] }] }),
    own('HTTPPolicy', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], compression: { level: 'Fast', types: ['text/plain'] } }),
  ];
}

/** Reads an answer in this coding, and compares each byte. Returns the bytes on the wire. */
async function read(port: number, coding: Coding, expected: number): Promise<number> {
  const request = http.get({ port, agent: false, headers: { 'accept-encoding': coding } });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  if (answer.headers['content-encoding'] !== coding) throw new Error(`the answer is not in ${coding}`);
  let [wire, read] = [0, 0];
  answer.on('data', (chunk: Buffer) => (wire += chunk.length));
  await pipeline(answer, DECODERS[coding](), async (plain: AsyncIterable<Buffer>) => {
    for await (const chunk of plain) {
      compare(chunk, read);
      read += chunk.length;
    }
  });
  if (read !== expected) throw new Error(`${coding}: ${read} of ${expected} bytes`);
  return wire;
}

/** The chunk must be what follows so many bytes. */
function compare(chunk: Buffer, before: number): void {
  for (let at = 0; at < chunk.length;) {
    const from = (before + at) % PIECE.length;
    const length = Math.min(PIECE.length - from, chunk.length - at);
    if (PIECE.compare(chunk, at, at + length, from, from + length) !== 0) throw new Error(`other bytes at ${before + at}`);
    at += length;
  }
}

/** Memory above that of the start: alive at the end, and resident at the peak, MiB; the rate of plain bytes, MiB/s; bytes on the wire, MiB. */
export interface Compressed {
  readonly left: number;
  readonly resident: number;
  readonly rate: number;
  readonly wire: number;
}

/** Moves answers of so many bytes, in each coding. */
export async function compressLargeAnswers(total: number): Promise<Compressed> {
  const pieces = Math.ceil(total / PIECE.length);
  const backend = await openBackend(pieces);
  const proxy = await startProxyFor(objectsFor((backend.address() as AddressInfo).port));
  try {
    return await measure(proxy.port, pieces * PIECE.length);
  } finally {
    await proxy.close();
    backend.close();
  }
}

async function measure(port: number, bytes: number): Promise<Compressed> {
  const before = memoryInUse();
  const start = process.memoryUsage.rss();
  let peak = start;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  const started = performance.now();
  let wire = 0;
  try {
    for (const coding of CODINGS) wire += await read(port, coding, bytes);
  } finally {
    clearInterval(watch);
  }
  const seconds = (performance.now() - started) / 1_000;
  const after = memoryInUse();
  const left = after.heap - before.heap + after.buffers - before.buffers;
  return { left: left / MIB, resident: (peak - start) / MIB, rate: (CODINGS.length * bytes) / MIB / seconds, wire: wire / MIB };
}

export const compression: SoakScenario = {
  name: 'compression',
  about: 'an answer in zstd, Brotli and gzip each, read and compared; memory must stay flat',
  async run({ bytes }: SoakOptions): Promise<readonly Finding[]> {
    const { left, resident, rate, wire } = await compressLargeAnswers(bytes);
    return [
      { name: 'memory left in use', value: left, unit: 'MiB', limit: MAX_LEFT_MIB },
      { name: 'growth of resident memory at its peak', value: resident, unit: 'MiB', limit: MAX_RESIDENT_MIB },
      { name: 'bytes on the wire', value: wire, unit: 'MiB', limit: null },
      { name: 'rate of plain bytes', value: rate, unit: 'MiB/s', limit: null },
    ];
  },
};
