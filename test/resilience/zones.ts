// Weir in front of backends in Pods of two zones: proxies and controllers run in a third part of the cluster that no test touches, with
// default settings. A Deployment `app` serves HTTP/1.1, HTTP/2 and gRPC.
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { grpcCalls, http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { CONTROLLER_NAME, gateway, httpRoute, listOf } from '../support/objects.ts';
import { installControllers, WEIR, WEIR_IMAGE } from '../support/pods.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow, TrafficResult } from '../support/traffic.ts';
import { BACKEND_PORTS } from './backend-ports.ts';

/** Pause between two exchanges of a flow: the proxies share this machine with the whole cluster. */
const PAUSE_MS = 20;
/** Flows of each kind: some of them use one endpoint at any moment. */
export const COPIES = 3;
const REPLICAS = 4;
const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const ZONE = 'topology.kubernetes.io/zone';
const GRPC_PORT = 8_080;
/** As long as Kubernetes takes to notice the loss of a node: 40 s. */
const UNREADY_AFTER = 40;

/** The kinds of traffic. */
export const FLOW_NAMES = ['kept', 'new', 'http2', 'grpc'] as const;

const NODES = [
  { name: 'edge', labels: { part: 'edge', [ZONE]: 'east' } },
  { name: 'east-1', labels: { part: 'apps', [ZONE]: 'east' } },
  { name: 'east-2', labels: { part: 'apps', [ZONE]: 'east' } },
  { name: 'west-1', labels: { part: 'apps', [ZONE]: 'west' } },
];

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status?: { readonly podIP?: string };
}

interface Slice {
  readonly endpoints?: readonly { readonly addresses: readonly string[]; readonly conditions: { readonly ready?: boolean } }[];
}

export class Zones {
  readonly cluster: Cluster;
  #address = '';

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Resolves once every kind of traffic is answered. `lingerMs`: how long backends serve after SIGTERM. */
  static async start(lingerMs: number): Promise<Zones> {
    const backend = { entrypoint: [process.execPath, path.join(import.meta.dirname, 'backend-pod.ts')] };
    const zones = new Zones(await startCluster({ nodes: { nodes: NODES, images: { [WEIR_IMAGE]: WEIR, backend } } }));
    try {
      await zones.#install(lingerMs);
    } catch (error) {
      await zones.stop();
      throw error;
    }
    return zones;
  }

  /** Runs traffic of every kind until `during` is done. */
  traffic(during: (enter: (phase: string) => void) => Promise<unknown>): Promise<TrafficResult> {
    return traffic(this.#flows(), during, PAUSE_MS);
  }

  #flows(): readonly Flow[] {
    const base = `http://${this.#address}`;
    const each = (): Flow[] => [
      keptConnection(`${base}/plain`),
      newConnections(`${base}/plain`),
      http2Streams(`${base}/plain`),
      http2Streams(`${base}/framed`),
      grpcCalls(`${this.#address}:${GRPC_PORT}`),
    ];
    return Array.from({ length: COPIES }, each).flat();
  }

  /** Replaces all Pods of the backend, one after the other, by Pods that serve for this long after SIGTERM. */
  async update(lingerMs: number): Promise<void> {
    const old = (await this.pods()).map(({ metadata }) => metadata.name);
    await this.cluster.apply(listOf(deployment(lingerMs)));
    await this.rolledOut();
    await this.cluster.until('the end of the old Pods', async () => {
      const left = (await this.pods()).map(({ metadata }) => metadata.name);
      return !old.some((name) => left.includes(name));
    });
  }

  /** `kubectl drain`: returns once the Pods of the node are gone. */
  async drain(node: string): Promise<void> {
    await this.cluster.kubectl(['drain', node, '--ignore-daemonsets', '--timeout=120s']);
    await this.rolledOut();
  }

  async uncordon(node: string): Promise<void> {
    await this.cluster.kubectl(['uncordon', node]);
  }

  /** Pods of the backend on these nodes; on all nodes unless given. */
  async pods(...nodes: readonly string[]): Promise<readonly PodObject[]> {
    const found = await this.cluster.list<PodObject>('pod', 'app=app');
    return found.filter(({ spec }) => nodes.length === 0 || nodes.includes(spec.nodeName ?? ''));
  }

  /** The Pods of these nodes vanish without a word. Returns their addresses. */
  async lose(...nodes: readonly string[]): Promise<readonly string[]> {
    const addresses = (await this.pods(...nodes)).flatMap(({ status }) => status?.podIP ?? []);
    this.cluster.vanish(addresses);
    return addresses;
  }

  /** Resolves once Kubernetes has noticed: none of the addresses is a ready endpoint. */
  async noticed(addresses: readonly string[]): Promise<void> {
    await this.cluster.until(
      `the slices without ${addresses.join(', ')}`,
      async () => {
        const slices = await this.cluster.list<Slice>('endpointslice', 'kubernetes.io/service-name=app');
        const ready = slices.flatMap(({ endpoints = [] }) => endpoints.filter(({ conditions }) => conditions.ready === true));
        return !ready.some((endpoint) => addresses.includes(endpoint.addresses[0] ?? ''));
      },
      10 * UNREADY_AFTER * 1_000,
    );
  }

  async rolledOut(name = 'app'): Promise<void> {
    await this.cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=180s']);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }

  async #install(lingerMs: number): Promise<void> {
    await installControllers(this.cluster, 1, {}, { part: 'edge' });
    await this.cluster.apply(listOf(...objects(), deployment(lingerMs)));
    await this.cluster.until(
      'the Gateway',
      async () => {
        const { status } = (await this.cluster.object('gateway', 'gw')) as { status?: { addresses?: { value: string }[] } };
        this.#address = status?.addresses?.[0]?.value ?? '';
        return this.#address !== '';
      },
      180_000,
    );
    await this.rolledOut();
    await this.cluster.until('every kind of traffic', async () => {
      const { failures } = await traffic(this.#flows(), () => Promise.resolve());
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      return true;
    });
  }
}

function deployment(lingerMs: number): object {
  const container = {
    name: 'app',
    image: 'backend',
    env: [{ name: 'LINGER_MS', value: String(lingerMs) }],
    readinessProbe: { periodSeconds: 1, failureThreshold: UNREADY_AFTER, tcpSocket: { port: BACKEND_PORTS.grpc } },
  };
  const labels = { app: 'app' };
  const template = { metadata: { labels }, spec: { nodeSelector: { part: 'apps' }, containers: [container] } };
  const spec = { replicas: REPLICAS, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'app' }, spec };
}

function objects(): object[] {
  const parameters = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'fleet', namespace: 'default' };
  const pod = { nodeSelector: { part: 'edge' } };
  const h2c = 'kubernetes.io/h2c';
  const ports = [
    { name: 'http', port: 80, targetPort: BACKEND_PORTS.http },
    { name: 'h2c', port: 81, targetPort: BACKEND_PORTS.h2c, appProtocol: h2c },
    { name: 'grpc', port: 82, targetPort: BACKEND_PORTS.grpc, appProtocol: h2c },
  ];
  const rule = (value: string, port: number) => ({
    matches: [{ path: { type: 'PathPrefix', value } }],
    backendRefs: [{ name: 'app', port }],
  });
  const rules = [rule('/plain', 80), rule('/framed', 81)];
  const [http, grpc] = [
    { name: 'gw', sectionName: 'http' },
    { name: 'gw', sectionName: 'grpc' },
  ];
  return [
    {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'GatewayParameters', metadata: { name: 'fleet' } },
      spec: { fleet: 'PerGateway', workers: 1, pod },
    },
    {
      ...{ apiVersion: GATEWAY_API, kind: 'GatewayClass', metadata: { name: 'weir' } },
      spec: { controllerName: CONTROLLER_NAME, parametersRef: parameters },
    },
    gateway('gw', [
      { name: 'http', port: 80 },
      { name: 'grpc', port: GRPC_PORT },
    ]),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { selector: { app: 'app' }, ports } },
    { ...(httpRoute('app', 'app') as object), spec: { parentRefs: [http], rules } },
    {
      ...{ apiVersion: GATEWAY_API, kind: 'GRPCRoute', metadata: { name: 'calls' } },
      spec: { parentRefs: [grpc], rules: [{ backendRefs: [{ name: 'app', port: 82 }] }] },
    },
  ];
}
