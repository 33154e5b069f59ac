// The registration of a node: the Node with its status, and the Lease that is its heartbeat.
import { setTimeout as delay } from 'node:timers/promises';
import { KUBERNETES } from '../tools.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import { nodeAddress } from './address-plan.ts';
import type { NodeOptions, NodeSettings } from './settings.ts';

export const KUBELET_PORT = 10250;

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const HEARTBEAT_MS = 10_000;
const LEASE_SECONDS = 40;
/** The resources of a node. Pods are not counted against them. */
export const CAPACITY = { cpu: '16', memory: '32Gi', 'ephemeral-storage': '64Gi', pods: '500' };

/** Creates the Node, and renews its Lease from then on. */
export async function register(api: Api, settings: NodeSettings, number: number): Promise<void> {
  const options = settings.nodes[number];
  if (options === undefined) throw new Error(`there is no node ${number}`);
  await createNode(api, options);
  await heartbeat(api, settings, number);
  void beat(api, settings, number);
}

async function createNode(api: Api, { name, labels = {} }: NodeOptions): Promise<void> {
  const own = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': ARCHITECTURES[process.arch] ?? '' };
  await unlessThere(api.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { ...own, ...labels } } }));
  // Admission taints a new node until a controller, which does not run here, finds it ready.
  await api.patch(`/api/v1/nodes/${name}`, { spec: { taints: null } });
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: 'kube-node-lease' } };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-node-lease' } };
  await unlessThere(api.post('/api/v1/namespaces', namespace));
  await unlessThere(api.post(LEASES, { ...lease, spec: leaseSpec(name) }));
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

async function unlessThere(made: Promise<unknown>): Promise<void> {
  await made.catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
  });
}

async function beat(api: Api, settings: NodeSettings, number: number): Promise<never> {
  for (;;) {
    await delay(HEARTBEAT_MS);
    // The next heartbeat follows soon.
    await heartbeat(api, settings, number).catch(() => undefined);
  }
}

async function heartbeat(api: Api, settings: NodeSettings, number: number): Promise<void> {
  const name = settings.nodes[number]?.name ?? '';
  await api.patch(`/api/v1/nodes/${name}/status`, { status: status(name, nodeAddress(settings.plan, number)) }, 'strategic-merge-patch');
  await api.patch(`${LEASES}/${name}`, { spec: leaseSpec(name) });
}

function leaseSpec(name: string): object {
  return { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: new Date().toISOString().replace('Z', '000Z') };
}

function status(name: string, address: string): object {
  const now = new Date().toISOString();
  const condition = { lastHeartbeatTime: now, status: 'True', reason: 'KubeletReady', message: 'runs containers as processes' };
  return {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    capacity: CAPACITY,
    allocatable: CAPACITY,
    conditions: [{ ...condition, type: 'Ready' }],
    daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
    nodeInfo: { ...NODE_SYSTEM, architecture: ARCHITECTURES[process.arch] ?? '', machineID: name, systemUUID: name, bootID: name },
  };
}

const NODE_SYSTEM = {
  kernelVersion: '',
  osImage: 'processes of this machine',
  containerRuntimeVersion: 'processes://1',
  kubeletVersion: `v${KUBERNETES.version}`,
  kubeProxyVersion: '',
  operatingSystem: 'linux',
};
