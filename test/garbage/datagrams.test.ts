// Failures between a UDPRoute and its backends: one code, one count and one log line each. Datagrams with any content pass.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MetricJson } from '#lib/metric.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { cluster, listener, startProxy, streamBackend, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'weir-datagrams-'))));
afterAll(() => rm(folder, { recursive: true }));

const ERRORS = readFile(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'errors.md'), 'utf8');

async function openSocket(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  closeLater(() => void socket.close());
  await once(socket, 'listening');
  return socket;
}

/** A proxy with a route to these ports, and the codes in its metrics and its log once it is closed. */
async function open(ports: readonly number[] | null): Promise<{ readonly proxy: Proxy; codes(): Promise<readonly string[][]> }> {
  const file = path.join(folder, `${randomBytes(4).toString('hex')}.log`);
  const backends = ports === null ? [] : [streamBackend('app')];
  const resources = [listener({ protocol: 'UDP' }), ...cluster('app', ports ?? []), streamRoute({ objectKind: 'UDPRoute', backends })];
  const proxy = await startProxy(resources, { datagramIdleTimeout: 100 }, file);
  closeLater(() => proxy.close());
  const codes = async () => {
    await until(() => proxy.metric('weir_stream_connections_active') === 0, 'the end of every session');
    const metrics = await proxy.worker.registry.metrics();
    await proxy.close();
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
    return [
      [...metrics.matchAll(/^weir_stream_failures_total\{.*code="(\w+)"\} (\d+)$/gm)].map(([, code, count]) => `${code} ${count}`),
      lines.map((line) => (JSON.parse(line) as { error?: string }).error ?? ''),
    ];
  };
  return { proxy, codes };
}

/** Number of started sessions. */
function sessions(proxy: Proxy): number {
  const family = proxy.worker.registry.getSingleMetric('weir_stream_connections_total') as unknown as { get(): MetricJson };
  return family.get().values[0]?.value ?? 0;
}

test.each<[string, () => Promise<readonly number[] | null>, string]>([
  [
    'a backend that nobody is',
    async () => {
      const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const { port } = socket.address();
      await once(socket.close(), 'close');
      return [port];
    },
    'upstream_connect_failed',
  ],
  ['no endpoint', () => Promise.resolve([]), 'no_endpoints'],
  ['no backend', () => Promise.resolve(null), 'no_backends'],
])('%s', async (_, ports, code) => {
  const { proxy, codes } = await open(await ports());
  const peer = await openSocket();
  peer.send('hello', proxy.port, '127.0.0.1');
  await until(() => sessions(proxy) === 1, 'a session');
  expect(await codes()).toEqual([[`${code} 1`], [code]]);
  expect(await ERRORS).toContain(`\`${code}\``);
});

test('a backend that leaves', async () => {
  const backend = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(backend, 'listening');
  const { proxy, codes } = await open([backend.address().port]);
  backend.once('message', (_, { port, address }) => backend.send('answer', port, address));
  const peer = await openSocket();
  peer.send('hello', proxy.port, '127.0.0.1');
  await once(peer, 'message');
  await once(backend.close(), 'close');
  peer.send('hello', proxy.port, '127.0.0.1');
  expect(await codes()).toEqual([['upstream_reset 1'], ['upstream_reset']]);
});

test('datagrams with any content pass, and no failure is counted', async () => {
  const backend = await openSocket();
  const { proxy, codes } = await open([backend.address().port]);
  backend.on('message', (message, { port, address }) => backend.send(message, port, address));
  const peer = await openSocket();
  for (const bytes of [Buffer.alloc(0), Buffer.from([0]), randomBytes(1_400), randomBytes(60_000)]) {
    peer.send(bytes, proxy.port, '127.0.0.1');
    const [answer] = (await once(peer, 'message')) as [Buffer];
    expect(answer.equals(bytes)).toBe(true);
  }
  expect(await codes()).toEqual([[], ['']]);
});
