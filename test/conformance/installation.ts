// A cluster for the conformance suite: Weir as its documentation installs it, a GatewayClass whose Gateways have proxies and an address
// of their own, and in place of container images the programs that the suite's Pods run.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Image } from '../cluster/node/settings.ts';
import { TestCa } from '../support/certificates.ts';
import { documentedRights } from '../support/rights.ts';
import { DNS, SUITE } from './tools.ts';

export const GATEWAY_CLASS = 'weir';

const NAMESPACE = 'default';
const WEIR_IMAGE = 'weir';
const ECHO: Image = { entrypoint: [path.join(SUITE.folder, 'echo-basic')] };
const IMAGES: Readonly<Record<string, Image>> = {
  [WEIR_IMAGE]: { entrypoint: [process.execPath, path.resolve(import.meta.dirname, '..', '..', 'cli', 'weir.ts')] },
  ...Object.fromEntries(['v1.5.1', 'v1.6.0-dev.2', 'v1.6.0-dev.3'].map((tag) => [`registry.k8s.io/gateway-api/echo-basic:${tag}`, ECHO])),
  'registry.k8s.io/coredns/coredns:v1.12.2': { entrypoint: [path.join(DNS.folder, 'coredns')] },
};

/** Starts it; resolves once the controller serves the GatewayClass. The caller stops it. */
export async function startInstallation(): Promise<Cluster> {
  const cluster = await startCluster({ nodes: { images: IMAGES } });
  try {
    await install(cluster);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

async function install(cluster: Cluster): Promise<void> {
  const ca = await TestCa.create(cluster.folder);
  const { certificate, privateKey } = await ca.issue('controller', `DNS:controller.${NAMESPACE}.svc`);
  const files = { 'tls.crt': certificate, 'tls.key': privateKey, 'ca.crt': ca.certificate, 'ca.key': path.join(ca.folder, 'ca.key') };
  const stringData = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readFileSync(file, 'utf8')]));
  await cluster.account('weir', documentedRights(), NAMESPACE);
  const objects = [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'push' }, stringData },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'controller' }, spec: { selector: LABELS, ports: [{ port: 9443 }] } },
    controller(),
    ...gatewayClass(),
  ];
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await cluster.kubectl(['wait', '--for=condition=Accepted', `gatewayclass/${GATEWAY_CLASS}`, '--timeout=60s']);
}

const LABELS = { app: 'weir-controller' };

function controller(): object {
  const flags = {
    'push-tls-cert': '/push/tls.crt',
    'push-tls-key': '/push/tls.key',
    'push-tls-ca': '/push/ca.crt',
    'push-tls-ca-key': '/push/ca.key',
    'proxy-image': WEIR_IMAGE,
    'proxy-controller': `controller.${NAMESPACE}.svc:9443`,
  };
  const container = {
    name: 'controller',
    image: WEIR_IMAGE,
    args: ['controller', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    readinessProbe: { periodSeconds: 1, httpGet: { path: '/readyz', port: 9080 } },
    volumeMounts: [{ name: 'push', mountPath: '/push' }],
  };
  const spec = { serviceAccountName: 'weir', containers: [container], volumes: [{ name: 'push', secret: { secretName: 'push' } }] };
  const template = { metadata: { labels: LABELS }, spec };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'controller' },
    spec: { selector: { matchLabels: LABELS }, template },
  };
}

/** One proxy per Gateway, since the suite has up to a dozen of them at a time and this machine few cores. */
function gatewayClass(): object[] {
  const parameters = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: GATEWAY_CLASS, namespace: NAMESPACE };
  const drain = { delay: '1s', timeout: '5s' };
  return [
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'GatewayParameters',
      metadata: { name: GATEWAY_CLASS },
      spec: { fleet: 'PerGateway', replicas: 1, workers: 1, drain },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: GATEWAY_CLASS },
      spec: { controllerName: 'gateway.weir.dev/controller', parametersRef: parameters },
    },
  ];
}
