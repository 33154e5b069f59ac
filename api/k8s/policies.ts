// The list of the policy kinds with settings: Weir's own, and one of the Gateway API. Each is watched, compiled, pushed, merged, documented and explained.
import type { Static } from '#lib/typebox.ts';
import { backendTrafficPolicy } from './backend-traffic-policy.ts';
import { clientTrafficPolicy } from './client-traffic-policy.ts';
import { extensionPolicy } from './extension-policy.ts';
import { httpPolicy } from './http-policy.ts';
import { rateLimitPolicy } from './rate-limit-policy.ts';
import { securityPolicy } from './security-policy.ts';
import { WEIR_GROUP } from './schema.ts';
import { telemetryPolicy } from './telemetry-policy.ts';
import { xBackendTrafficPolicy } from './x-backend-traffic-policy.ts';

/** In the order of docs/reference/policies.md. */
export const POLICIES = [
  clientTrafficPolicy,
  backendTrafficPolicy,
  xBackendTrafficPolicy,
  securityPolicy,
  rateLimitPolicy,
  httpPolicy,
  extensionPolicy,
  telemetryPolicy,
] as const;

/** Weir's own. The others are kinds of the Gateway API, which has their CRDs. */
export const OWN_POLICIES = POLICIES.filter(({ apiVersion }) => apiVersion.startsWith(`${WEIR_GROUP}/`));

type Policies = (typeof POLICIES)[number];
/** The name of a policy kind. */
export type PolicyKindName = Policies['kind'];
/** The description and the schemas of a policy kind. */
export type PolicyKind<K extends PolicyKindName = PolicyKindName> = Extract<Policies, { readonly kind: K }>;

/** The objects of each kind. */
export type PolicyObjects = { [K in PolicyKindName]: Static<PolicyKind<K>['schema']> };
/** An object of any policy kind. */
export type Policy = PolicyObjects[PolicyKindName];

const BY_KIND: ReadonlyMap<string, PolicyKind> = new Map(POLICIES.map((policy) => [policy.kind, policy]));

/** The policy kind of that name, or undefined. */
export function policyKindOf(kind: string): PolicyKind | undefined {
  return BY_KIND.get(kind);
}
