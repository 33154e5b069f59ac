// The kinds of objects of fleets, as in API paths.
import type { KindInfo } from '#api/k8s/kinds.ts';
import { groupPath } from '../watch/api-paths.ts';

type FleetKind = Pick<KindInfo, 'apiVersion' | 'kind' | 'plural'>;

export const FLEET_KINDS = {
  ServiceAccount: { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  Secret: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' },
  Service: { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  HorizontalPodAutoscaler: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers' },
  PodDisruptionBudget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
} as const satisfies Record<string, FleetKind>;

export type FleetKindName = keyof typeof FLEET_KINDS;

/** A reference to an object of these kinds. */
export interface FleetObjectRef {
  readonly kind: FleetKindName;
  readonly namespace: string;
  readonly name: string;
}

export function fleetObjectPath({ kind, namespace, name }: FleetObjectRef): string {
  const { apiVersion, plural } = FLEET_KINDS[kind];
  return `${groupPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
}
