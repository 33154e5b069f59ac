// A backend that fails as a whole: further attempts stay a small share of its requests, so that it does not get a multiple of its load.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { status } from '../support/message.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { Respond } from '../support/raw-upstream.ts';

closeAfterEach();

const CLIENTS = 40;
const REQUESTS = 25;
const ALL = CLIENTS * REQUESTS;

const UNAVAILABLE = 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n';
const breaks: Respond = (_, { socket }) => (socket.resetAndDestroy(), null);

function policy(retry: Readonly<Record<string, unknown>>): ir.Policy {
  return {
    ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/retry', policyKind: 'BackendTrafficPolicy' },
    ...{ namespace: 'default', name: 'retry', createdAt: 0 },
    targets: [{ kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' }],
    settings: { retry: { attempts: 5, backoff: 0, ...retry } },
  };
}

/** Sends all requests, none of which succeeds. Returns the elapsed time in seconds, rounded up. */
async function storm(proxy: Proxy): Promise<number> {
  const startedAt = performance.now();
  const client = async (): Promise<void> => {
    const connection = await openClient(proxy.port);
    for (let i = 0; i < REQUESTS; i++) expect(status(await connection.ask(get()))).toBeGreaterThanOrEqual(502);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return Math.ceil((performance.now() - startedAt) / 1_000) + 1;
}

describe('if all endpoints fail, a fifth of the requests is tried again', () => {
  test.each<[string, string | Respond]>([
    ['with a status', UNAVAILABLE],
    ['with broken connections', breaks],
  ])('%s', async (_, behaviour) => {
    const upstreams = await Promise.all([openUpstream(behaviour), openUpstream(behaviour), openUpstream(behaviour)]);
    const ports = upstreams.map(({ port }) => port);
    const proxy = await openProxy([policy({ budget: { minRetriesPerSecond: 0 } }), ...cluster('app', ports), listener(), route()]);
    await storm(proxy);
    const attempts = upstreams.reduce((sum, { requests }) => sum + requests.length, 0);
    expect(attempts).toBeGreaterThan(1.1 * ALL);
    expect(attempts).toBeLessThanOrEqual(1.2 * ALL);
    const withheld = await proxy.worker.registry.getSingleMetricAsString('weir_upstream_retries_withheld_total');
    expect(withheld).toContain('reason="budget"');
  });

  test('or ten per second without a policy for the budget, if that is more', async () => {
    const upstream = await openUpstream(UNAVAILABLE);
    const proxy = await openProxy([policy({}), ...cluster('app', [upstream.port]), listener(), route()]);
    const seconds = await storm(proxy);
    expect(upstream.requests.length).toBeLessThanOrEqual(1.2 * ALL + 10 * seconds);
  });
});

test('if no endpoint can be connected to, connections are tried again within the budget too', async () => {
  // Below the ports that other programs get: a port that a server has left may get another one.
  const ports = [1, 2, 3];
  const proxy = await openProxy([policy({ budget: { minRetriesPerSecond: 0 } }), ...cluster('app', ports), listener(), route()]);
  await storm(proxy);
  // The first requests do not know yet that there is no other endpoint.
  expect(proxy.metric('weir_upstream_attempts_total')).toBeLessThanOrEqual(1.2 * ALL + 2 * CLIENTS);
});

test('if one endpoint of several fails, clients see nothing of it', async () => {
  const [bad, ...good] = await Promise.all([
    openUpstream(UNAVAILABLE),
    openUpstream(),
    openUpstream(),
    openUpstream(),
    openUpstream(),
    openUpstream(),
  ]);
  const ports = [bad, ...good].map(({ port }) => port);
  const proxy = await openProxy([policy({}), ...cluster('app', ports), listener(), route()]);
  const client = await openClient(proxy.port);
  for (let i = 0; i < 200; i++) expect(status(await client.ask(get()))).toBe(200);
});
