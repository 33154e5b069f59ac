// Weir in a cluster of processes: controller and proxies are Pods with the documented rights, certificates from a Secret, probes, and
// Services; a request from outside arrives at a load balancer address and reaches a Pod.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { WEIR, WEIR_IMAGE } from '../support/pods.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';

// The first run on a machine builds the parts.
const BUILD_DEADLINE_MS = 15 * 60_000;
jest.setTimeout(120_000);

const TEST_FOLDER = path.resolve(import.meta.dirname, '..');
const IMAGES = {
  [WEIR_IMAGE]: WEIR,
  server: { entrypoint: [process.execPath, path.join(TEST_FOLDER, 'cluster', 'pod-server.ts')] },
};
const GATEWAY = { group: 'gateway.networking.k8s.io', name: 'gw' };
const PUSH_TLS = ['cert', 'key', 'ca'] as const;

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'Weir in Pods', () => {
  let cluster: Cluster;
  let ca: TestCa;

  beforeAll(async () => {
    ca = await TestCa.create();
    cluster = await startCluster({ nodes: { images: IMAGES } });
    await cluster.account('weir', documentedRights());
    await apply(
      secret('controller', await ca.issue('controller', 'DNS:controller')),
      secret('proxy', await ca.issue('proxy', 'URI:spiffe://weir/proxy')),
      deployment('controller', 1, controller()),
      service('controller', { ports: [{ port: 9443 }] }),
      deployment('proxy', 2, proxy()),
      service('proxy', { type: 'LoadBalancer', ports: [{ port: 80 }] }),
      deployment('web', 2, { name: 'web', image: 'server', readinessProbe: probe('/ready', 8080) }),
      service('web', { ports: [{ port: 80, targetPort: 8080 }] }),
      ...routing(),
    );
  }, BUILD_DEADLINE_MS);
  afterAll(async () => {
    await cluster?.stop();
    await ca?.remove();
  });

  const apply = (...objects: object[]) => cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const rolledOut = (name: string) => cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=60s']);

  test('serves a route', async () => {
    await Promise.all(['controller', 'proxy', 'web'].map(rolledOut));
    const { status } = (await cluster.object('service', 'proxy')) as { status: { loadBalancer: { ingress: { ip: string }[] } } };
    const url = `http://${status.loadBalancer.ingress[0]?.ip}/`;
    await cluster.until('the route', async () => (await fetch(url)).status === 200);
    expect(await (await fetch(url)).text()).toMatch(/^web-/);
  });

  test('restarts its proxies one after the other without a failed request', async () => {
    const { status } = (await cluster.object('service', 'proxy')) as { status: { loadBalancer: { ingress: { ip: string }[] } } };
    const url = `http://${status.loadBalancer.ingress[0]?.ip}/`;
    const { requests, failures } = await traffic([newConnections(url), keptConnection(url), http2Streams(url)], async () => {
      await cluster.kubectl(['rollout', 'restart', 'deployment/proxy']);
      await rolledOut('proxy');
    });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(20);
  });

  test('reports it in the status of the Gateway', async () => {
    await cluster.kubectl(['wait', '--for=condition=Accepted', 'gateway/gw', '--timeout=60s']);
  });
});

function controller(): object {
  const args = ['controller', '--push-address', '0.0.0.0:9443', ...PUSH_TLS.flatMap((part) => [`--push-tls-${part}`, `/tls/${part}`])];
  return {
    name: 'controller',
    image: WEIR_IMAGE,
    args,
    readinessProbe: probe('/readyz', 9080),
    volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
  };
}

function proxy(): object {
  const tls = PUSH_TLS.flatMap((part) => [`--controller-tls-${part}`, `/tls/${part}`]);
  const args = ['proxy', '--workers', '1', '--controller', 'controller:9443', ...tls];
  const securityContext = { runAsUser: 65532, runAsGroup: 65532, capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false };
  return {
    name: 'proxy',
    image: WEIR_IMAGE,
    args,
    securityContext,
    readinessProbe: probe('/readyz', 15021),
    volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
  };
}

function probe(target: string, port: number): object {
  return { periodSeconds: 1, httpGet: { path: target, port } };
}

function secret(name: string, { certificate, privateKey, ca }: IssuedFiles): object {
  const text = (file: string) => readFileSync(file, 'utf8');
  const stringData = { cert: text(certificate), key: text(privateKey), ca: text(ca) };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
}

function deployment(name: string, replicas: number, container: object): object {
  const labels = { app: name };
  const volumes = name === 'web' ? [] : [{ name: 'tls', secret: { secretName: name } }];
  const spec = { serviceAccountName: name === 'controller' ? 'weir' : 'default', volumes, containers: [container] };
  const template = { metadata: { labels }, spec };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas, selector: { matchLabels: labels }, template } };
}

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ...spec } };
}

function routing(): object[] {
  const apiVersion = `${GATEWAY.group}/v1`;
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  const rules = [{ backendRefs: [{ name: 'web', port: 80 }] }];
  return [
    { apiVersion, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
    { apiVersion, kind: 'Gateway', metadata: { name: GATEWAY.name }, spec: { gatewayClassName: 'weir', listeners } },
    { apiVersion, kind: 'HTTPRoute', metadata: { name: 'web' }, spec: { parentRefs: [{ name: GATEWAY.name }], rules } },
  ];
}
