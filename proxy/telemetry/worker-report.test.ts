// What a real worker reports after real requests.
import { describe, expect, test } from '@jest/globals';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../../test/support/fixture.ts';
import { cluster, listener, route, startProxy } from '../../test/support/proxy.ts';
import type { Proxy } from '../../test/support/proxy.ts';
import type { Respond } from '../../test/support/raw-upstream.ts';
import { until } from '../../test/support/until.ts';

closeAfterEach();

async function serve(answer: string | Respond): Promise<{ readonly proxy: Proxy; readonly endpoint: string }> {
  const upstream = await openUpstream(answer);
  const proxy = await startProxy([listener(), ...cluster('app', [upstream.port]), route()]);
  closeLater(() => proxy.close());
  return { proxy, endpoint: `127.0.0.1:${upstream.port}` };
}

async function request(proxy: Proxy): Promise<void> {
  const client = await openClient(proxy.port);
  await client.ask(get('/'));
  client.destroy();
  await proxy.quiet();
}

const BACKEND = 'Service/default/app/80';

describe('a worker reports', () => {
  test('the growth of its counters, once', async () => {
    const { proxy, endpoint } = await serve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await request(proxy);
    await request(proxy);
    const report = proxy.worker.report();
    expect(report.endpoints).toEqual([
      expect.objectContaining({ backend: BACKEND, endpoint, requests: 2, failures: [], serverErrors: 0, firstBytes: 2 }),
    ]);
    expect(report.routes).toEqual([
      expect.objectContaining({ route: 'HTTPRoute/default/route/0', requests: 2, classes: [0, 2, 0, 0, 0], errors: [] }),
    ]);
    expect(report.backends.map(({ backend, firstByte }) => [backend, firstByte?.buckets.reduce((sum, count) => sum + count)])).toEqual([
      [BACKEND, 2],
    ]);
    expect(report.memory).toBeGreaterThan(0);
    expect(report.routes[0]?.responseBytes).toBe(4);
    for (const { sketch } of [...report.routes, ...report.endpoints]) {
      const durations = new DurationSketch();
      expect([durations.unpack(sketch ?? new Uint8Array(0)), durations.total]).toEqual([true, 2]);
    }
    const again = proxy.worker.report();
    expect([again.endpoints, again.routes, again.backends, again.addresses]).toEqual([[], [], [], []]);
    await request(proxy);
    expect(proxy.worker.report().endpoints).toEqual([expect.objectContaining({ requests: 1 })]);
  });

  test('failures by code, answers with 5xx, and addresses that refuse connections', async () => {
    const { proxy, endpoint } = await serve('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
    await request(proxy);
    expect(proxy.worker.report().endpoints).toEqual([expect.objectContaining({ endpoint, requests: 1, serverErrors: 1 })]);
    await proxy.worker.apply(cluster('app', [1]), []);
    await request(proxy);
    const { endpoints, addresses, routes } = proxy.worker.report();
    expect(endpoints).toEqual([
      expect.objectContaining({ endpoint: '127.0.0.1:1', failures: [{ code: 'upstream_connect_failed', count: 3 }], connectFailures: 3 }),
    ]);
    expect(addresses).toEqual([
      { endpoint: '127.0.0.1:1', inFlight: 0, connections: 0, states: [{ reason: 'refusing', ageMs: expect.any(Number) }] },
    ]);
    expect(routes).toEqual([expect.objectContaining({ errors: [{ code: 'upstream_connect_failed', count: 1 }] })]);
  });

  test('the state of a breaker that has changed, also in the metrics', async () => {
    const { proxy } = await serve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const state = (): unknown => proxy.worker.report().backends;
    expect(state()).toEqual([]);
    proxy.worker.notice({ topic: 'breaker', key: BACKEND, value: 'open' });
    expect(state()).toEqual([{ backend: BACKEND, firstByte: null, breaker: 'forced-open' }]);
    expect(proxy.metric('weir_upstream_breaker_state')).toBe(2);
    expect(state()).toEqual([]);
    proxy.worker.notice({ topic: 'breaker', key: BACKEND, value: null });
    expect(state()).toEqual([{ backend: BACKEND, firstByte: null, breaker: '' }]);
  });

  test('open requests and connections of an address', async () => {
    const { proxy, endpoint } = await serve(() => null);
    const client = await openClient(proxy.port);
    client.write(get('/'));
    await until(() => proxy.metric('weir_upstream_connections_open') === 1, 'a connection');
    const { addresses, requests, connections } = proxy.worker.report();
    expect(addresses).toEqual([{ endpoint, inFlight: 1, connections: 1, states: [] }]);
    expect([requests, connections]).toEqual([1, 1]);
    client.destroy();
  });
});
