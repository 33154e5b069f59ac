// Events about the troubles of a Service that two proxies see, with a real API server: one each, on the Service.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { request } from 'undici';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, httpRoute, serviceOf } from '../support/objects.ts';
import { Site } from '../support/site.ts';

const HOSTS = ['127.0.0.51', '127.0.0.52'] as const;

interface Event {
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly reportingController: string;
}

const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'BackendTrafficPolicy',
  metadata: { name: 'shop' },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name: 'shop' }],
    circuitBreaker: { consecutiveFailures: 1, openFor: '1s' },
  },
};

describeWith(['cluster', 'root', 'ip'], 'a Service with failing endpoints', () => {
  let site: Site;
  let backend: http.Server;
  let fails = true;

  beforeAll(async () => {
    site = await Site.start({ hosts: HOSTS, backends: [] });
    backend = http.createServer((_, response) => response.writeHead(fails ? 500 : 200).end()).listen(0, site.address);
    await once(backend, 'listening');
    const { port } = backend.address() as net.AddressInfo;
    const service = serviceOf('shop', { address: site.address, port });
    await site.apply(gatewayClass(), gateway('gw', [{ name: 'http', port: site.port }]), ...service, httpRoute('shop', 'shop'), POLICY);
  });

  afterAll(async () => {
    backend?.close().closeAllConnections();
    await site?.stop();
  });

  async function events(reason: string): Promise<readonly Event[]> {
    const all = await site.cluster.list<Event>('events.events.k8s.io');
    return all.filter((each) => each.reportingController === 'gateway.weir.dev/controller' && each.reason === reason);
  }

  /** Sends requests to both proxies until there is an Event. */
  async function untilEvent(reason: string): Promise<void> {
    await site.cluster.until(`the Event ${reason}`, async () => {
      const sent = HOSTS.map(async (host) => (await request(`http://${host}:${site.port}/shop`)).body.dump());
      await Promise.allSettled(sent);
      return (await events(reason)).length > 0;
    });
  }

  test('has one Event for the breakers that open, and one for those that close', async () => {
    await untilEvent('BreakerOpened');
    fails = false;
    await untilEvent('BreakerClosed');
    const service = (await site.cluster.object('service', 'shop')) as { readonly metadata: { readonly uid: string } };
    const regarding = { kind: 'Service', namespace: 'default', name: 'shop', uid: service.metadata.uid };
    expect(await events('BreakerOpened')).toMatchObject([
      { type: 'Warning', note: expect.stringMatching(/^port 80: the circuit breaker is open at /), regarding },
    ]);
    expect(await events('BreakerClosed')).toMatchObject([
      { type: 'Normal', note: 'port 80: all circuit breakers are closed again', regarding },
    ]);
  });
});
