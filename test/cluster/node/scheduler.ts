// Assigns each pending Pod a node that is not cordoned and that its nodeSelector and spread constraints accept, preferably with the fewest
// Pods of the same owner.
// A Pod with unsupported constraints is not scheduled; its conditions give the reason.
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { LabelSelector, Node, NodeSelector, Pod, SpreadConstraint } from './objects.ts';
import type { Reflector } from './reflector.ts';
import type { NodeOptions } from './settings.ts';

type Labels = Readonly<Record<string, string>>;

interface Placement {
  readonly node: string | null;
  /** Why there is no node. */
  readonly message: string;
}

export class Scheduler {
  readonly #api: Api;
  readonly #pods: Reflector<Pod>;
  readonly #cordons: Reflector<Node>;
  readonly #nodes: readonly NodeOptions[];
  /** By uid: the node of Pods that the watch does not show as bound yet. */
  readonly #bound = new Map<string, string>();
  /** The last message about a Pod that cannot be scheduled, by uid. */
  readonly #refused = new Map<string, string>();

  /** `cordons`: the nodes as they are now, which `kubectl cordon` and `drain` change. */
  constructor(
    api: Api,
    { pods, cordons }: { readonly pods: Reflector<Pod>; readonly cordons: Reflector<Node> },
    nodes: readonly NodeOptions[],
  ) {
    this.#api = api;
    this.#pods = pods;
    this.#cordons = cordons;
    this.#nodes = nodes;
    pods.onChange((pod, gone) => this.#consider(pod, gone));
    cordons.onChange(({ spec }) => {
      if (spec?.unschedulable !== true) this.#placeRefused();
    });
  }

  #consider(pod: Pod, gone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    if (gone || pod.spec.nodeName !== undefined) {
      this.#bound.delete(uid);
      this.#refused.delete(uid);
      if (gone) this.#placeRefused();
      return;
    }
    this.#place(pod);
  }

  /** A Pod that a constraint has delayed may be schedulable now. */
  #placeRefused(): void {
    const refused = [...this.#pods.all()].filter(({ metadata }) => this.#refused.has(metadata.uid ?? ''));
    for (const pod of refused) this.#place(pod);
  }

  #place(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const { deletionTimestamp } = pod.metadata;
    const ours = (pod.spec.schedulerName ?? 'default-scheduler') === 'default-scheduler';
    if (!ours || deletionTimestamp !== undefined || this.#bound.has(uid)) return;
    const { node, message } = this.#choose(pod);
    if (node === null) return this.#refuse(pod, message);
    this.#bound.set(uid, node);
    this.#refused.delete(uid);
    void this.#bind(pod, node);
  }

  async #bind(pod: Pod, node: string): Promise<void> {
    const { namespace, name, uid = '' } = pod.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
    try {
      await this.#api.post(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, binding);
    } catch (error) {
      this.#bound.delete(uid);
      // The Pod is deleted or bound already; otherwise it is tried again when the API server is back.
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
      setTimeout(() => this.#retry(pod), 500);
    }
  }

  #retry({ metadata: { namespace = '', name } }: Pod): void {
    const now = this.#pods.get(namespace, name);
    if (now !== undefined) this.#consider(now, false);
  }

  #refuse(pod: Pod, message: string): void {
    const { namespace, name, uid = '' } = pod.metadata;
    if (this.#refused.get(uid) === message) return;
    this.#refused.set(uid, message);
    const now = new Date().toISOString();
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime: now };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    this.#api.patch(path, { status: { conditions: [condition] } }, 'strategic-merge-patch').catch(() => this.#refused.delete(uid));
  }

  #choose(pod: Pod): Placement {
    const unknown = unsupported(pod);
    if (unknown !== null) return { node: null, message: `the scheduler of this cluster does not know ${unknown}` };
    const required = nodeSelectorOf(pod);
    const named = required === undefined ? null : namedNodes(required);
    // A DaemonSet also runs on cordoned nodes.
    const candidates = this.#nodes.filter(({ name }) => (named === null ? !this.#isCordoned(name) : named.includes(name)));
    const selected = candidates.filter((node) => includes(labelsOf(node), pod.spec.nodeSelector ?? {}));
    if (selected.length === 0) return { node: null, message: 'no node that accepts Pods has the labels of nodeSelector' };
    const strict = (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
    const allowed = selected.filter((node) => strict.every((constraint) => this.#spreads(pod, constraint, node, selected)));
    const best = allowed.toSorted((a, b) => this.#siblings(pod, a) - this.#siblings(pod, b))[0];
    return { node: best?.name ?? null, message: 'every node would break a topologySpreadConstraint' };
  }

  #isCordoned(node: string): boolean {
    return this.#cordons.get('', node)?.spec?.unschedulable === true;
  }

  /** Whether the node's domain, with the Pod, has at most maxSkew more matching Pods than the emptiest. */
  #spreads(
    pod: Pod,
    { topologyKey, maxSkew, labelSelector = {} }: SpreadConstraint,
    node: NodeOptions,
    nodes: readonly NodeOptions[],
  ): boolean {
    const own = labelsOf(node)[topologyKey];
    if (own === undefined) return false;
    const counts = new Map<string, number>();
    for (const each of nodes) {
      const domain = labelsOf(each)[topologyKey];
      if (domain === undefined) continue;
      counts.set(
        domain,
        (counts.get(domain) ?? 0) + this.#count(each, (other) => sameNamespace(pod, other) && matches(labelSelector, other)),
      );
    }
    return (counts.get(own) ?? 0) + 1 - Math.min(...counts.values()) <= maxSkew;
  }

  #siblings(pod: Pod, node: NodeOptions): number {
    const owner = pod.metadata.ownerReferences?.[0]?.uid;
    return this.#count(node, (other) => owner !== undefined && other.metadata.ownerReferences?.[0]?.uid === owner);
  }

  #count({ name }: NodeOptions, wanted: (pod: Pod) => boolean): number {
    let count = 0;
    for (const pod of this.#pods.all()) {
      const there = (pod.spec.nodeName ?? this.#bound.get(pod.metadata.uid ?? '')) === name;
      if (there && pod.metadata.deletionTimestamp === undefined && wanted(pod)) count += 1;
    }
    return count;
  }
}

function labelsOf({ name, labels = {} }: NodeOptions): Labels {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels };
}

function includes(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function sameNamespace(pod: Pod, other: Pod): boolean {
  return pod.metadata.namespace === other.metadata.namespace;
}

function matches({ matchLabels = {} }: LabelSelector, { metadata }: Pod): boolean {
  return includes(metadata.labels ?? {}, matchLabels);
}

/** The nodes that a required nodeAffinity names. Pods of DaemonSets have such an affinity. Null for one of another form. */
function namedNodes({ nodeSelectorTerms }: NodeSelector): readonly string[] | null {
  const [field, ...others] = nodeSelectorTerms.flatMap(({ matchFields }) => matchFields ?? []);
  const isForm = nodeSelectorTerms.length === 1 && nodeSelectorTerms[0]?.matchExpressions === undefined && others.length === 0;
  return isForm && field?.key === 'metadata.name' && field.operator === 'In' ? (field.values ?? []) : null;
}

function nodeSelectorOf({ spec: { affinity } }: Pod): NodeSelector | undefined {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
}

/** The first requirement of a Pod that this scheduler does not support. Preferences may be ignored. */
function unsupported(pod: Pod): string | null {
  const { affinity, topologySpreadConstraints, schedulingGates } = pod.spec;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const nodes = nodeSelectorOf(pod);
  const asks = {
    schedulingGates,
    'required nodeAffinity': nodes === undefined || namedNodes(nodes) !== null ? undefined : nodes,
    'required podAffinity': affinity?.podAffinity?.[required],
    'required podAntiAffinity': affinity?.podAntiAffinity?.[required],
    'matchExpressions of a topologySpreadConstraint': topologySpreadConstraints?.flatMap(expressionsOf),
  };
  return Object.entries(asks).find(([, value]) => !isNothing(value))?.[0] ?? null;
}

function expressionsOf({ labelSelector }: SpreadConstraint): readonly unknown[] {
  return labelSelector?.matchExpressions ?? [];
}

function isNothing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
