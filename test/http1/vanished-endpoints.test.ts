// Endpoints that vanish without a word while requests wait for their answers: those that are safe to repeat are answered by others.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { FreezingBackend } from '../support/freezing-backend.ts';
import { status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const FAST = { doubtTimeout: 50, connectTimeout: 300 };
const COUNT = 6;

interface Vanishing {
  readonly proxy: Proxy;
  /** Makes one of two endpoints vanish. */
  vanish(): Promise<void>;
  /** Sends requests at once, each on its connection, and resolves to their statuses. */
  ask(request: string): Promise<readonly number[]>;
}

/** A proxy with connections to two endpoints, of which one can vanish. */
async function openVanishing(protocol: 'http1' | 'http2', limits: Readonly<Record<string, number>> = {}): Promise<Vanishing> {
  const [stays, vanishes] = [await FreezingBackend.start(protocol), await FreezingBackend.start(protocol)];
  const resources = [listener(), ...cluster('app', [stays.port, vanishes.port], protocol), route()];
  const proxy = await openProxy(resources, { ...FAST, poolIdleTimeout: 60_000, ...limits });
  const clients = await Promise.all(Array.from({ length: COUNT }, () => openClient(proxy.port)));
  const ask = (request: string) => Promise.all(clients.map(async (client) => status(await client.ask(request))));
  expect(await ask(get())).toEqual(all(200));
  return { proxy, vanish: () => vanishes.freeze(), ask };
}

function all(value: number): readonly number[] {
  return Array.from({ length: COUNT }, () => value);
}

async function series(proxy: Proxy, name: string): Promise<string> {
  return proxy.worker.registry.getSingleMetricAsString(name);
}

describe.each(['http1', 'http2'] as const)('of %s', (protocol) => {
  test('requests that wait for their answers are sent to another endpoint', async () => {
    const { proxy, vanish, ask } = await openVanishing(protocol);
    await vanish();
    expect(await ask(get())).toEqual(all(200));
    expect(await series(proxy, 'weir_upstream_retries_total')).toContain('reason="upstream_vanished"');
    expect(await ask(get())).toEqual(all(200));
  });

  test('the others wait on: the endpoint may have acted on them', async () => {
    const { proxy, vanish, ask } = await openVanishing(protocol, { upstreamIdleTimeout: 2_000 });
    await vanish();
    const statuses = await ask(post('x'));
    expect(new Set(statuses)).toEqual(new Set([200, 504]));
    expect(await series(proxy, 'weir_errors_total')).toContain('code="upstream_timeout"');
    expect(await series(proxy, 'weir_upstream_retries_total')).not.toContain('upstream_vanished');
  });
});

test('an endpoint that is only slow keeps its requests', async () => {
  const upstreams = await Promise.all([openUpstream(() => null), openUpstream(() => null)]);
  const ports = upstreams.map(({ port }) => port);
  const proxy = await openProxy([listener(), ...cluster('app', ports), route()], FAST);
  const client = await openClient(proxy.port);
  client.write(get());
  // Two more connections: the endpoint was in doubt twice.
  await until(() => upstreams.some(({ connections }) => connections.length > 2), 'two signs of life');
  expect(upstreams.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(1);
});

test('an endpoint that is the only one keeps its requests', async () => {
  const vanishes = await FreezingBackend.start('http1');
  const proxy = await openProxy([listener(), ...cluster('app', [vanishes.port]), route()], { ...FAST, upstreamIdleTimeout: 1_000 });
  const client = await openClient(proxy.port);
  expect(status(await client.ask(get()))).toBe(200);
  await vanishes.freeze();
  expect(status(await client.ask(get()))).toBe(504);
  expect(await series(proxy, 'weir_errors_total')).toContain('code="upstream_timeout"');
});
