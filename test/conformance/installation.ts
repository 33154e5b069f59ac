// A cluster for the conformance suite: Weir as its documentation installs it, a GatewayClass whose Gateways have proxies and an address
// of their own, and in place of container images the programs that the suite's Pods run.
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Image } from '../cluster/node/settings.ts';
import { listOf } from '../support/objects.ts';
import { installControllers, WEIR, WEIR_IMAGE } from '../support/pods.ts';
import { DNS, SUITE } from './tools.ts';

export const GATEWAY_CLASS = 'weir';

const NAMESPACE = 'default';
const ECHO: Image = { entrypoint: [path.join(SUITE.folder, 'echo-basic')] };
const IMAGES: Readonly<Record<string, Image>> = {
  [WEIR_IMAGE]: WEIR,
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
  await installControllers(cluster, 1, { 'address-pool': cluster.plan.pool });
  await cluster.apply(listOf(...gatewayClass()));
  await cluster.kubectl(['wait', '--for=condition=Accepted', `gatewayclass/${GATEWAY_CLASS}`, '--timeout=60s']);
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
