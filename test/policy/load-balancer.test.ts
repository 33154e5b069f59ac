// The choice of endpoints by policies: types of balancers, keys, weights.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import type { Exchange } from '../../proxy/exchange/exchange.ts';
import { getHeader } from '../../proxy/exchange/headers.ts';
import type { Principal } from '../../proxy/exchange/principal.ts';
import type { FilterKind } from '../../proxy/filter/filter.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

function balancing(loadBalancer: ir.Policy['settings'], target: Partial<ir.PolicyTarget> = {}): ir.Policy {
  const whole = { kind: 'Service', namespace: 'default', name: 'app', section: '', ...target };
  const name = `${whole.kind}-${whole.name}`.toLowerCase();
  const named = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name, createdAt: 0 };
  return { kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, ...named, targets: [whole], settings: { loadBalancer } };
}

/** Backends that answer with their index. */
function openUpstreams(count: number): Promise<RawUpstream[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => openUpstream(ok(String(i)))));
}

/** A proxy with these endpoints, by port and further fields. */
function openBalanced(
  endpoints: readonly (Pick<ir.Endpoint, 'port'> & { weight?: number; priority?: number; labels?: Record<string, string> })[],
  policies: readonly ir.Policy[],
  filterKinds: readonly FilterKind[] = [],
): Promise<Proxy> {
  const [resource] = cluster('app', []);
  const key = 'Service/default/app/80';
  const all = endpoints.map(({ port, weight = 1, priority = 0, labels = {} }) => ({
    address: '127.0.0.1',
    port,
    draining: false,
    weight,
    priority,
    labels,
  }));
  const own = filterKinds.length === 0 ? {} : { filters: [MARK] };
  return openProxy([resource!, { kind: 'Endpoints', key, endpoints: all }, ...policies, listener(), route(own)], {}, filterKinds);
}

const MARK: ir.Filter = { type: 'RequestHeaderModifier', headers: { set: [], add: [], remove: ['x-caller'] } };

/** Authenticates requests with the header X-Caller as callers with these fields. */
function identify(fields: (index: number) => Partial<Principal>): readonly FilterKind[] {
  const request = (exchange: Exchange): 'continue' => {
    const index = getHeader(exchange.requestHeaders, 'x-caller');
    const none: Principal = { id: '', method: 'jwt', groups: [], claims: {}, consumer: '', plan: '' };
    if (index !== null) exchange.principal = { ...none, ...fields(Number(index)) };
    return 'continue';
  };
  return [{ name: 'identify', ofRule: () => ({ name: 'identify', request }) }];
}

/** The answers to requests one after the other, with these headers and path each. */
async function answers(proxy: Proxy, requests: readonly (readonly [path: string, headers: string])[]): Promise<string[]> {
  const client = await openClient(proxy.port);
  const bodies: string[] = [];
  for (const [path, headers] of requests) bodies.push((await client.ask(get(path, headers))).body);
  return bodies;
}

const ALIKE = Array.from({ length: 20 }, () => ['/', ''] as const);

/** The ports of endpoints are random, and so is their place: one run of millions leaves an endpoint without a key. */
const KEYS = 64;

describe('a key', () => {
  test.each([
    ['a header', { header: 'X-User' }, (key: string) => ['/', `x-user: ${key}\r\n`] as const],
    ['a cookie', { cookie: 'sid' }, (key: string) => ['/', `cookie: a=1; sid=${key}\r\n`] as const],
    ['a query parameter', { query: 'user' }, (key: string) => [`/?a=1&user=${key}`, ''] as const],
  ])('of %s stays at its endpoint, and keys spread', async (_, part, request) => {
    for (const type of ['Maglev', 'RingHash']) {
      const upstreams = await openUpstreams(4);
      const proxy = await openBalanced(upstreams, [balancing({ type, hashOn: [part] })]);
      const keys = Array.from({ length: KEYS }, (_, i) => request(`user-${i}`));
      const first = await answers(proxy, keys);
      expect(await answers(proxy, keys.toReversed())).toEqual(first.toReversed());
      expect(new Set(first).size).toBe(4);
    }
  });

  test.each([
    ['the caller', { principal: 'id' }, (index: number) => ({ id: `user-${index}` })],
    ['its Consumer', { consumer: true }, (index: number) => ({ consumer: `default/app-${index}` })],
    ['a claim', { claim: 'https://example.com/tenant' }, (index: number) => ({ claims: { 'https://example.com/tenant': index } })],
  ])('of %s stays at its endpoint, and keys spread', async (_, part, fields) => {
    const upstreams = await openUpstreams(4);
    const proxy = await openBalanced(upstreams, [balancing({ type: 'Maglev', hashOn: [part] })], identify(fields));
    const keys = Array.from({ length: KEYS }, (_, i) => ['/', `x-caller: ${i}\r\n`] as const);
    const first = await answers(proxy, keys);
    expect(await answers(proxy, keys.toReversed())).toEqual(first.toReversed());
    expect(new Set(first).size).toBe(4);
    expect(new Set(await answers(proxy, [...ALIKE, ...ALIKE])).size).toBeGreaterThan(1);
  });

  test('is the address of the client by default', async () => {
    const proxy = await openBalanced(await openUpstreams(4), [balancing({ type: 'Maglev' })]);
    expect(new Set(await answers(proxy, ALIKE)).size).toBe(1);
  });

  test('that is missing spreads requests over all endpoints', async () => {
    const proxy = await openBalanced(await openUpstreams(2), [balancing({ type: 'Maglev', hashOn: [{ header: 'x-user' }] })]);
    const requests = Array.from({ length: 60 }, () => ['/', ''] as const);
    expect(new Set(await answers(proxy, requests)).size).toBe(2);
  });

  test('goes to another endpoint only if its endpoint leaves', async () => {
    const upstreams = await openUpstreams(4);
    const proxy = await openBalanced(upstreams, [balancing({ type: 'Maglev', hashOn: [{ header: 'x-user' }] })]);
    const keys = Array.from({ length: 40 }, (_, i) => ['/', `x-user: user-${i}\r\n`] as const);
    const before = await answers(proxy, keys);
    const [resource] = cluster('app', []);
    const rest = upstreams.slice(0, 3).map(({ port }) => ({ address: '127.0.0.1', port, draining: false }));
    await proxy.worker.apply([resource!, { kind: 'Endpoints', key: 'Service/default/app/80', endpoints: rest }], []);
    const after = await answers(proxy, keys);
    const moved = before.filter((endpoint, i) => endpoint !== '3' && after[i] !== endpoint);
    expect(moved.length).toBeLessThan(5);
    expect(after).not.toContain('3');
  });
});

describe.each(['LeastRequest', 'PeakEWMA'])('%s', (type) => {
  test('sends no request to an endpoint with more open requests', async () => {
    const hanging = await openUpstream(() => null);
    const free = await openUpstream(ok('free'));
    const proxy = await openBalanced([hanging, free], [balancing({ type })]);
    // Several clients, so that one of them gets the endpoint that hangs.
    for (let i = 0; hanging.requests.length === 0; i++) {
      const client = await openClient(proxy.port);
      client.write(get());
      await until(() => hanging.requests.length > 0 || client.received !== '', 'a request at a backend');
    }
    expect(new Set(await answers(proxy, ALIKE))).toEqual(new Set(['free']));
  });
});

test('bounded load spreads a popular key', async () => {
  const hanging = await Promise.all(Array.from({ length: 4 }, () => openUpstream(() => null)));
  const proxy = await openBalanced(hanging, [balancing({ type: 'Maglev', hashOn: [{ header: 'x-user' }], boundedLoad: 125 })]);
  const clients = await Promise.all(Array.from({ length: 16 }, () => openClient(proxy.port)));
  for (const client of clients) client.write(get('/', 'x-user: popular\r\n'));
  await until(() => hanging.reduce((sum, { requests }) => sum + requests.length, 0) === 16, 'all requests at backends');
  expect(Math.max(...hanging.map(({ requests }) => requests.length))).toBeLessThanOrEqual(5);
});

test('endpoints get requests in proportion to their weights', async () => {
  const [one, other] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
  const proxy = await openBalanced(
    [
      { port: one.port, weight: 1 },
      { port: other.port, weight: 3 },
    ],
    [],
  );
  const bodies = await answers(
    proxy,
    Array.from({ length: 40 }, () => ['/', ''] as const),
  );
  expect(Math.abs(bodies.filter((body) => body === '0').length - 10)).toBeLessThanOrEqual(1);
});

test('two rules with different balancers share the endpoints and their connections', async () => {
  const upstreams = await openUpstreams(1);
  const maglev = balancing({ type: 'Maglev' }, { kind: 'HTTPRoute', name: 'other' });
  const [resource, endpoints] = cluster('app', [upstreams[0]!.port]);
  const other = route({
    name: 'other',
    key: 'HTTPRoute/default/other/0',
    matches: [{ path: { type: 'Exact', value: '/b' }, method: null, headers: [], queryParams: [] }],
  });
  const proxy = await openProxy([resource!, endpoints!, maglev, listener(), route(), other]);
  expect(
    await answers(proxy, [
      ['/a', ''],
      ['/b', ''],
    ]),
  ).toEqual(['0', '0']);
  expect(upstreams[0]!.connections).toHaveLength(1);
});

describe('few healthy endpoints', () => {
  test.each([
    ['below the threshold, all get requests', 60, true],
    ['above the threshold, only the healthy ones do', 50, false],
  ])('%s', async (_, panicThreshold, expected) => {
    const [refusing, healthy] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
    const proxy = await openBalanced([{ port: refusing.port }, { port: healthy.port }], [balancing({ panicThreshold })]);
    await refusing.close();
    await answers(proxy, ALIKE);
    const failures = () => proxy.metric('weir_upstream_connect_failures_total');
    const before = failures();
    await answers(proxy, ALIKE);
    expect(failures() > before).toBe(expected);
  });
});

test('endpoints of a lower priority get requests only after those before them fail', async () => {
  const [first, second] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
  const proxy = await openBalanced([{ port: first.port }, { port: second.port, priority: 1 }], []);
  expect(new Set(await answers(proxy, ALIKE))).toEqual(new Set(['0']));
  await first.close();
  expect(new Set(await answers(proxy, ALIKE))).toEqual(new Set(['1']));
});

describe('a subset', () => {
  test('gets all requests, and without an endpoint of it there is none', async () => {
    const [one, other] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
    const endpoints = [
      { port: one.port, labels: { version: '1', tier: 'a' } },
      { port: other.port, labels: { version: '2', tier: 'a' } },
    ];
    const proxy = await openBalanced(endpoints, [balancing({ subset: { labels: { tier: 'a', version: '2' } } })]);
    expect(new Set(await answers(proxy, ALIKE))).toEqual(new Set(['1']));
    const none = await openBalanced(endpoints, [balancing({ subset: { labels: { version: '3' } } })]);
    expect((await answers(none, [['/', '']]))[0]).toContain('no_endpoints');
  });
});

describe('a header that names the endpoint', () => {
  test('decides, if a policy allows it and the address is an endpoint of the backend', async () => {
    const [one, other] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
    const proxy = await openBalanced([{ port: one.port }, { port: other.port }], [balancing({ overrideHeader: 'X-Endpoint' })]);
    const naming = (port: number) => ['/', `x-endpoint: 127.0.0.1:${port}\r\n`] as const;
    expect(
      new Set(
        await answers(
          proxy,
          Array.from({ length: 6 }, () => naming(other.port)),
        ),
      ),
    ).toEqual(new Set(['1']));
    expect(new Set(await answers(proxy, ALIKE)).size).toBe(2);
    const stranger = await openUpstream(ok('stranger'));
    expect((await answers(proxy, [naming(stranger.port)]))[0]).toContain('no_endpoints');
    expect(stranger.connections).toHaveLength(0);
  });

  test('has no effect without a policy', async () => {
    const [one, other] = (await openUpstreams(2)) as [RawUpstream, RawUpstream];
    const proxy = await openBalanced([{ port: one.port }, { port: other.port }], []);
    const bodies = await answers(
      proxy,
      Array.from({ length: 6 }, () => ['/', `x-endpoint: 127.0.0.1:${other.port}\r\n`] as const),
    );
    expect(new Set(bodies).size).toBe(2);
  });
});
