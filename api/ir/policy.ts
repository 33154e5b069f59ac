// A policy: what one object of Weir's own policy kinds says, and about what. Policies travel unmerged, so that a change of one is
// one resource; api/policy merges them.
import { Type, type Static } from 'typebox';
import { objectName, originOfKey, type ResourceKindOf } from './resource-kind.ts';

/**
 * What a policy is attached to: a Gateway, a ListenerSet, a route, a Service or a Backend. `section`: the name of a listener or of a rule, the
 * number of a port of a Service, or '' for the whole object.
 */
export const PolicyTarget = Type.Object(
  { kind: Type.String({ minLength: 1 }), namespace: Type.String(), name: Type.String({ minLength: 1 }), section: Type.String() },
  { additionalProperties: false },
);
export type PolicyTarget = Static<typeof PolicyTarget>;

/**
 * One policy. Key: `<policy kind>/<namespace>/<name>`. Of two that are attached to the same thing the older one is in force, then
 * the one whose `namespace/name` sorts first (GEP-713); the controller sends each only with the targets that it has.
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
    /** What the author set and nothing else, in milliseconds and bytes. Its shape is that of the policy kind (api/policy/settings.ts). */
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
  /** Those of settings stand with their policy kinds (api/k8s). */
  additions: [],
};
