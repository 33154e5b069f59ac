// A cluster for the conformance suite: Weir from its chart, a GatewayClass whose Gateways have dedicated proxies and addresses, and local
// programs instead of the container images of the suite.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Image } from '../cluster/node/settings.ts';
import { CHART, Helm } from '../helm/helm.ts';
import { WEIR } from '../support/pods.ts';
import { DNS, SUITE } from './tools.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

export const GATEWAY_CLASS = 'weir';
export const { version: VERSION } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };

const NAMESPACE = 'weir-system';
const ECHO: Image = { entrypoint: [path.join(SUITE.folder, 'echo-basic')] };
const IMAGES: Readonly<Record<string, Image>> = {
  [`weir-controller:${VERSION}`]: { ...WEIR, arguments: ['controller'] },
  [`weir-proxy:${VERSION}`]: { ...WEIR, arguments: ['proxy'] },
  ...Object.fromEntries(['v1.5.1', 'v1.6.0-dev.2', 'v1.6.0-dev.3'].map((tag) => [`registry.k8s.io/gateway-api/echo-basic:${tag}`, ECHO])),
  'registry.k8s.io/coredns/coredns:v1.12.2': { entrypoint: [path.join(DNS.folder, 'coredns')] },
};

/** One proxy per Gateway, since the suite has up to a dozen Gateways at a time and this machine few cores. */
const PARAMETERS = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'GatewayParameters',
  metadata: { name: 'conformance', namespace: NAMESPACE },
  spec: { fleet: 'PerGateway', replicas: 1, workers: 1, drain: { delay: '1s', timeout: '5s' } },
};

/** Starts it; resolves once the controllers serve the GatewayClass. The caller stops it. */
export async function startInstallation(): Promise<Cluster> {
  const cluster = await startCluster({ nodes: { images: IMAGES } });
  const helm = new Helm(cluster.kubeconfig);
  try {
    const values = {
      'crds.install': 'false',
      'fleet.mode': 'PerGateway',
      'controller.addressPool[0]': cluster.plan.pool,
      'gatewayClass.name': GATEWAY_CLASS,
      'gatewayClass.parametersRef.name': PARAMETERS.metadata.name,
      'gatewayClass.parametersRef.namespace': NAMESPACE,
    };
    const sets = Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    await helm.run('install', 'weir', CHART, '--namespace', NAMESPACE, '--create-namespace', '--wait', ...sets);
    await cluster.apply(JSON.stringify(PARAMETERS));
    await cluster.kubectl(['wait', '--for=condition=Accepted', `gatewayclass/${GATEWAY_CLASS}`, '--timeout=60s']);
  } catch (error) {
    await cluster.stop();
    throw error;
  } finally {
    helm.remove();
  }
  return cluster;
}
