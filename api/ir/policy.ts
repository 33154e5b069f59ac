// A policy: the settings of one object of a Weir policy kind, and its targets. The controller sends policies unmerged, so that a change of
// one policy is a change of one resource; api/policy merges them.
import { Type, type Static } from 'typebox';
import { objectName, originOfKey, type ResourceKindOf } from './resource-kind.ts';

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
  },
  { additionalProperties: false },
);
export type Policy = Static<typeof Policy>;

export const policyKind: ResourceKindOf<typeof Policy> = {
  kind: 'Policy',
  schema: Policy,
  origin: originOfKey,
  hasStatus: true,
  references: { from: 'content', read: ({ targets }) => ({ names: [...new Set(targets.map(objectName))], needs: [] }) },
  restrict: (policy, isVisible) => ({ ...policy, targets: policy.targets.filter((target) => isVisible(objectName(target))) }),
  /** The additions of settings are in the policy kinds (api/k8s). */
  additions: [],
};
