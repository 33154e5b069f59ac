// What values of the chart make of an installation: a DaemonSet with containers and environment of its own, ServiceAccounts of others,
// controllers that read one namespace, and a Service that follows Gateways, past upgrades by Helm.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import dgram from 'node:dgram';
import { once } from 'node:events';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, httpRoute, listOf } from '../support/objects.ts';
import { startBareCluster } from './bare-cluster.ts';
import type { BareCluster } from './bare-cluster.ts';
import { diagnosis } from './diagnosis.ts';
import { CHART } from './helm.ts';

jest.setTimeout(180_000);

const SERVER = { entrypoint: [process.execPath, path.resolve(import.meta.dirname, '..', 'cluster', 'pod-server.ts')] };
const NOTHING = { entrypoint: ['true'] };
const SYSTEM = ['--namespace', 'weir-system'];
const VALUES = {
  watchNamespaces: ['shop'],
  fleet: { mode: 'Both' },
  controller: { replicas: 1, serviceAccount: { create: false, name: 'operator' } },
  proxy: {
    kind: 'DaemonSet',
    workers: 1,
    drain: { delay: '0s', timeout: '5s' },
    extraEnv: [{ name: 'WEIR_VIA', value: 'edge-of-$(REGION)' }],
    extraEnvFrom: [{ configMapRef: { name: 'region' } }],
    extraVolumes: [{ name: 'notes', configMap: { name: 'region' } }],
    extraInitContainers: [{ name: 'first', image: 'nothing' }],
    extraContainers: [{ name: 'beside', image: 'server', volumeMounts: [{ name: 'notes', mountPath: '/notes' }] }],
    serviceAccount: { create: false },
    service: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4'] },
  },
  extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'region' }, data: { REGION: 'north' } }],
};

interface Live {
  readonly spec: {
    readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
    readonly ipFamilyPolicy?: string;
    readonly nodeName?: string;
    readonly serviceAccountName?: string;
  };
  readonly status: {
    readonly podIP?: string;
    readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] };
    readonly conditions?: readonly { readonly reason: string }[];
  };
}

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack', 'go'], 'values of the chart', () => {
  let bare: BareCluster;
  let cluster: Cluster;
  let address = '';

  const helm = (...args: string[]) =>
    bare.helm.run(...args, ...SYSTEM).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await diagnosis(cluster)}`);
    });
  const install = (...sets: string[]) =>
    helm('upgrade', '--install', 'weir', CHART, '--wait', '--timeout', '2m', ...sets.flatMap((set) => ['--set-json', set]));
  const values = Object.entries(VALUES).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const applyTo = (namespace: string, ...objects: object[]) =>
    cluster.kubectl(['apply', '--namespace', namespace, '-f', '-'], listOf(...objects));
  const shared = async () => (await cluster.object('service', 'weir-proxy', 'weir-system')) as unknown as Live;
  const pods = () => cluster.list<Live>('pods', 'app.kubernetes.io/component=proxy', 'weir-system');

  /** Resolves once the Service has exactly these ports, `name port/protocol`. */
  async function portsBecome(...expected: readonly string[]): Promise<void> {
    const has = async () => (await shared()).spec.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`).sort();
    await cluster
      .until(`ports ${expected.join()}`, async () => (await has()).join() === expected.toSorted().join())
      .catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${(await has()).join()}\n${await diagnosis(cluster)}`);
      });
  }

  /** Says how long it takes from the Gateway that is sent to the API server to the ports of the Service. */
  async function follows(objects: readonly object[], ...expected: readonly string[]): Promise<void> {
    const began = performance.now();
    await cluster.apply(listOf(...objects));
    await portsBecome(...expected);
    process.stderr.write(`the ports of the Service followed the Gateway in ${Math.round(performance.now() - began)} ms\n`);
  }

  async function answers(port: number, target: string, status: number): Promise<Response> {
    let response: Response | null = null;
    await cluster.until(`${status} for ${target} at ${port}`, async () => {
      response = await fetch(`http://${address}:${port}${target}`);
      await response.arrayBuffer();
      return response.status === status;
    });
    return response as unknown as Response;
  }

  beforeAll(async () => {
    bare = await startBareCluster({ server: SERVER, nothing: NOTHING });
    ({ cluster } = bare);
    const namespaces = ['weir-system', 'shop', 'elsewhere'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    await cluster.apply(listOf(...namespaces));
    await applyTo('weir-system', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'operator' } });
    await applyTo('shop', ...backend());
    await applyTo('elsewhere', gateway('gw', [{ name: 'http', port: 9999 }]), httpRoute('elsewhere', 'web'));
    await install(...values);
    await applyTo('shop', gateway('gw', [{ name: 'http', port: 80 }]), httpRoute('ready', 'web'));
    address = (await shared()).status.loadBalancer?.ingress[0]?.ip ?? '';
  }, 900_000);
  afterAll(() => bare?.stop());

  test('put a proxy on every node, as the account that is there', async () => {
    const found = await pods();
    expect(found.map(({ spec }) => spec.nodeName).sort()).toEqual(['node-1', 'node-2']);
    for (const { spec } of found) expect(spec.serviceAccountName).toBe('default');
  });

  test('give proxies environment, volumes and containers', async () => {
    const response = await answers(80, '/ready', 200);
    expect(response.headers.get('via')).toContain('edge-of-north');
    for (const { status } of await pods()) {
      const file = await fetch(`http://${status.podIP}:8080/file/${encodeURIComponent('/notes/REGION')}`);
      expect(await file.text()).toBe('north');
    }
  });

  test('pass helm test', async () => {
    expect(await helm('test', 'weir', '--timeout', '60s')).toContain('Phase:          Succeeded');
  });

  test('keep the controllers to the namespaces to watch', async () => {
    const there = (await cluster.object('gateway', 'gw', 'elsewhere')) as unknown as Live;
    expect(new Set(there.status.conditions?.map(({ reason }) => reason))).toEqual(new Set(['Pending']));
    expect((await shared()).spec.ports.map(({ port }) => port)).toEqual([80, 443]);
    const roles = await cluster
      .kubectl(['auth', 'can-i', 'list', 'secrets', '-n', 'elsewhere', '--as=system:serviceaccount:weir-system:operator'])
      .catch(String);
    expect(roles).toContain('no');
  });

  test('set the families of the Service', async () => {
    expect((await shared()).spec.ipFamilyPolicy).toBe('PreferDualStack');
  });

  test('let the Service follow a Gateway, TCP and UDP, below 1024 too', async () => {
    const followed = [
      { name: 'http', port: 80 },
      { name: 'low', port: 81 },
      { name: 'high', port: 8081 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    const ports = ['http 80/TCP', 'https 443/TCP', 'tcp-81 81/TCP', 'tcp-8081 8081/TCP', 'udp-53 53/UDP'];
    await follows([inShop(gateway('gw', followed)), inShop(udpRoute())], ...ports);
    await answers(81, '/ready', 200);
    await answers(8081, '/ready', 200);
    expect(await datagram(address, 53)).toMatch(/^web-/);
  });

  test('do not let an upgrade take ports away that the controllers have added', async () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'other', port: 8443 },
    ];
    await install(...values, `proxy.service.ports=${JSON.stringify(ports)}`, 'proxy.service.annotations={"a":"b"}');
    await portsBecome('http 80/TCP', 'other 8443/TCP', 'tcp-81 81/TCP', 'tcp-8081 8081/TCP', 'udp-53 53/UDP');
    await answers(8081, '/ready', 200);
  });

  test('hand a port over to the chart and back', async () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'alt', port: 8081 },
    ];
    await install(...values, `proxy.service.ports=${JSON.stringify(ports)}`);
    await portsBecome('http 80/TCP', 'alt 8081/TCP', 'tcp-81 81/TCP', 'udp-53 53/UDP');
    await install(...values, 'proxy.service.ports=[{"name":"http","port":80}]');
    await portsBecome('http 80/TCP', 'tcp-8081 8081/TCP', 'tcp-81 81/TCP', 'udp-53 53/UDP');
    await answers(8081, '/ready', 200);
  });

  test('let the Service lose ports that no listener has', async () => {
    await follows([inShop(gateway('gw', [{ name: 'http', port: 80 }]))], 'http 80/TCP');
  });

  test('let the controllers make proxies for a Gateway in a namespace to watch', async () => {
    await applyTo('shop', ...ownProxies(), httpRoute('own', 'web', ['own']));
    const kinds = ['deployment', 'service', 'serviceaccount', 'poddisruptionbudget'];
    await cluster.until('the objects of the Gateway', async () => {
      return (await Promise.all(kinds.map((kind) => cluster.exists(kind, 'weir-own', 'shop')))).every(Boolean);
    });
    await cluster.kubectl(['wait', '--namespace', 'shop', '--for=condition=Programmed', 'gateway/own', '--timeout=60s']);
    expect((await shared()).spec.ports.map(({ port }) => port)).toEqual([80]);
    await cluster.kubectl(['delete', 'gateway/own', '--namespace', 'shop']);
  });

  test('leave nothing behind in other namespaces', async () => {
    await helm('uninstall', 'weir', '--wait', '--timeout', '1m');
    const roles = await cluster.kubectl(['get', 'roles,rolebindings', '--all-namespaces', '-o', 'name']);
    expect(roles).not.toContain('weir');
  });
});

/** The answer to a datagram, which is sent again until there is one. */
async function datagram(host: string, port: number): Promise<string> {
  const socket = dgram.createSocket('udp4');
  const answer = once(socket, 'message') as Promise<[Buffer]>;
  const again = setInterval(() => socket.send('a', port, host), 200);
  try {
    return (await answer)[0].toString();
  } finally {
    clearInterval(again);
    socket.close();
  }
}

function backend(): object[] {
  const labels = { app: 'web' };
  const container = { name: 'web', image: 'server', readinessProbe: { periodSeconds: 1, httpGet: { path: '/ready', port: 8080 } } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } };
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'udp', port: 53, targetPort: 9090, protocol: 'UDP' },
  ];
  return [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports } },
  ];
}

function ownProxies(): object[] {
  const parametersRef = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'own' };
  const spec = { gatewayClassName: 'weir', listeners: [{ name: 'http', port: 7000, protocol: 'HTTP' }], infrastructure: { parametersRef } };
  return [
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'GatewayParameters',
      metadata: { name: 'own' },
      spec: { fleet: 'PerGateway', replicas: 1 },
    },
    { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'own' }, spec },
  ];
}

function inShop(object: object): object {
  const { metadata } = object as { readonly metadata: object };
  return { ...object, metadata: { ...metadata, namespace: 'shop' } };
}

function udpRoute(): object {
  const spec = { parentRefs: [{ name: 'gw', sectionName: 'dns' }], rules: [{ backendRefs: [{ name: 'web', port: 53 }] }] };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'UDPRoute', metadata: { name: 'dns' }, spec };
}
