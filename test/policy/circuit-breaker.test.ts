// Circuit breakers (circuitBreaker of a BackendTrafficPolicy) on real sockets: they open, let requests pass on trial, and close.
import { afterEach, describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { cluster, listener, pathMatch, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';

closeAfterEach();

const FAILURE = 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n';
let failing = false;
afterEach(() => void (failing = false));

/** Without outlier detection, which would act before the breaker. */
function policy(circuitBreaker: object): ir.Policy {
  const described = { kind: 'Policy', key: 'BackendTrafficPolicy/default/p', policyKind: 'BackendTrafficPolicy' } as const;
  const targets = [{ kind: 'Service', namespace: 'default', name: 'app', section: '' }];
  const settings = { circuitBreaker, healthCheck: { passive: { maxEjectionPercent: 0 } } };
  return { ...described, namespace: 'default', name: 'p', createdAt: 0, targets, settings };
}

function openMoody(): Promise<RawUpstream> {
  return openUpstream(() => (failing ? FAILURE : ok('fine')));
}

async function ask(proxy: Proxy, path = '/'): Promise<number> {
  const client = await openClient(proxy.port);
  return status(await client.ask(get(path)));
}

async function statuses(proxy: Proxy, count: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push(await ask(proxy));
  return found;
}

describe('the breaker of a backend', () => {
  const BREAKER = { consecutiveFailures: 3, openFor: 300, halfOpenRequests: 1, successThreshold: 2 };

  test('stops requests of all rules with it after failures, and closes after successes on trial', async () => {
    const upstream = await openMoody();
    const other = route({ key: 'HTTPRoute/default/other/0', name: 'other', matches: [pathMatch('PathPrefix', '/other')] });
    const proxy = await openProxy([...cluster('app', [upstream.port]), policy(BREAKER), listener(), route(), other]);
    failing = true;
    expect(await statuses(proxy, 3)).toEqual([500, 500, 500]);
    const client = await openClient(proxy.port);
    const refused = await client.ask(get('/other'));
    expect([status(refused), header(refused, 'retry-after'), refused.body]).toEqual([503, '1', expect.stringContaining('circuit_open')]);
    expect(upstream.requests.length).toBe(3);
    expect(proxy.metric('weir_upstream_breaker_opens_total')).toBe(1);
    failing = false;
    while ((await ask(proxy)) === 503);
    expect(await statuses(proxy, 5)).toEqual([200, 200, 200, 200, 200]);
  });

  test('opens again if a request on trial fails', async () => {
    const upstream = await openMoody();
    const proxy = await openProxy([...cluster('app', [upstream.port]), policy(BREAKER), listener(), route()]);
    failing = true;
    await statuses(proxy, 3);
    while ((await ask(proxy)) === 503);
    expect(upstream.requests.length).toBe(4);
    expect(await ask(proxy)).toBe(503);
    expect(proxy.metric('weir_upstream_breaker_opens_total')).toBe(2);
  });

  test('repeats no request while it is open', async () => {
    const upstream = await openMoody();
    const retrying = policy({ ...BREAKER, consecutiveFailures: 2, openFor: 60_000 });
    const settings = { ...retrying.settings, retry: { attempts: 5, codes: [500], backoff: 0 } };
    const proxy = await openProxy([...cluster('app', [upstream.port]), { ...retrying, settings }, listener(), route()]);
    failing = true;
    expect(await ask(proxy)).toBe(503);
    expect(upstream.requests.length).toBe(2);
  });
});

test('the breaker of an endpoint sends requests to the others', async () => {
  const [bad, good] = [await openMoody(), await openUpstream(() => ok('good'))];
  const breaker = policy({ scope: 'Endpoint', consecutiveFailures: 2, openFor: 300, halfOpenRequests: 1, successThreshold: 1 });
  const proxy = await openProxy([...cluster('app', [bad.port, good.port]), breaker, listener(), route()]);
  failing = true;
  while (bad.requests.length < 2) await ask(proxy);
  expect(await statuses(proxy, 4)).toEqual([200, 200, 200, 200]);
  expect(bad.requests.length).toBe(2);
  failing = false;
  while (bad.requests.length < 4) expect(await ask(proxy)).toBe(200);
});

test('slow answers open a breaker, although they succeed', async () => {
  const upstream = await openUpstream((_, connection) => {
    setTimeout(() => connection.socket.write(ok('late')), 30);
    return null;
  });
  const slow = policy({ slowPercent: 100, slowAfter: 20, minRequests: 3, openFor: 60_000 });
  const proxy = await openProxy([...cluster('app', [upstream.port]), slow, listener(), route()]);
  expect(await statuses(proxy, 4)).toEqual([200, 200, 200, 503]);
});

describe('the word of an operator', () => {
  const KEY = 'Service/default/app/80';

  test('opens a breaker of any backend, or keeps one closed, until it is taken back', async () => {
    const upstream = await openMoody();
    const proxy = await openProxy([...cluster('app', [upstream.port]), policy({ consecutiveFailures: 1 }), listener(), route()]);
    proxy.worker.notice({ topic: 'breaker', key: KEY, value: 'open' });
    expect(await ask(proxy)).toBe(503);
    proxy.worker.notice({ topic: 'breaker', key: KEY, value: 'closed' });
    failing = true;
    expect(await statuses(proxy, 3)).toEqual([500, 500, 500]);
    proxy.worker.notice({ topic: 'breaker', key: KEY, value: null });
    expect(await ask(proxy)).toBe(503);
  });

  test('holds for a backend without a breaker, also before the backend exists', async () => {
    const upstream = await openMoody();
    const proxy = await openProxy([listener(), route()]);
    proxy.worker.notice({ topic: 'breaker', key: KEY, value: 'open' });
    await proxy.worker.apply(cluster('app', [upstream.port]), []);
    expect(await ask(proxy)).toBe(503);
    proxy.worker.notice({ topic: 'breaker', key: KEY, value: null });
    expect(await ask(proxy)).toBe(200);
  });
});
