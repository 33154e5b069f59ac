// The resource and the status of a Consumer. Of two Consumers of a namespace with the same credential the older one has it.
import { identityOf, type Consumer as ConsumerResource } from '#api/ir/ir.ts';
import type { Consumer } from '#api/k8s/k8s.ts';
import { byAge } from './age.ts';
import * as conditions from './conditions.ts';
import { consumerUnit, identityCounter, isRefused, type ConsumerOutcome, type ResolvedCredential } from './consumer.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** By identity that several Consumers of a namespace have: the name of the oldest one. */
type Owners = Readonly<Record<string, string>>;

/** Key: a namespace. Read only by Consumers with a conflict. */
const ownersUnit: UnitKind<Owners> = {
  name: 'consumer-owners',
  stage: 'rivals',
  fallback: () => ({}),
  compile(view, namespace) {
    const owners = new Map<string, string>();
    for (const { metadata } of byAge(view.list('consumersByNamespace', namespace))) {
      for (const { credential } of view.read(consumerUnit, `${namespace}/${metadata.name}`).credentials) {
        const counter = identityCounter(namespace, credential);
        if (counter === null || view.count(counter) < 2) continue;
        const identity = identityOf(credential);
        if (!owners.has(identity)) owners.set(identity, metadata.name);
      }
    }
    return valueOnly(Object.fromEntries(owners));
  },
};

/** Key: `<namespace>/<name>`. The root of every Consumer. */
export const consumerStatusUnit: UnitKind<null> = {
  name: 'consumer-status',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const consumer = view.object('Consumer', namespace, name);
    if (consumer === undefined) return valueOnly(null);
    const outcome = view.read(consumerUnit, key);
    const lost = lostTo(view, namespace, name, outcome.credentials);
    const kept = outcome.credentials.filter((each) => !lost.has(each));
    const ref = { kind: 'Consumer', namespace, name };
    const status = { ref, uid: consumer.metadata.uid ?? '', type: 'Consumer' as const, conditions: conditionsOf(consumer, outcome, lost) };
    return { ...valueOnly(null), resources: [resourceOf(key, consumer, isRefused(consumer, outcome), kept)], status };
  },
};

/** The credentials that another Consumer has, with its name. */
function lostTo(
  view: View,
  namespace: string,
  name: string,
  credentials: readonly ResolvedCredential[],
): ReadonlyMap<ResolvedCredential, string> {
  const contested = credentials.filter(({ credential }) => {
    const counter = identityCounter(namespace, credential);
    return counter !== null && view.count(counter) > 1;
  });
  if (contested.length === 0) return new Map();
  const owners = view.read(ownersUnit, namespace);
  return new Map(
    contested.flatMap((each): [ResolvedCredential, string][] => {
      const owner = owners[identityOf(each.credential)] ?? name;
      return owner === name ? [] : [[each, owner]];
    }),
  );
}

function resourceOf(key: string, { spec }: Consumer, disabled: boolean, kept: readonly ResolvedCredential[]): ConsumerResource {
  const { groups, plan = '', expires } = spec;
  const end = Date.parse(expires ?? '');
  return {
    kind: 'Consumer',
    key,
    groups: [...groups],
    plan,
    disabled,
    ...(Number.isNaN(end) ? {} : { expires: end }),
    credentials: kept.map(({ credential }) => credential),
  };
}

function conditionsOf(
  { metadata }: Consumer,
  { invalid, obstacles }: ConsumerOutcome,
  lost: ReadonlyMap<ResolvedCredential, string>,
): readonly DesiredCondition[] {
  const generation = metadata.generation ?? 0;
  if (invalid !== '') return [conditions.consumerNotAccepted(generation, invalid)];
  const [first] = obstacles;
  const message = obstacles.map((obstacle) => obstacle.message).join('; ');
  const conflicts = [...lost].map(
    ([{ field }, owner]) => `${field}: Consumer/${metadata.namespace ?? ''}/${owner} is older and has the same credential`,
  );
  return [
    conditions.consumerAccepted(generation),
    first === undefined
      ? conditions.consumerRefsResolved(generation)
      : conditions.consumerRefsNotResolved(generation, { reason: first.reason, message }),
    ...(conflicts.length === 0 ? [] : [conditions.consumerConflicted(generation, conflicts.join('; '))]),
  ];
}
