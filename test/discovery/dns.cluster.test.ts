// A Backend by a name in DNS in a cluster: conditions and Events, and a controller that restarts while the resolver is dead.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request } from 'undici';
import type { Condition } from '#api/k8s/object.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass } from '../support/objects.ts';
import { Site } from '../support/site.ts';
import { traffic, type Exchanges } from '../support/traffic.ts';
import { DnsServer } from './dns-server.ts';

const HOST = '127.0.0.61';
const NAME = 'shop.test';

describeWith(['cluster', 'root', 'ip'], 'a Backend by a name in DNS', () => {
  let site: Site;
  let dns: DnsServer;

  function backend(spec: object): object {
    return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'shop' }, spec };
  }

  function shop(): object {
    const times = { minimumRefresh: '20ms', maximumRefresh: '50ms' };
    return backend({ dns: { name: NAME, type: 'A', port: site.backend('app').port, servers: [dns.address], ...times } });
  }

  const route = {
    ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop' } },
    spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'shop' }] }] },
  };

  /** `Status Reason` of a condition; '' without it. */
  async function condition(type: string): Promise<string> {
    const { status } = await site.cluster.object('backends', 'shop');
    const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
    const found = conditions.find((each) => each.type === type);
    return found === undefined ? '' : `${found.status} ${found.reason}`;
  }

  const resolved = (text: string) =>
    site.cluster.until(`EndpointsResolved ${text}`, async () => (await condition('EndpointsResolved')) === text);

  /** The error of a request; null for an answer of the backend. */
  async function ask(): Promise<string | null> {
    const { statusCode, body } = await request(`http://${HOST}:${site.port}/`, { signal: AbortSignal.timeout(15_000) });
    await body.dump();
    return statusCode === 200 ? null : `status ${statusCode}`;
  }

  const requests = (): Exchanges => ({ next: ask, close: () => undefined });

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST], backends: ['app'] });
    dns = await new DnsServer(site.address).start();
    await dns.addresses(NAME, [site.address]);
    await site.apply(gatewayClass(), gateway('gw', [{ name: 'http', port: site.port }]), shop(), route);
  });

  afterAll(async () => {
    await dns?.kill();
    await site?.stop();
  });

  test('has conditions, and serves', async () => {
    await resolved('True EndpointsResolved');
    expect(await condition('Accepted')).toBe('True Accepted');
    await site.cluster.until('an answer', async () => (await ask().catch(String)) === null);
  });

  test('reports refused addresses in a condition and an Event, and keeps the others', async () => {
    await dns.addresses(NAME, [site.address, '169.254.169.254']);
    await resolved('False AddressRefused');
    await site.cluster.until('an Event', async () => {
      const events = await site.cluster.kubectl(['get', 'events', '-o', 'json']);
      return events.includes('169.254.169.254 is the address of the metadata service of a cloud');
    });
    expect(await ask()).toBeNull();
    await dns.addresses(NAME, [site.address]);
    await resolved('True EndpointsResolved');
  });

  test('loses no request while a controller restarts and the resolver is dead, which does not delay the start', async () => {
    const { failures } = await traffic([{ name: 'http', open: requests }], async (enter) => {
      enter('the resolver is dead');
      await dns.kill();
      await resolved('False LookupFailed');
      enter('the controller restarts');
      await site.weir.controller.stop('SIGKILL');
      site.weir.controller = site.weir.startController();
      await site.weir.controller.printed(/proxies are served/);
      await site.cluster.until('the proxy connects', async () => (await site.weir.metric('weir_push_sessions')) === 1);
      await site.weir.controller.printed(/a source of endpoints does not answer/);
      enter('the resolver is back');
      await dns.start();
      await dns.addresses(NAME, [site.address]);
      await resolved('True EndpointsResolved');
    });
    expect(failures).toEqual([]);
  });

  test('has no conditions of Weir when no route uses it any more', async () => {
    await site.cluster.remove('httproutes', 'shop');
    await site.cluster.until(
      'no conditions',
      async () => (await condition('Accepted')) === '' && (await condition('EndpointsResolved')) === '',
    );
  });

  test.each([
    [{ dns: { name: NAME, port: 80 }, endpoints: [{ ip: '10.0.0.1', port: 80 }] }, 'must set exactly one of'],
    [{ protocol: 'http2' }, 'must set exactly one of'],
    [{ dns: { name: NAME } }, 'port is required, since only SRV records have ports'],
    [{ dns: { name: NAME, type: 'SRV', port: 80 } }, 'port must be absent'],
    [{ dns: { name: '10.0.0.1', port: 80 } }, 'name must be a name, not an address'],
  ])('of the spec %j is refused by the API server', async (spec, reason) => {
    await expect(site.apply(backend(spec))).rejects.toThrow(reason);
  });
});
