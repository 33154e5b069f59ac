// Finds the policies for a listener, or for requests of a route on their way to a backend, nearest first.
import { objectName, parseListenerKey, type Policy, type PolicyTarget, type Route, type StreamRoute } from '../ir/ir.ts';
import type { PolicyKindName } from '../k8s/policies.ts';
import { comparePolicies, type Layer } from './merge.ts';
import { asBackendTraffic } from './x-backend-traffic.ts';

/** The kind of the Gateway API with settings of a BackendTrafficPolicy. */
const FOREIGN: PolicyKindName = 'XBackendTrafficPolicy';

/** The fields of a route that policies refer to. */
export type TargetedRoute = Pick<Route, 'objectKind' | 'namespace' | 'name' | 'ruleName'>;

/** `Gateway/ns/name`, with ` listener x`, ` rule x` or ` port x` for a part of it. */
export function describeTarget({ kind, namespace, name, section }: PolicyTarget): string {
  const object = objectName({ kind, namespace, name });
  if (section === '') return object;
  return `${object} ${SECTIONS.get(kind) ?? 'rule'} ${section}`;
}

/** The word for a section of each kind; sections of routes are rules. */
const SECTIONS: ReadonlyMap<string, string> = new Map([
  ['Gateway', 'listener'],
  ['ListenerSet', 'listener'],
  ['Service', 'port'],
]);

/** The policies of a proxy by target. Immutable: a change creates a new index. */
export class PolicyIndex {
  readonly #attached = new Map<string, Policy>();

  constructor(policies: Iterable<Policy>) {
    for (const each of [...policies].sort(comparePolicies)) {
      const policy = each.policyKind === FOREIGN ? asBackendTraffic(each) : each;
      for (const target of policy.targets) {
        const id = idOf(policy.policyKind, target);
        // The controller decides which policy is in force; while its changes arrive one by one, two policies may have the same target.
        if (!this.#attached.has(id)) this.#attached.set(id, policy);
      }
    }
  }

  static readonly EMPTY = new PolicyIndex([]);

  get isEmpty(): boolean {
    return this.#attached.size === 0;
  }

  /** The policies of a kind with one of these targets, in the order of the targets; for a target Weir's own comes first. */
  layers(kind: PolicyKindName, targets: readonly PolicyTarget[]): readonly Layer[] {
    if (this.#attached.size === 0) return [];
    const kinds = kind === 'BackendTrafficPolicy' ? [kind, FOREIGN] : [kind];
    return targets.flatMap((target) =>
      kinds.flatMap((each): readonly Layer[] => {
        const policy = this.#attached.get(idOf(each, target));
        return policy === undefined ? [] : [{ policy, target: describeTarget(target) }];
      }),
    );
  }
}

function idOf(kind: string, { kind: targetKind, namespace, name, section }: PolicyTarget): string {
  return `${kind}|${targetKind}/${namespace}/${name}|${section}`;
}

/** The targets whose policies apply to a listener (key): the listener, then its ListenerSet, then its Gateway. */
export function listenerTargets(key: string): readonly PolicyTarget[] {
  const { gateway, listenerSet, listener } = parseListenerKey(key);
  const whole = { kind: 'Gateway', ...gateway, section: '' };
  if (listenerSet === null) return [{ ...whole, section: listener }, whole];
  const set = { kind: 'ListenerSet', ...listenerSet, section: '' };
  return [{ ...set, section: listener }, set, whole];
}

/** The targets whose policies apply to a backend (key of a cluster): the port of the Service, then the Service; or the Backend. */
export function backendTargets(cluster: string): readonly PolicyTarget[] {
  const [kind = '', namespace = '', name = '', port = ''] = cluster.split('/');
  const whole = { kind, namespace, name, section: '' };
  return port === '' ? [whole] : [{ ...whole, section: port }, whole];
}

/** The targets whose policies apply to a rule: the rule if it has a name, then its route. */
export function ruleTargets({ objectKind, namespace, name, ruleName }: TargetedRoute): readonly PolicyTarget[] {
  const whole = { kind: objectKind, namespace, name, section: '' };
  return ruleName === '' ? [whole] : [{ ...whole, section: ruleName }, whole];
}

/**
 * The targets whose policies apply to requests that arrive at a listener (key), match a rule and go to a backend (key of a cluster, null
 * before the choice of a backend). The rule comes first, then the backend, then the Gateway.
 */
export function requestTargets(route: TargetedRoute, listener: string, cluster: string | null): readonly PolicyTarget[] {
  return [...ruleTargets(route), ...(cluster === null ? [] : backendTargets(cluster)), ...listenerTargets(listener)];
}

/** The objects whose policies may apply to the requests of a route, each once. `further`: keys of clusters that policies add to its own. */
export function objectsAbout(route: Route | StreamRoute, further: readonly string[] = []): readonly string[] {
  const keys = [...route.backends.flatMap(({ cluster }) => cluster ?? []), ...further];
  const clusters = keys.flatMap(backendTargets);
  const listeners = route.attachments.flatMap(({ listener }) => listenerTargets(listener));
  return [...new Set([...ruleTargets(route), ...clusters, ...listeners].map(objectName))];
}
