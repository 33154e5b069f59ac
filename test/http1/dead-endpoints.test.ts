// Endpoints that accept no connection: one request detects this, and later ones use other endpoints.
import { expect, test } from '@jest/globals';
import { blackhole } from '../support/blackhole.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { status } from '../support/message.ts';
import type { Proxy } from '../support/proxy.ts';
import { cluster, listener, route } from '../support/proxy.ts';

closeAfterEach();

const CONNECT_TIMEOUT = 300;

/** Series of the metric by their label. */
async function connectFailures({ worker }: Proxy): Promise<Record<string, number>> {
  const metrics = (await worker.registry.getMetricsAsJSON()) as unknown as readonly {
    readonly name: string;
    readonly values: readonly { readonly labels: { readonly endpoint: string }; readonly value: number }[];
  }[];
  const family = metrics.find(({ name }) => name === 'weir_upstream_connect_failures_total');
  return Object.fromEntries((family?.values ?? []).map(({ labels, value }) => [labels.endpoint, value]));
}

test('one endpoint drops packets, another refuses: each is tried once, and the third answers every request', async () => {
  const [swallows, refuses, upstream] = [await blackhole(), (await freePorts(1))[0] as number, await openUpstream()];
  const proxy = await openProxy([listener(), ...cluster('app', [swallows, refuses, upstream.port]), route()], {
    connectTimeout: CONNECT_TIMEOUT,
  });
  const client = await openClient(proxy.port);
  for (let i = 0; i < 12; i++) expect(status(await client.ask(get()))).toBe(200);
  expect(upstream.requests.length).toBe(12);
  expect(await connectFailures(proxy)).toEqual({ [`127.0.0.1:${swallows}`]: 1, [`127.0.0.1:${refuses}`]: 1 });
});
