// Addresses without a load balancer: the controller's pool against a real API server. Pods stay pending: there are no nodes.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { gatewayClass, listOf } from '../support/objects.ts';
import { FleetController } from './fleet-controller.ts';

jest.setTimeout(180_000);
const POOL = '203.0.113.1-203.0.113.3';
const UNUSABLE = '198.51.100.7';

interface Address {
  readonly type?: string;
  readonly value?: string;
}

interface Condition {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

interface Live {
  readonly status?: { readonly addresses?: readonly Address[]; readonly conditions?: readonly Condition[] };
}

function gateway(name: string, addresses: readonly Address[] = []): object {
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  const metadata = { name, namespace: 'default' };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata,
    spec: { gatewayClassName: 'weir', addresses, listeners },
  };
}

describeWith(['cluster'], 'an address pool', () => {
  let cluster: Cluster;
  let fleets: FleetController;
  let controller: Child;

  const apply = (...objects: object[]) => cluster.apply(listOf(...objects));

  /** A Gateway of another class has no proxies, hence no Service. Not deleted: that waits for the garbage collector. */
  const letGo = (name: string) =>
    cluster.kubectl(['patch', 'gateway', name, '--type=merge', '-p', JSON.stringify({ spec: { gatewayClassName: 'another' } })]);

  /** Waits until a Gateway has these addresses; returns why it is not programmed, or not accepted. */
  async function told(name: string, addresses: readonly string[], reason: string): Promise<string> {
    let object: Live = {};
    const conditions = () => object.status?.conditions ?? [];
    const holds = async (): Promise<boolean> => {
      object = (await cluster.object('gateway', name)) as unknown as Live;
      const found = (object.status?.addresses ?? []).map(({ value }) => value).sort();
      return found.join() === [...addresses].sort().join() && conditions().some((one) => one.reason === reason);
    };
    await cluster.until(`gateway/${name}`, holds).catch(async (error: unknown) => {
      const services = await cluster.kubectl([
        'get',
        'services',
        '-o',
        'jsonpath={range .items[*]}{.metadata}{.spec}{.status}{"\\n"}{end}',
      ]);
      throw new Error(`${String(error)}\n${JSON.stringify(object.status)}\n${services}\n${controller.output.slice(-4_000)}`);
    });
    return conditions().find((one) => one.reason === reason)?.message ?? '';
  }

  beforeAll(async () => {
    cluster = await startCluster();
    fleets = await FleetController.create(cluster, ['--fleet', 'PerGateway', '--address-pool', POOL]);
    await apply(gatewayClass());
    controller = fleets.start();
  });

  afterAll(async () => {
    await controller?.stop('SIGKILL');
    await cluster?.stop();
    await fleets?.remove();
  });

  test('assigns each Gateway a separate address, until none is left', async () => {
    await apply(gateway('one'));
    await told('one', ['203.0.113.1'], 'Pending');
    await apply(gateway('two', [{ type: 'IPAddress' }]), gateway('three', [{ value: '203.0.113.3' }]));
    await Promise.all([told('two', ['203.0.113.2'], 'Pending'), told('three', ['203.0.113.3'], 'Pending')]);
    await apply(gateway('four'));
    const message = await told('four', [], 'AddressNotAssigned');
    expect(message).toBe('Service/default/weir-four: the pool has no free IPv4 address');
  });

  test('continues the allocation of its predecessor', async () => {
    await controller.stop('SIGTERM');
    controller = fleets.start();
    await controller.printed(/"leading":true/);
    await letGo('two');
    await told('four', ['203.0.113.2'], 'Pending');
    await Promise.all([told('one', ['203.0.113.1'], 'Pending'), told('three', ['203.0.113.3'], 'Pending')]);
  });

  test('assigns requested addresses that are free, reports the others, and follows corrections', async () => {
    await letGo('four');
    const strange = { type: 'test/strange', value: '203.0.113.2,any' };
    const [unusable, taken, usable] = [{ value: UNUSABLE }, { value: '203.0.113.1' }, { value: '203.0.113.2' }];
    await apply(gateway('asks', [strange, unusable, taken, usable]));
    await told('asks', [], 'UnsupportedAddress');
    await apply(gateway('asks', [unusable, taken, usable]));
    const message = await told('asks', ['203.0.113.2'], 'AddressNotUsable');
    expect(message).toContain(`${UNUSABLE} is not in the address pool; 203.0.113.1 belongs to Service/default/weir-one`);
    await apply(gateway('asks', [usable]));
    await told('asks', ['203.0.113.2'], 'Pending');
    await apply(gateway('asks', [unusable]));
    await told('asks', ['203.0.113.2'], 'AddressNotUsable');
    await apply(gateway('asks'));
    await told('asks', ['203.0.113.2'], 'Pending');
  });

  test('serves any Service of its class', async () => {
    await letGo('three');
    const spec = { type: 'LoadBalancer', loadBalancerClass: 'gateway.weir.dev/address-pool', ports: [{ port: 80 }] };
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'own', namespace: 'default' }, spec });
    const hasAddress = async () => JSON.stringify(await cluster.object('service', 'own')).includes('"ip":"203.0.113.3"');
    await cluster.until('its address', hasAddress);
  });
});
