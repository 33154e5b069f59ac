// A fleet in a cluster of processes that scales with its autoscaler, and rolls, while requests arrive at an address of the controller's
// pool: no request may fail.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ExternalMetrics } from '../cluster/metrics.ts';
import { TestCa } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';

// The first run on a machine builds the parts.
const BUILD_DEADLINE_MS = 15 * 60_000;
const DEADLINE_MS = 180_000;
jest.setTimeout(4 * DEADLINE_MS);

const TEST_FOLDER = path.resolve(import.meta.dirname, '..');
const IMAGES = {
  weir: { entrypoint: [process.execPath, path.join(TEST_FOLDER, '..', 'cli', 'weir.ts')] },
  server: { entrypoint: [process.execPath, path.join(TEST_FOLDER, 'cluster', 'pod-server.ts')] },
};
const PAUSE_MS = 20;
const FLEET = 'app.kubernetes.io/instance=weir-gw';

interface Pod {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isReady({ status: { conditions = [] } }: Pod): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function objects(): object[] {
  const gateway = { group: 'gateway.networking.k8s.io', apiVersion: 'gateway.networking.k8s.io/v1' };
  const external = { metric: { name: 'load' }, target: { type: 'AverageValue', averageValue: '1' } };
  const atOnce = { stabilizationWindowSeconds: 0 };
  const autoscaling = { min: 2, max: 6, metrics: [{ type: 'External', external }], behavior: { scaleUp: atOnce, scaleDown: atOnce } };
  const web = { app: 'web' };
  const container = { name: 'web', image: 'server', readinessProbe: { periodSeconds: 1, httpGet: { path: '/ready', port: 8080 } } };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: web }, template: { metadata: { labels: web }, spec: { containers: [container] } } },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: web, ports: [{ port: 80, targetPort: 8080 }] } },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'GatewayParameters',
      metadata: { name: 'scaled' },
      spec: { fleet: 'PerGateway', workers: 1, autoscaling, drain: { delay: '2s', timeout: '10s' } },
    },
    {
      apiVersion: gateway.apiVersion,
      kind: 'GatewayClass',
      metadata: { name: 'weir' },
      spec: {
        controllerName: 'gateway.weir.dev/controller',
        parametersRef: { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'scaled', namespace: 'default' },
      },
    },
    {
      apiVersion: gateway.apiVersion,
      kind: 'Gateway',
      metadata: { name: 'gw' },
      spec: { gatewayClassName: 'weir', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
    },
    {
      apiVersion: gateway.apiVersion,
      kind: 'HTTPRoute',
      metadata: { name: 'web' },
      spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] },
    },
  ];
}

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'a fleet with an autoscaler', () => {
  let cluster: Cluster;
  let ca: TestCa;
  let controller: Child;
  let metrics: ExternalMetrics;
  let url: string;

  async function startController(): Promise<Child> {
    const { plan } = cluster;
    const account = await cluster.account('controller', documentedRights());
    const { certificate, privateKey, ca: signer } = await ca.issue('controller', 'DNS:controller.test');
    const [port = 0] = await freePorts(1, plan.host);
    const tls = [
      '--push-tls-cert',
      certificate,
      '--push-tls-key',
      privateKey,
      '--push-tls-ca',
      signer,
      '--push-tls-ca-key',
      path.join(ca.folder, 'ca.key'),
    ];
    const free = ['--metrics-address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0', '--push-address', `${plan.host}:${port}`];
    const fleets = [
      '--proxy-image',
      'weir',
      '--proxy-controller',
      `${plan.host}:${port}`,
      '--proxy-controller-tls-name',
      'controller.test',
    ];
    const rest = ['--address-pool', plan.pool, '--kubeconfig', account.kubeconfig, '--namespace', 'default'];
    return new Child(['controller', '--store', 'off', ...tls, ...free, ...fleets, ...rest]);
  }

  /** Waits until the fleet has this number of proxies, all ready, and surplus ones have ended. */
  async function proxies(count: number): Promise<void> {
    const areThere = async () => {
      const pods = await cluster.list<Pod>('pods', FLEET);
      return pods.length === count && pods.every(isReady);
    };
    await cluster.until(`${count} proxies`, areThere, DEADLINE_MS);
  }

  beforeAll(async () => {
    [cluster, ca] = await Promise.all([startCluster({ nodes: { images: IMAGES } }), TestCa.create()]);
    [controller, metrics] = await Promise.all([startController(), ExternalMetrics.start(cluster)]);
    metrics.set('load', 2);
    await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects() }));
    await proxies(2);
    await cluster.kubectl(['wait', '--for=condition=Programmed', 'gateway/gw', '--timeout=60s']);
    const { status } = (await cluster.object('gateway', 'gw')) as { status: { addresses: { value: string }[] } };
    url = `http://${status.addresses[0]?.value}/`;
    await cluster.until('the route', async () => (await fetch(url)).status === 200, DEADLINE_MS);
  }, BUILD_DEADLINE_MS);

  afterAll(async () => {
    await controller?.stop('SIGKILL');
    await metrics?.stop();
    await cluster?.stop();
    await ca?.remove();
  });

  test('grows from two to six and back, and no request fails', async () => {
    const result = await traffic(
      [keptConnection(url), newConnections(url)],
      async (enter) => {
        enter('growing');
        metrics.set('load', 6);
        await proxies(6);
        enter('shrinking');
        metrics.set('load', 2);
        await proxies(2);
      },
      PAUSE_MS,
    );
    expect(result.failures).toEqual([]);
    expect(result.requests).toBeGreaterThan(100);
  });

  test('is replaced completely when the parameters of its class change, and no request fails', async () => {
    const spec = { pod: { labels: { generation: 'second' } } };
    const result = await traffic(
      [keptConnection(url), newConnections(url)],
      async () => {
        await cluster.patch('gatewayparameters', 'scaled', { spec });
        const renewed = async () => (await cluster.list('pods', 'generation=second')).length === 2;
        await cluster.until('proxies of the second generation', renewed, DEADLINE_MS);
        await proxies(2);
      },
      PAUSE_MS,
    );
    expect(result.failures).toEqual([]);
  });
});
