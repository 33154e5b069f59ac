// The Service of the proxies that Gateways share: the controller keeps its ports in step with those of the listeners, and leaves what others
// have written into it. Real API server, the documented rights. Pods stay pending: there are no nodes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { FleetController } from './fleet-controller.ts';

const FLAGS = ['--proxy-service', 'default/shared', '--proxy-service-ports', 'Follow'];

const CLASS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: GatewayParameters
metadata: { name: own, namespace: default }
spec: { fleet: PerGateway }
`;

const SERVICE = (ports: string) => `
apiVersion: v1
kind: Service
metadata: { name: shared, namespace: default }
spec: { type: ClusterIP, selector: { app: proxies }, ports: ${ports} }
`;
const HTTP = '{ name: http, port: 80, targetPort: 80 }';

interface Port {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
  readonly protocol: string;
}

function gateway(name: string, listeners: readonly string[], infrastructure = ''): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec:
  gatewayClassName: weir
  listeners: [${listeners.map((listener, i) => `{ name: l${i}, ${listener} }`).join(', ')}]
  ${infrastructure}
`;
}

const http = (port: number) => `protocol: HTTP, port: ${port}`;

describeWith(['cluster'], 'the ports of the shared Service', () => {
  let cluster: Cluster;
  let fleets: FleetController;
  let controller: Child;

  beforeAll(async () => {
    cluster = await startCluster({ audit: true });
    fleets = await FleetController.create(cluster, FLAGS);
    await cluster.apply(CLASS);
    await cluster.apply(SERVICE(`[${HTTP}]`));
    controller = fleets.start();
    await controller.printed(/"leading":true/);
  }, 120_000);

  afterAll(async () => {
    await controller?.stop('SIGKILL');
    await cluster?.stop();
    await fleets?.remove();
  });

  async function ports(): Promise<readonly Port[]> {
    return ((await cluster.object('service', 'shared')) as { spec: { ports: Port[] } }).spec.ports;
  }

  /** Waits for these ports, `name port/protocol`, in any order. */
  async function until(...expected: readonly string[]): Promise<void> {
    const text = async () => (await ports()).map(({ name, port, protocol }) => `${name} ${port}/${protocol}`).sort();
    await cluster
      .until(expected.join(), async () => (await text()).join() === expected.toSorted().join())
      .catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${JSON.stringify(await ports())}\n${controller.output.slice(-3_000)}`);
      });
  }

  test('are those that it has and those of listeners, TCP and UDP', async () => {
    await cluster.apply(gateway('edge', [http(80), http(8080), 'protocol: UDP, port: 53', 'protocol: TCP, port: 53']));
    await until('http 80/TCP', 'tcp-8080 8080/TCP', 'udp-53 53/UDP', 'tcp-53 53/TCP');
    for (const { port, targetPort } of await ports()) expect(targetPort).toBe(port);
  });

  test('go when no listener of any Gateway has them', async () => {
    await cluster.apply(gateway('other', [http(8080)]));
    await cluster.apply(gateway('edge', [http(80), 'protocol: UDP, port: 53']));
    await until('http 80/TCP', 'tcp-8080 8080/TCP', 'udp-53 53/UDP');
    await cluster.remove('gateway', 'other');
    await until('http 80/TCP', 'udp-53 53/UDP');
  });

  test('exclude the ports of Gateways with dedicated proxies', async () => {
    const own = 'infrastructure: { parametersRef: { group: gateway.weir.dev, kind: GatewayParameters, name: own } }';
    await cluster.apply(gateway('apart', [http(7000)], own));
    await cluster.apply(gateway('other', [http(7001)]));
    await until('http 80/TCP', 'udp-53 53/UDP', 'tcp-7001 7001/TCP');
    await cluster.apply(gateway('apart', [http(7000)]));
    await until('http 80/TCP', 'udp-53 53/UDP', 'tcp-7001 7001/TCP', 'tcp-7000 7000/TCP');
    await cluster.remove('gateway', 'apart');
    await cluster.remove('gateway', 'other');
    await until('http 80/TCP', 'udp-53 53/UDP');
  });

  test('belong to others where others name them, and come back where others take them away', async () => {
    await cluster.kubectl(['apply', '-f', '-'], SERVICE(`[${HTTP}, { name: dns, port: 53, targetPort: 53, protocol: UDP }]`));
    await until('http 80/TCP', 'dns 53/UDP');
    await cluster.kubectl(['apply', '-f', '-'], SERVICE(`[${HTTP}]`));
    await until('http 80/TCP', 'udp-53 53/UDP');
  });

  test('are restored after another client changes or removes them', async () => {
    const patch = { spec: { ports: [{ name: 'http', port: 80, targetPort: 80 }] } };
    await cluster.kubectl(['patch', 'service/shared', '--type=merge', '-p', JSON.stringify(patch)]);
    await until('http 80/TCP', 'udp-53 53/UDP');
  });

  test('are not written while nothing changes', async () => {
    const writes = () =>
      cluster.auditEvents().filter(({ user, verb, objectRef }) => {
        return user.username === fleets.account.user && verb === 'patch' && objectRef?.name === 'shared';
      }).length;
    const before = writes();
    await cluster.kubectl(['annotate', 'service/shared', 'a=b']);
    // What follows in the same watch has passed the change before it.
    await cluster.apply(gateway('last', [http(9000)]));
    await until('http 80/TCP', 'udp-53 53/UDP', 'tcp-9000 9000/TCP');
    expect(writes()).toBe(before + 1);
  });
});
