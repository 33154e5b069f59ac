// Connections of stream routes that eject endpoints: those that fail, or are reset before the first byte.
import { describe, expect, test } from '@jest/globals';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, closeLater, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawUpstream, UpstreamBehaviour } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A reserved port without a listener. */
const REFUSING = 1;
/** Enough failures for an ejection with the standard settings, and more. */
const MANY = 12;

/** Resets the connection when the client speaks: before, the system may report the reset as a failed connection. */
const RESETS: UpstreamBehaviour = { data: ({ socket }) => void socket.resetAndDestroy(), keep: false };
const GREETS: UpstreamBehaviour = { data: ({ socket }) => void socket.end('hello'), keep: false };
const HELLO = Buffer.from('hello');

const PASSTHROUGH = [
  listener({ protocol: 'TLS', hostname: '', tls: { mode: 'Passthrough', certificates: [] } }),
  streamRoute({ objectKind: 'TLSRoute', key: 'TLSRoute/default/stream/0' }),
];
const TCP = [listener({ protocol: 'TCP' }), streamRoute()];

function passive(settings: ir.Policy['settings']): ir.Policy {
  const target = { kind: 'Service', namespace: 'default', name: 'app', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'p', createdAt: 0 };
  return {
    kind: 'Policy',
    key: 'BackendTrafficPolicy/default/p',
    ...names,
    targets: [target],
    settings: { healthCheck: { passive: settings } },
  };
}

/** The start of a TLS handshake without a server name. */
const CLIENT_HELLO = Buffer.from('160301002f0100002b0303' + '00'.repeat(32) + '00' + '00021301' + '0100' + '0000', 'hex');

/** Connects, begins to speak, and resolves once the connection is closed. */
async function visit(proxy: Proxy, speak: (socket: net.Socket) => void): Promise<void> {
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1' });
  closeLater(() => socket.destroy());
  socket.on('error', () => undefined).resume();
  socket.once('connect', () => speak(socket));
  await new Promise((resolve) => void socket.once('close', resolve));
}

async function visits(proxy: Proxy, times: number, bytes = HELLO): Promise<void> {
  for (let i = 0; i < times; i++) await visit(proxy, (socket) => void socket.write(bytes));
}

async function ejections(proxy: Proxy): Promise<readonly string[]> {
  const text = await proxy.worker.registry.metrics();
  return [...text.matchAll(/^weir_upstream_ejections_total\{.*cause="(\w+)".*\} (\d+)$/gm)].map(([, cause, count]) => `${cause} ${count}`);
}

/** A proxy to a backend with one such endpoint, and one that greets. */
async function openBeside(behaviour: UpstreamBehaviour, routes: readonly ir.Resource[] = TCP): Promise<{ bad: RawUpstream; proxy: Proxy }> {
  const [bad, good] = [await openUpstream(behaviour), await openUpstream(GREETS)];
  return { bad, proxy: await openProxy([...routes, ...cluster('app', [bad.port, good.port])]) };
}

describe('an endpoint is ejected', () => {
  test.each([
    ['TCP', TCP, HELLO],
    ['TLS that passes through', PASSTHROUGH, CLIENT_HELLO],
  ] as const)('after five resets before the first byte in a row: %s', async (_, routes, bytes) => {
    const { bad, proxy } = await openBeside(RESETS, routes);
    await visits(proxy, 2 * MANY, bytes);
    expect([await ejections(proxy), bad.connections.length]).toEqual([['local_errors 1'], 5]);
  });

  test('for connections that fail', async () => {
    const good = await openUpstream(GREETS);
    const resources = [...TCP, ...cluster('app', [REFUSING, good.port]), passive({ consecutiveLocalErrors: 1, consecutive5xx: 0 })];
    const proxy = await openProxy(resources);
    await visits(proxy, MANY);
    expect([await ejections(proxy), good.connections.length]).toEqual([['local_errors 1'], MANY]);
  });
});

describe('an endpoint is not ejected', () => {
  test('if connections that are served are among those that fail', async () => {
    let turn = 0;
    const { proxy } = await openBeside({ data: (...args) => (turn++ % 4 === 3 ? GREETS : RESETS).data?.(...args), keep: false });
    await visits(proxy, 4 * MANY);
    expect(await ejections(proxy)).toEqual([]);
  });

  test('for resets after its first byte', async () => {
    const { bad, proxy } = await openBeside({
      data: (connection) => void (connection.octets > HELLO.length ? connection.socket.resetAndDestroy() : connection.socket.write('hel')),
      keep: false,
    });
    for (let i = 0; i < 2 * MANY; i++) {
      await visit(proxy, (socket) => {
        socket.write(HELLO);
        socket.once('data', () => socket.write(HELLO));
      });
    }
    expect([await ejections(proxy), bad.connections.length]).toEqual([[], MANY]);
  });

  test.each([
    ['end', (socket: net.Socket) => void socket.end(HELLO)],
    ['reset', (socket: net.Socket) => void socket.resetAndDestroy()],
  ])('for clients that leave: %s', async (_, leave) => {
    const { proxy } = await openBeside({ connected: ({ socket }) => void socket.once('end', () => socket.resetAndDestroy()) });
    for (let i = 0; i < 2 * MANY; i++) await visit(proxy, leave);
    await until(() => proxy.metric('weir_stream_connections_active') === 0, 'the end of all connections');
    expect(await ejections(proxy)).toEqual([]);
  });

  test('if it says nothing and ends in order', async () => {
    const { proxy } = await openBeside({ connected: ({ socket }) => void socket.resume().once('end', () => socket.end()) });
    for (let i = 0; i < 2 * MANY; i++) await visit(proxy, (socket) => void socket.end('a line for a log'));
    expect(await ejections(proxy)).toEqual([]);
  });
});
