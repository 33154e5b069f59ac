// BackendTrafficPolicies: the most specific policy decides each field, and a change needs no new route.
import { describe, expect, test } from '@jest/globals';
import type http2 from 'node:http2';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { status } from '../support/message.ts';
import { backend, cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

function policy(target: Partial<ir.PolicyTarget>, settings: ir.Policy['settings'], fields: Partial<ir.Policy> = {}): ir.Policy {
  const whole = { kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target };
  const name = fields.name ?? `${whole.kind}-${whole.name}-${whole.section}`.toLowerCase();
  const key = `BackendTrafficPolicy/default/${name}`;
  const described = { kind: 'Policy', key, policyKind: 'BackendTrafficPolicy', namespace: 'default', name } as const;
  return { ...described, createdAt: 0, targets: [whole], settings, ...fields };
}

const retrying = (attempts: number) => ({ retry: { attempts, codes: [503], backoff: 0 } });

/** The number of attempts for a request to a backend that refuses connections. */
async function attempts(proxy: Proxy, upstream: RawUpstream, path = '/'): Promise<number> {
  const before = upstream.requests.length;
  const client = await openClient(proxy.port);
  expect(status(await client.ask(get(path)))).toBe(503);
  return upstream.requests.length - before;
}

describe('the nearest policy', () => {
  test.each([
    ['the Gateway', [], 2],
    ['the listener', [policy({ section: 'http' }, retrying(2))], 3],
    ['the Service', [policy({ section: 'http' }, retrying(2)), policy({ kind: 'Service', name: 'app' }, retrying(3))], 4],
    [
      'the port',
      [policy({ kind: 'Service', name: 'app' }, retrying(3)), policy({ kind: 'Service', name: 'app', section: '80' }, retrying(4))],
      5,
    ],
    [
      'the route',
      [policy({ kind: 'Service', name: 'app', section: '80' }, retrying(4)), policy({ kind: 'HTTPRoute', name: 'route' }, retrying(5))],
      6,
    ],
    [
      'the rule',
      [
        policy({ kind: 'HTTPRoute', name: 'route' }, retrying(5)),
        policy({ kind: 'HTTPRoute', name: 'route', section: 'slow' }, retrying(6)),
      ],
      7,
    ],
  ])('is that of %s', async (_, nearer, expected) => {
    const upstream = await openUpstream(UNAVAILABLE);
    const all = [...cluster('app', [upstream.port]), policy({}, retrying(1)), ...nearer, listener(), route({ ruleName: 'slow' })];
    expect(await attempts(await openProxy(all), upstream)).toBe(expected);
  });

  test('leaves other fields to those further out', async () => {
    const upstream = await openUpstream(UNAVAILABLE);
    const half = policy({ kind: 'HTTPRoute', name: 'route' }, { retry: { attempts: 3 } });
    const all = [...cluster('app', [upstream.port]), policy({}, retrying(1)), half, listener(), route()];
    expect(await attempts(await openProxy(all), upstream)).toBe(4);
  });

  test('is overridden by fields of the rule itself', async () => {
    const upstream = await openUpstream(UNAVAILABLE);
    const own = route({ retry: { attempts: 1, codes: [503], backoff: 0 } });
    const all = [...cluster('app', [upstream.port]), policy({ kind: 'HTTPRoute', name: 'route' }, retrying(4)), listener(), own];
    expect(await attempts(await openProxy(all), upstream)).toBe(2);
  });
});

test('each backend of a rule has its own policies', async () => {
  const [first, second] = [await openUpstream(UNAVAILABLE), await openUpstream(UNAVAILABLE)];
  const rules = ['first', 'second'].map((name) =>
    route({
      ...{
        name,
        key: `HTTPRoute/default/${name}/0`,
        backends: [backend('first', name === 'first' ? 1 : 0), backend('second', name === 'first' ? 0 : 1)],
      },
      matches: [{ path: { type: 'PathPrefix', value: `/${name}` }, method: null, headers: [], queryParams: [] }],
    }),
  );
  const clusters = [...cluster('first', [first.port]), ...cluster('second', [second.port])];
  const own = policy({ kind: 'Service', name: 'second' }, retrying(3));
  const proxy = await openProxy([...clusters, policy({}, retrying(1)), own, listener(), ...rules]);
  expect([await attempts(proxy, first, '/first'), await attempts(proxy, second, '/second')]).toEqual([2, 4]);
});

test('the policies of a request depend on its listener', async () => {
  const upstream = await openUpstream(UNAVAILABLE);
  const listeners = [listener({ hostname: 'a' }), listener({ key: 'default/gateway/other', hostname: 'b' })];
  const attached = route({ attachments: listeners.map(({ key, hostname }) => ({ listener: key, hostnames: [hostname] })) });
  const policies = [policy({}, retrying(1)), policy({ section: 'other' }, retrying(2))];
  const proxy = await openProxy([...cluster('app', [upstream.port]), ...policies, ...listeners, attached]);
  expect(await attempts(proxy, upstream)).toBe(2);
  const client = await openClient(proxy.port);
  await client.ask('GET / HTTP/1.1\r\nHost: b\r\n\r\n');
  expect(upstream.requests).toHaveLength(2 + 3);
});

test('a changed policy applies to the next request on the same connection, and a deleted one has no effect', async () => {
  const upstream = await openUpstream(UNAVAILABLE);
  const proxy = await openProxy([...cluster('app', [upstream.port]), policy({}, retrying(1)), listener(), route()]);
  const client = await openClient(proxy.port);
  const asked = async (): Promise<number> => {
    const before = upstream.requests.length;
    await client.ask(get());
    return upstream.requests.length - before;
  };
  const counts = [await asked()];
  for (const changed of [
    policy({}, retrying(3)),
    policy({ name: 'elsewhere' }, retrying(5), { name: 'gateway-gateway-' }),
    policy({}, retrying(2)),
  ]) {
    await proxy.worker.apply([changed], []);
    counts.push(await asked());
  }
  await proxy.worker.apply([], [{ kind: 'Policy', key: policy({}, {}).key }]);
  counts.push(await asked());
  expect(counts).toEqual([2, 4, 1, 3, 1]);
});

describe('protocol', () => {
  test('of HTTP1 wins over a Service of h2c', async () => {
    const upstream = await openUpstream(ok('h1'));
    const all = [...cluster('app', [upstream.port], 'http2'), policy({}, { protocol: 'HTTP1' }), listener(), route()];
    const proxy = await openProxy(all);
    expect((await (await openClient(proxy.port)).ask(get())).body).toBe('h1');
  });

  test('of a rule applies to its backends, not to its mirrors', async () => {
    const speaksH2 = await openH2Backend((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('h2');
    });
    const shadow = await openUpstream(ok());
    const mirror = { type: 'RequestMirror', cluster: 'Service/default/shadow/80', numerator: 1, denominator: 1 } as const;
    const clusters = [...cluster('app', [speaksH2.port]), ...cluster('shadow', [shadow.port])];
    const own = policy({ kind: 'HTTPRoute', name: 'route' }, { protocol: 'HTTP2' });
    const proxy = await openProxy([...clusters, own, listener(), route({ filters: [mirror] })]);
    expect((await (await openClient(proxy.port)).ask(get())).body).toBe('h2');
    await until(() => shadow.requests.length === 1, 'the copy');
  });
});

describe('timeouts', () => {
  test('of a whole request: the Gateway gives little, the backend more', async () => {
    const silent = await openUpstream(() => null);
    const slow = await openUpstream((_request, { socket }) => {
      setTimeout(() => socket.write(ok('late')), 200);
      return null;
    });
    const rules = ['silent', 'slow'].map((name) =>
      route({
        ...{ name, key: `HTTPRoute/default/${name}/0`, backends: [backend(name)] },
        matches: [{ path: { type: 'PathPrefix', value: `/${name}` }, method: null, headers: [], queryParams: [] }],
      }),
    );
    const policies = [
      policy({}, { timeouts: { request: 100 } }),
      policy({ kind: 'Service', name: 'slow' }, { timeouts: { request: 10_000 } }),
    ];
    const clusters = [...cluster('silent', [silent.port]), ...cluster('slow', [slow.port])];
    const proxy = await openProxy([...clusters, ...policies, listener(), ...rules]);
    const client = await openClient(proxy.port);
    expect(status(await client.ask(get('/slow')))).toBe(200);
    expect(status(await client.ask(get('/silent')))).toBe(504);
    client.destroy();
    await proxy.quiet();
    expect(proxy.metric('weir_requests_active')).toBe(0);
  });

  test('of a whole request: the backend gives less than the Gateway', async () => {
    const silent = await openUpstream(() => null);
    const policies = [
      policy({}, { timeouts: { request: 60_000 } }),
      policy({ kind: 'Service', name: 'app' }, { timeouts: { request: 50 } }),
    ];
    const proxy = await openProxy([...cluster('app', [silent.port]), ...policies, listener(), route()]);
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(504);
  });

  test('of a single attempt', async () => {
    const upstream = await openUpstream(() => null);
    const settings = { timeouts: { backendRequest: 50 }, ...retrying(1) };
    const proxy = await openProxy([...cluster('app', [upstream.port]), policy({}, settings), listener(), route()]);
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(504);
    expect(upstream.requests).toHaveLength(2);
  });
});

test('the protocol of a policy overrides that of the backend, for the next request', async () => {
  const backendOf = (stream: http2.ServerHttp2Stream): void => {
    stream.respond({ ':status': 200 });
    stream.end('HTTP/2');
  };
  const upstream = await openH2Backend(backendOf);
  const resources = [...cluster('app', [upstream.port]), listener(), route()];
  const proxy = await openProxy([...resources, policy({ kind: 'Service', name: 'app' }, { protocol: 'HTTP2' })]);
  const client = await openClient(proxy.port);
  expect((await client.ask(get())).body).toBe('HTTP/2');
  await proxy.worker.apply([policy({ kind: 'HTTPRoute', name: 'route' }, { protocol: 'HTTP1' })], []);
  expect(status(await client.ask(get()))).toBe(502);
});
