// A policy: the settings of one object of a Weir policy kind, and its targets. The controller sends policies unmerged, so that a change of
// one policy is a change of one resource; api/policy merges them.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { objectName, originOfKey, type References, type ResourceKindOf } from './resource-kind.ts';

/**
 * The target of a policy: a Gateway, a ListenerSet, a route, a Service or a Backend. `section`: the name of a listener or a rule, the
 * number of a port of a Service, or '' for the whole object.
 */
export const PolicyTarget = Type.Object(
  { kind: Type.String({ minLength: 1 }), namespace: Type.String(), name: Type.String({ minLength: 1 }), section: Type.String() },
  { additionalProperties: false },
);
export type PolicyTarget = Static<typeof PolicyTarget>;

/**
 * A reference of a policy that does not resolve, or a rule that the policy breaks. `field`: the setting, as `basic.users`; '' for the whole
 * policy.
 */
export const PolicyProblem = Type.Object({ field: Type.String(), message: Type.String({ minLength: 1 }) }, { additionalProperties: false });
export type PolicyProblem = Static<typeof PolicyProblem>;

/**
 * One policy. Key: `<policy kind>/<namespace>/<name>`. If two policies have the same target, the older one is in force, then the one whose
 * `namespace/name` sorts first (GEP-713); the controller sends each policy only with the targets where it is in force.
 */
export const Policy = Type.Object(
  {
    kind: Type.Literal('Policy'),
    key: Type.String({ minLength: 1 }),
    policyKind: Type.String({ minLength: 1 }),
    namespace: Type.String(),
    name: Type.String(),
    /** metadata.creationTimestamp of the object, seconds since the epoch. */
    createdAt: Type.Integer({ minimum: 0 }),
    targets: Type.Array(PolicyTarget),
    /** Only the settings that the author made, in milliseconds and bytes. The policy kind defines their shape (api/policy/settings.ts). */
    settings: Type.Record(Type.String(), Type.Unknown()),
    /** The ids of the resources that the settings need. Absent: none. */
    references: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** Why a policy that protects its targets cannot do so. Absent: no problem. */
    problems: Type.Optional(Type.Array(PolicyProblem)),
  },
  { additionalProperties: false },
);
export type Policy = Static<typeof Policy>;

export const policyKind: ResourceKindOf<typeof Policy> = {
  kind: 'Policy',
  schema: Policy,
  origin: originOfKey,
  hasStatus: true,
  references: { from: 'content', read: referencesOfPolicy },
  restrict: (policy, isVisible) => ({ ...policy, targets: policy.targets.filter((target) => isVisible(objectName(target))) }),
  /** The additions of settings are in the policy kinds (api/k8s). Kinds with references and problems are themselves additions. */
  additions: [
    { capability: 'object-data', path: 'references', otherwise: 'omit silently' },
    { capability: 'object-data', path: 'problems', otherwise: 'withhold' },
  ],
};

/** A policy is needed for each of its targets, and needs what its settings refer to. */
function referencesOfPolicy({ targets, references = [] }: Policy): References {
  return { names: [...new Set(targets.map(objectName))], needs: [...new Set(references)] };
}

const CLUSTER = resourceId('Cluster', '');

/** The clusters (keys) that the settings of a policy refer to. */
export function clustersOfPolicy({ references = [] }: Policy): readonly string[] {
  return references.filter((id) => id.startsWith(CLUSTER)).map((id) => id.slice(CLUSTER.length));
}
