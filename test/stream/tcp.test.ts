// Connections of a TCP listener: their targets, their end, and bounded buffers in the proxy.
import { describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import type { MetricJson } from '#lib/metric.ts';
import { blackhole } from '../support/blackhole.ts';
import { closeAfterEach, closeLater, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, streamBackend, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawUpstream, UpstreamBehaviour } from '../support/raw-upstream.ts';
import { readSlowly } from '../support/slow-reader.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const TCP = listener({ protocol: 'TCP' });
/** Echoes all data, and ends after its peer. */
const ECHO: UpstreamBehaviour = {
  connected: ({ socket }) => socket.pipe(socket),
};

/** Sends its name and ends. */
function greeter(name: string): UpstreamBehaviour {
  return { connected: ({ socket }) => socket.end(name) };
}

function toPorts(ports: readonly number[], fields: Partial<ir.StreamRoute> = {}): ir.Resource[] {
  return [TCP, ...cluster('app', ports), streamRoute(fields)];
}

/** All bytes of a new connection until its end. */
async function greeting(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  closeLater(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', (error: NodeJS.ErrnoException) => (text ||= error.code ?? ''));
  // A very early reset hits a socket that is still connecting; both count as the end.
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}

function samples(proxy: Proxy, name: string): Record<string, number> {
  const family = proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
  return Object.fromEntries(family.get().values.map(({ labels, value }) => [String(Object.values(labels).at(-1) ?? ''), value]));
}

/** Resolves once no connection of a stream route is open. */
function settled(proxy: Proxy): Promise<void> {
  return until(() => proxy.metric('weir_stream_connections_active') === 0, 'the end of every connection');
}

/** Reserved ports without a listener: a free port of the system may be assigned to another process. */
const REFUSING = [1, 2, 3] as const;

async function openEcho(): Promise<{ readonly upstream: RawUpstream; readonly proxy: Proxy }> {
  const upstream = await openUpstream(ECHO);
  return { upstream, proxy: await openProxy(toPorts([upstream.port])) };
}

test('a connection of an address that an operator blocks is refused, until the block ends', async () => {
  const upstream = await openUpstream(greeter('app'));
  const proxy = await openProxy(toPorts([upstream.port]));
  proxy.worker.notice({ topic: 'refused', key: '127.0.0.0/30', value: true });
  expect(await greeting(proxy.port)).toBe('ECONNRESET');
  proxy.worker.notice({ topic: 'refused', key: '127.0.0.0/30', value: null });
  expect(await greeting(proxy.port)).toBe('app');
});

describe('bytes', () => {
  test('pass both ways unchanged, counted on both sides', async () => {
    const { proxy } = await openEcho();
    const client = await openClient(proxy.port);
    const sent = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 256));
    client.write(sent);
    await until(() => client.octets === sent.length, 'the echo');
    expect(client.received).toBe(sent.latin1Slice());
    expect(samples(proxy, 'weir_stream_received_bytes_total')).toEqual({ 'TCPRoute/default/stream/0': sent.length });
    expect(samples(proxy, 'weir_stream_sent_bytes_total')).toEqual({ 'TCPRoute/default/stream/0': sent.length });
  });

  test('megabytes pass both ways unharmed at the pace of a slow reader', async () => {
    const upstream = await openUpstream({ ...ECHO, keep: false });
    const proxy = await openProxy(toPorts([upstream.port]));
    const socket = net.connect(proxy.port, '127.0.0.1');
    closeLater(() => socket.destroy());
    const sent = randomBytes(32 * 1024 * 1024);
    socket.end(sent);
    expect(await readSlowly(socket)).toBe(createHash('sha256').update(sent).digest('hex'));
  });

  test('a backend may speak first', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.write('220 ready') });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port);
    await until(() => client.received === '220 ready', 'the greeting');
  });

  test('a stalled reader stops its source, and memory does not grow', async () => {
    const produced = { bytes: 0, full: false };
    const produce = (socket: net.Socket): void => {
      const block = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        produced.full = false;
        while (produced.bytes < 512 * 1024 * 1024) {
          produced.bytes += block.length;
          if (socket.write(block)) continue;
          produced.full = true;
          socket.once('drain', more);
          return;
        }
      };
      more();
    };
    const upstream = await openUpstream({ connected: ({ socket }) => produce(socket) });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port, false);
    client.socket.pause();
    let before = -1;
    // The buffers are full once two later measurements agree.
    await until(() => {
      const stands = produced.full && produced.bytes === before;
      before = produced.bytes;
      return stands;
    }, 'the source to stop');
    // The limit: buffers of three kernel sockets and two Node sockets, independent of the remaining data.
    expect(produced.bytes).toBeLessThan(64 * 1024 * 1024);
    client.socket.resume();
    const seen = client.octets;
    await until(() => client.octets > seen + 64 * 1024 * 1024, 'the source to go on');
  });
});

describe('ends', () => {
  test('a half-closed client still gets its answer', async () => {
    const upstream = await openUpstream({
      connected: ({ socket }) => socket.on('end', () => socket.end('the answer')),
    });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port);
    client.write('the question');
    client.end();
    await client.over();
    expect(client.received).toBe('the answer');
    expect(upstream.connections[0]).toMatchObject({ received: 'the question', ended: true });
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({});
  });

  test('a backend that has sent all still gets the rest', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.end('hello') });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port);
    await client.over();
    client.write('the rest');
    client.end();
    await until(() => upstream.connections[0]?.ended === true, 'the end at the backend');
    expect(upstream.connections[0]?.received).toBe('the rest');
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({});
  });

  test('a reset by the client reaches the backend as one', async () => {
    const errors: string[] = [];
    const upstream = await openUpstream({
      connected: ({ socket }) => socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? '')),
    });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port);
    client.write('x');
    await until(() => upstream.connections[0]?.received === 'x', 'the byte');
    client.reset();
    await until(() => errors.length > 0, 'the reset');
    expect(errors).toEqual(['ECONNRESET']);
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ downstream_reset: 1 });
  });

  test('a reset by the backend reaches the client as one', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.once('data', () => socket.resetAndDestroy()) });
    const proxy = await openProxy(toPorts([upstream.port]));
    const client = await openClient(proxy.port);
    client.write('x');
    await until(() => client.closed, 'the reset');
    expect(client.error).toBe('ECONNRESET');
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ upstream_reset: 1 });
  });

  test('silence ends a connection, traffic either way keeps it', async () => {
    const upstream = await openUpstream(ECHO);
    const proxy = await openProxy(toPorts([upstream.port]), { tunnelIdleTimeout: 150 });
    const client = await openClient(proxy.port);
    const started = performance.now();
    for (let i = 0; i < 4; i++) {
      const seen = client.octets;
      setTimeout(() => client.write('x'), 75);
      await until(() => client.octets > seen, 'the echo');
    }
    expect(performance.now() - started).toBeGreaterThan(200);
    await until(() => client.closed, 'the end');
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ idle_timeout: 1 });
    expect(proxy.worker.timers).toBe(0);
  });
});

describe('backends', () => {
  test('get connections by weight, those that cannot be used too', async () => {
    const [a, b] = [await openUpstream(greeter('a')), await openUpstream(greeter('b'))];
    const backends = [
      streamBackend('a', 3),
      streamBackend('b', 1),
      { cluster: null, invalidReason: 'missing', weight: 1 },
      streamBackend('c', 0),
    ];
    const proxy = await openProxy([TCP, ...cluster('a', [a.port]), ...cluster('b', [b.port]), streamRoute({ backends })]);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 500; i++) {
      const name = await greeting(proxy.port);
      counts[name] = (counts[name] ?? 0) + 1;
    }
    // Five standard deviations: one run in a million fails by chance.
    expect(Math.abs((counts['a'] ?? 0) - 300)).toBeLessThan(55);
    expect(Math.abs((counts['b'] ?? 0) - 100)).toBeLessThan(45);
    expect(Math.abs((counts['ECONNRESET'] ?? 0) - 100)).toBeLessThan(45);
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ backend_invalid: counts['ECONNRESET'] });
  });

  test('endpoints take turns; a refusing one is skipped', async () => {
    const [a, b] = [await openUpstream(greeter('a')), await openUpstream(greeter('b'))];
    const proxy = await openProxy(toPorts([a.port, REFUSING[0], b.port]));
    const names: string[] = [];
    for (let i = 0; i < 30; i++) names.push(await greeting(proxy.port));
    expect(new Set(names)).toEqual(new Set(['a', 'b']));
    await settled(proxy);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({});
  });

  test('no more endpoints are tried than allowed', async () => {
    const [a] = [await openUpstream(greeter('a'))];
    const proxy = await openProxy(toPorts([...REFUSING, a.port]), { maxConnectAttempts: 1 });
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push(await greeting(proxy.port));
    expect(names.toSorted()).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', 'a']);
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ upstream_connect_failed: 3 });
  });

  test('after the connect timeout of an endpoint the next is tried', async () => {
    const [blocked, a] = [await blackhole(), await openUpstream(greeter('a'))];
    const proxy = await openProxy(toPorts([blocked]), { connectTimeout: 50 });
    expect(await greeting(proxy.port)).toBe('ECONNRESET');
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ upstream_connect_timeout: 1 });
    await proxy.worker.apply(cluster('app', [blocked, a.port]), []);
    for (let i = 0; i < 4; i++) expect(await greeting(proxy.port)).toBe('a');
    await settled(proxy);
    expect(proxy.worker.timers).toBe(0);
  });

  test('stop ends a running attempt', async () => {
    const proxy = await openProxy(toPorts([await blackhole()]));
    const client = await openClient(proxy.port);
    await until(() => proxy.metric('weir_stream_connections_active') === 1, 'the attempt');
    const stopped = proxy.worker.stop(50);
    await until(() => client.closed, 'the cut');
    await stopped;
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ connection_cut: 1 });
    expect(proxy.worker.timers).toBe(0);
  });

  test.each<[string, string, ir.Resource[]]>([
    ['no route', 'route_not_found', [TCP]],
    ['no endpoint', 'no_endpoints', [TCP, ...cluster('app', []), streamRoute()]],
    ['no backend', 'no_backends', [TCP, streamRoute({ backends: [] })]],
    ['only backends of weight 0', 'weights_zero', [TCP, streamRoute({ backends: [streamBackend('app', 0)] })]],
  ])('with %s the connection is refused', async (_, code, resources) => {
    const proxy = await openProxy(resources);
    expect(await greeting(proxy.port)).toBe('ECONNRESET');
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ [code]: 1 });
    await proxy.quiet();
  });

  test('of two routes the older one gets the listener', async () => {
    const [a, b] = [await openUpstream(greeter('a')), await openUpstream(greeter('b'))];
    const older = streamRoute({ name: 'z', createdAt: 1, backends: [streamBackend('a')] });
    const younger = streamRoute({ name: 'y', createdAt: 2, backends: [streamBackend('b')] });
    const proxy = await openProxy([TCP, ...cluster('a', [a.port]), ...cluster('b', [b.port]), younger, older]);
    expect(await greeting(proxy.port)).toBe('a');
    await proxy.worker.apply([], [{ kind: 'StreamRoute', key: older.key }]);
    expect(await greeting(proxy.port)).toBe('b');
  });
});

describe('change and drain', () => {
  test('a changed route applies to new connections, open ones stay', async () => {
    const { upstream, proxy } = await openEcho();
    const other = await openUpstream(greeter('other'));
    const client = await openClient(proxy.port);
    client.write('one');
    await until(() => client.received === 'one', 'the echo');
    await proxy.worker.apply(
      [...cluster('app', []), ...cluster('other', [other.port]), streamRoute({ backends: [streamBackend('other')] })],
      [],
    );
    expect(await greeting(proxy.port)).toBe('other');
    client.write('two');
    await until(() => client.received === 'onetwo', 'the echo');
    await proxy.worker.apply([], [{ kind: 'StreamRoute', key: streamRoute().key }]);
    client.write('three');
    await until(() => client.received === 'onetwothree', 'the echo');
    expect(upstream.open).toBe(1);
  });

  test('a drain waits for connections to end, and cuts the rest', async () => {
    const { upstream, proxy } = await openEcho();
    const [done, left] = [await openClient(proxy.port), await openClient(proxy.port)];
    for (const client of [done, left]) {
      client.write('x');
      await until(() => client.received === 'x', 'the echo');
    }
    proxy.worker.drain();
    const started = performance.now();
    const stopped = proxy.worker.stop(300);
    done.write('y');
    done.end();
    await done.over();
    expect(done.received).toBe('xy');
    expect(left.closed).toBe(false);
    await stopped;
    expect(performance.now() - started).toBeGreaterThan(250);
    await until(() => left.closed && upstream.open === 0, 'the cut');
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ connection_cut: 1 });
  });

  test('connections count against the limit of the worker', async () => {
    const upstream = await openUpstream(ECHO);
    const proxy = await openProxy(toPorts([upstream.port]), { maxConnections: 1 });
    const first = await openClient(proxy.port);
    first.write('x');
    await until(() => first.received === 'x', 'the echo');
    expect(await greeting(proxy.port)).toBe('ECONNRESET');
    first.end();
    await first.over();
    await proxy.quiet();
    const second = await openClient(proxy.port);
    second.write('x');
    await until(() => second.received === 'x', 'the echo');
  });

  test('clients that disconnect at any moment leave no resources', async () => {
    const { upstream, proxy } = await openEcho();
    for (let i = 0; i < 200; i++) {
      const socket = net.connect(proxy.port, '127.0.0.1');
      closeLater(() => socket.destroy());
      socket.on('error', () => undefined);
      if (i % 4 === 0) socket.destroy();
      await once(socket, i % 4 === 0 ? 'close' : 'connect');
      if (i % 4 === 1) socket.resetAndDestroy();
      if (i % 4 === 2) socket.end('x');
      if (i % 4 === 3) socket.destroy();
    }
    await proxy.quiet();
    await settled(proxy);
    await until(() => upstream.open === 0, 'the end at the backend');
    expect(proxy.worker.timers).toBe(0);
  });
});
