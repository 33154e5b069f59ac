// Weir in Pods with traffic of every kind: two controllers, a Gateway with two dedicated proxies, backends in the test's process.
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { CONTROLLER_NAME, gateway, httpRoute, listOf } from '../support/objects.ts';
import { installControllers, processOf, WEIR, WEIR_IMAGE } from '../support/pods.ts';
import { TRAFFIC_LISTENERS, TrafficBackends } from '../support/traffic-backends.ts';
import { sendSignal } from '../support/send-signal.ts';
import { traffic } from '../support/traffic.ts';
import type { TrafficResult } from '../support/traffic.ts';

/** Pause between two exchanges of a flow: the proxies share this machine with the whole cluster. */
const PAUSE_MS = 20;
const GATEWAY_API = 'gateway.networking.k8s.io/v1';
/** Time limit for the start of the whole cluster, on few cores. */
export const START_DEADLINE_MS = 180_000;
const PROBE_PORT = 15_021;
/** Metrics of controllers. */
const METRICS_PORT = 9_080;

interface GatewayObject {
  readonly status?: { readonly addresses?: readonly { readonly value: string }[]; readonly conditions?: readonly Condition[] };
}

interface PodObject {
  readonly status?: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
}

interface Named {
  readonly metadata: { readonly name: string };
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export class WeirPods {
  readonly cluster: Cluster;
  readonly #backends: TrafficBackends;
  #address = '';

  private constructor(cluster: Cluster, backends: TrafficBackends) {
    this.cluster = cluster;
    this.#backends = backends;
  }

  /** Resolves once every kind of traffic is answered. */
  static async start(): Promise<WeirPods> {
    const cluster = await startCluster({ nodes: { images: { [WEIR_IMAGE]: WEIR } } });
    // On the address of this machine that Pods reach.
    const pods = new WeirPods(cluster, await TrafficBackends.start(new URL(cluster.url).hostname));
    try {
      await pods.#install();
    } catch (error) {
      const state = await pods.#state();
      await pods.stop();
      throw new Error(`Weir in Pods does not start:\n${state}`, { cause: error });
    }
    return pods;
  }

  /** The objects, the events and the ends of the logs of all Pods. */
  async #state(): Promise<string> {
    const ask = (...args: readonly string[]) => this.cluster.kubectl([...args, '--request-timeout=10s']).catch(String);
    const objects = await ask('get', 'deployments,pods,services,gateways,leases,events', '-o', 'wide');
    const gateway = await ask('get', 'gateway', 'gw', '-o', 'yaml');
    const pods = (await ask('get', 'pods', '-o', 'name')).split('\n').filter((name) => name.startsWith('pod/'));
    const logs = await Promise.all(pods.map(async (pod) => `--- ${pod}\n${await ask('logs', pod, '--tail=30')}`));
    return [objects, gateway, ...logs].join('\n');
  }

  /** Runs traffic of every kind until `during` is done. */
  traffic(during: (enter: (phase: string) => void) => Promise<unknown>): Promise<TrafficResult> {
    return traffic(this.#backends.flows(this.#address), during, PAUSE_MS);
  }

  /** The status of a path at any proxy. */
  async ask(target: string): Promise<number> {
    const answer = await fetch(`http://${this.#address}${target}`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Applies a route and resolves once it is served: controllers watch the cluster, and proxies have controllers. */
  async serves(name: string): Promise<void> {
    await this.cluster.apply(listOf(httpRoute(name, 'app', ['gw/http'])));
    await this.cluster.until(`/${name}`, async () => (await this.ask(`/${name}`)) === 200);
  }

  /** Whether a leader has written the status of a route. */
  async tells(name: string): Promise<boolean> {
    const { status } = (await this.cluster.object('httproute', name)) as { status?: { parents?: readonly object[] } };
    return (status?.parents ?? []).length > 0;
  }

  /** `kubectl rollout restart`, until the last of the old Pods is gone. */
  async rollOut(deployment: string): Promise<void> {
    const old = await this.podsOf(deployment);
    await this.cluster.kubectl(['rollout', 'restart', `deployment/${deployment}`]);
    await this.rolledOut(deployment);
    await this.cluster.until(`the end of ${old.join(', ')}`, async () => {
      const left = await this.podsOf(deployment);
      return !old.some((name) => left.includes(name));
    });
  }

  async rolledOut(deployment: string): Promise<void> {
    await this.cluster.kubectl(['rollout', 'status', `deployment/${deployment}`, '--timeout=120s']);
  }

  /** The Deployment of the proxies. */
  async proxyDeployment(): Promise<string> {
    const [found] = await this.cluster.list<Named>('deployment', 'gateway.networking.k8s.io/gateway-name=gw');
    return found?.metadata.name ?? '';
  }

  /** Names of the Pods of a Deployment. */
  async podsOf(deployment: string): Promise<string[]> {
    const names = (await this.cluster.list<Named>('pod')).map(({ metadata }) => metadata.name);
    return names.filter((name) => name.startsWith(`${deployment}-`));
  }

  /** The Pod of a Deployment that is none of these, once there is one. */
  async podBesides(deployment: string, known: readonly string[]): Promise<string> {
    let found: string | undefined;
    await this.cluster.until(`another Pod of ${deployment}`, async () => {
      found = (await this.podsOf(deployment)).find((name) => !known.includes(name));
      return found !== undefined;
    });
    return found ?? '';
  }

  /** How often the container of a Pod has started anew. */
  async restartsOf(pod: string): Promise<number> {
    const { status } = (await this.cluster.object('pod', pod)) as PodObject;
    return status?.containerStatuses?.[0]?.restartCount ?? 0;
  }

  /** Whether a Pod is ready. */
  async isReady(pod: string): Promise<boolean> {
    const { status } = (await this.cluster.object('pod', pod)) as { status?: { conditions?: readonly Condition[] } };
    return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  }

  /** The dump of a proxy. */
  async readiness(pod: string): Promise<string> {
    return (await fetch(`http://${await this.#addressOf(pod)}:${PROBE_PORT}/readyz`)).text();
  }

  /** Resolves to a function that waits for a metric of every controller; it reads from them, not from the API server. */
  async metricOfControllers(): Promise<(line: string) => Promise<void>> {
    const addresses = await Promise.all((await this.podsOf('controller')).map((name) => this.#addressOf(name)));
    const read = async (address: string) => (await fetch(`http://${address}:${METRICS_PORT}/metrics`)).text();
    return (line) => this.cluster.until(line, async () => (await Promise.all(addresses.map(read))).every((text) => text.includes(line)));
  }

  async #addressOf(pod: string): Promise<string> {
    const { status } = (await this.cluster.object('pod', pod)) as { status?: { podIP?: string } };
    return status?.podIP ?? '';
  }

  /** The Pod name of the leading controller; '' if there is none. */
  async leader(): Promise<string> {
    const { spec } = (await this.cluster.object('lease', 'weir-controller')) as { spec: { holderIdentity?: string } };
    return (spec.holderIdentity ?? '').replace(/-[0-9a-f]{8}$/, '');
  }

  /** Sends a signal to Weir in a Pod, without the kubelet. */
  signal(pod: string, signal: NodeJS.Signals): void {
    sendSignal(processOf(pod), signal);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.#backends.stop();
  }

  async #install(): Promise<void> {
    await installControllers(this.cluster, 2);
    await this.cluster.apply(listOf(...objects(), ...this.#backends.objects));
    const programmed = async () => {
      const { status } = (await this.cluster.object('gateway', 'gw')) as GatewayObject;
      this.#address = status?.addresses?.[0]?.value ?? '';
      return status?.conditions?.some(({ type, status: is }) => type === 'Programmed' && is === 'True') === true;
    };
    await this.cluster.until('the Gateway', programmed, START_DEADLINE_MS);
    await Promise.all([this.rolledOut('controller'), this.rolledOut(await this.proxyDeployment())]);
    await this.cluster.until('every kind of traffic', async () => {
      const { failures } = await traffic(this.#backends.flows(this.#address), () => Promise.resolve());
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      return true;
    });
  }
}

function objects(): object[] {
  const parameters = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'fleet', namespace: 'default' };
  const drain = { delay: '6s', timeout: '10s' };
  return [
    {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'GatewayParameters', metadata: { name: 'fleet' } },
      spec: { fleet: 'PerGateway', replicas: 2, workers: 1, drain },
    },
    {
      ...{ apiVersion: GATEWAY_API, kind: 'GatewayClass', metadata: { name: 'weir' } },
      spec: { controllerName: CONTROLLER_NAME, parametersRef: parameters },
    },
    gateway('gw', TRAFFIC_LISTENERS),
  ];
}
