// Datagrams of a UDP listener: every peer has a session with one endpoint, until it is idle or the configuration changes.
import { describe, expect, test } from '@jest/globals';
import dgram from 'node:dgram';
import { once } from 'node:events';
import type * as ir from '#api/ir/ir.ts';
import type { MetricJson } from '#lib/metric.ts';
import { closeAfterEach, closeLater, openProxy } from '../support/fixture.ts';
import { cluster, listener, streamBackend, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const UDP = listener({ protocol: 'UDP' });

async function openSocket(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  closeLater(() => socket.close());
  await once(socket, 'listening');
  return socket;
}

/** Answers every datagram with its name and the payload. */
async function openBackend(name: string): Promise<{ readonly port: number; readonly peers: Set<number> }> {
  const socket = await openSocket();
  const peers = new Set<number>();
  socket.on('message', (message, { port, address }) => {
    peers.add(port);
    socket.send(`${name} ${String(message)}`, port, address);
  });
  return { port: socket.address().port, peers };
}

/** A peer of the proxy. */
async function openPeer(
  port: number,
): Promise<{ send(text: string): void; ask(text: string): Promise<string>; readonly received: string[] }> {
  const socket = await openSocket();
  const received: string[] = [];
  socket.on('message', (message) => received.push(String(message)));
  const send = (text: string): void => socket.send(text, port, '127.0.0.1');
  const ask = async (text: string): Promise<string> => {
    const before = received.length;
    send(text);
    await until(() => received.length > before, `an answer to ${text}`);
    return received.at(-1) ?? '';
  };
  return { send, ask, received };
}

function toPorts(ports: readonly number[], fields: Partial<ir.StreamRoute> = {}): ir.Resource[] {
  return [UDP, ...cluster('app', ports), streamRoute({ objectKind: 'UDPRoute', ...fields })];
}

function samples(proxy: Proxy, name: string): Record<string, number> {
  const family = proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
  return Object.fromEntries(family.get().values.map(({ labels, value }) => [String(Object.values(labels).at(-1) ?? ''), value]));
}

const active = (proxy: Proxy) => proxy.metric('weir_stream_connections_active');

describe('sessions', () => {
  test('of an address that an operator blocks reach no backend, until the block ends', async () => {
    const backend = await openBackend('a');
    const proxy = await openProxy(toPorts([backend.port]));
    proxy.worker.notice({ topic: 'refused', key: '127.0.0.1', value: true });
    const blocked = await openPeer(proxy.port);
    blocked.send('x');
    await until(() => Object.keys(samples(proxy, 'weir_stream_failures_total')).includes('request_blocked'), 'the refusal');
    expect(backend.peers.size).toBe(0);
    proxy.worker.notice({ topic: 'refused', key: '127.0.0.1', value: null });
    expect(await (await openPeer(proxy.port)).ask('y')).toBe('a y');
  });

  test('a peer keeps its endpoint, different peers use different endpoints, and answers reach their peers', async () => {
    const [a, b] = [await openBackend('a'), await openBackend('b')];
    const proxy = await openProxy(toPorts([a.port, b.port]));
    const [one, two] = [await openPeer(proxy.port), await openPeer(proxy.port)];
    const names = [await one.ask('x'), await two.ask('x')];
    expect(names.toSorted()).toEqual(['a x', 'b x']);
    for (let i = 0; i < 5; i++) expect(await one.ask('x')).toBe(names[0]);
    expect([a.peers.size, b.peers.size]).toEqual([1, 1]);
    expect(active(proxy)).toBe(2);
    expect(samples(proxy, 'weir_stream_received_bytes_total')).toEqual({ 'TCPRoute/default/stream/0': 7 });
    expect(samples(proxy, 'weir_stream_sent_bytes_total')).toEqual({ 'TCPRoute/default/stream/0': 21 });
  });

  test('end with silence, and begin again', async () => {
    const a = await openBackend('a');
    const proxy = await openProxy(toPorts([a.port]), { datagramIdleTimeout: 50 });
    const peer = await openPeer(proxy.port);
    expect(await peer.ask('x')).toBe('a x');
    await until(() => active(proxy) === 0, 'the end of the session');
    expect(proxy.worker.timers).toBe(0);
    expect(await peer.ask('y')).toBe('a y');
    expect(samples(proxy, 'weir_stream_connections_total')).toEqual({ 'TCPRoute/default/stream/0': 2 });
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({});
  });

  test('datagrams stay complete, also empty and large ones', async () => {
    const a = await openBackend('a');
    const proxy = await openProxy(toPorts([a.port]));
    const peer = await openPeer(proxy.port);
    expect(await peer.ask('')).toBe('a ');
    const large = 'x'.repeat(60_000);
    expect(await peer.ask(large)).toBe(`a ${large}`);
  });

  test('are limited: peers above the limit get no session and do not affect others', async () => {
    const a = await openBackend('a');
    const proxy = await openProxy(toPorts([a.port]), { maxDatagramSessions: 1 });
    const [one, two] = [await openPeer(proxy.port), await openPeer(proxy.port)];
    expect(await one.ask('x')).toBe('a x');
    two.send('x');
    await until(() => proxy.metric('weir_downstream_connections_refused_total') === 1, 'the refusal');
    expect(await one.ask('y')).toBe('a y');
    expect(two.received).toEqual([]);
    expect(a.peers.size).toBe(1);
  });
});

describe('changes', () => {
  test('a session ends when its endpoint is removed or its route changes', async () => {
    const [a, b, c] = [await openBackend('a'), await openBackend('b'), await openBackend('c')];
    const proxy = await openProxy(toPorts([a.port]));
    const peer = await openPeer(proxy.port);
    expect(await peer.ask('x')).toBe('a x');
    await proxy.worker.apply(cluster('app', [a.port, b.port]), []);
    expect(await peer.ask('x')).toBe('a x');
    await proxy.worker.apply(cluster('app', [b.port]), []);
    expect(await peer.ask('x')).toBe('b x');
    await proxy.worker.apply([...cluster('other', [c.port]), streamRoute({ backends: [streamBackend('other')] })], []);
    expect(await peer.ask('x')).toBe('c x');
    expect(active(proxy)).toBe(1);
  });

  test.each<[string, string, ir.Resource[]]>([
    ['no route', 'route_not_found', [UDP]],
    ['no endpoint', 'no_endpoints', [UDP, ...cluster('app', []), streamRoute()]],
    ['no backend', 'no_backends', [UDP, streamRoute({ backends: [] })]],
    ['only backends of weight 0', 'weights_zero', [UDP, streamRoute({ backends: [streamBackend('app', 0)] })]],
    ['an invalid backend', 'backend_invalid', [UDP, streamRoute({ backends: [{ cluster: null, weight: 1 }] })]],
  ])('with %s datagrams are dropped and counted', async (_, code, resources) => {
    const proxy = await openProxy(resources);
    const peer = await openPeer(proxy.port);
    peer.send('x');
    await until(() => samples(proxy, 'weir_stream_failures_total')[code] === 1, 'the count');
    expect(active(proxy)).toBe(0);
  });

  test('an unreachable endpoint ends the session, and the next datagram starts another', async () => {
    const b = await openBackend('b');
    const proxy = await openProxy(toPorts([1]));
    const peer = await openPeer(proxy.port);
    peer.send('x');
    await until(() => samples(proxy, 'weir_stream_failures_total')['upstream_connect_failed'] === 1, 'the count');
    expect(active(proxy)).toBe(0);
    await proxy.worker.apply(cluster('app', [b.port]), []);
    expect(await peer.ask('x')).toBe('b x');
  });

  test('stop waits briefly for answers in flight, and leaves no resources', async () => {
    const backend = await openSocket();
    const asked = once(backend, 'message') as Promise<[Buffer, dgram.RemoteInfo]>;
    const proxy = await openProxy(toPorts([backend.address().port]));
    const peer = await openPeer(proxy.port);
    peer.send('x');
    const [, from] = await asked;
    const stopped = proxy.worker.stop(60_000);
    backend.send('late', from.port, from.address);
    await until(() => peer.received.length === 1, 'the late answer');
    const started = performance.now();
    await stopped;
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(active(proxy)).toBe(0);
    expect(proxy.worker.timers).toBe(0);
  });

  test('of two listeners of one port the first by key gets it', async () => {
    const proxy = await openProxy([UDP]);
    const errors = await proxy.worker.apply([listener({ protocol: 'UDP', key: 'default/other/udp' })], []);
    expect(errors).toEqual([expect.objectContaining({ key: 'default/other/udp', reason: expect.stringMatching(/^ProtocolConflict: /) })]);
  });
});
