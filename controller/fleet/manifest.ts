// An object that is made for a Gateway, as it is applied: only the fields that are ours.
import type { DesiredFleet } from '../compile/result.ts';
import { fleetName, gatewayLabel } from '../compile/fleet-name.ts';
import { GATEWAY_GROUP, WEIR_GROUP } from '#api/k8s/schema.ts';
import { contentHash } from '#lib/hash.ts';

export type Labels = Readonly<Record<string, string>>;
/** A part of a manifest. */
export type Fields = Readonly<Record<string, unknown>>;

export interface ManifestMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly ownerReferences: readonly Fields[];
}

/** Kubernetes JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ManifestMetadata;
  readonly spec?: Fields;
  readonly data?: Labels;
  readonly type?: string;
  readonly automountServiceAccountToken?: boolean;
}

/** What fleets have in common: what whoever runs the controller decides. */
export interface FleetSettings {
  readonly controllerName: string;
  /** Image of the proxies where parameters name none. */
  readonly image: string;
  /** `host:port` at which proxies reach the push servers of the controllers. */
  readonly controller: string;
  /** The name in the certificate of the push servers, where it is not that host. */
  readonly controllerTlsName: string;
  /** The families of addresses that the controller's own pool has; none without a pool. */
  readonly poolFamilies: readonly ('IPv4' | 'IPv6')[];
  /** How long the certificates of proxies are good, milliseconds. */
  readonly certificateLifetime: number;
}

/** On everything that a controller of this name makes, so that several do not take each other's for their own. */
export const CONTROLLER_LABEL = `${WEIR_GROUP}/controller`;

/** Names of controllers are no values of labels. */
export function controllerLabel(controllerName: string): string {
  return contentHash(controllerName);
}

/** What selects the pods of a fleet. Never changes: a Deployment's selector cannot. */
export function selectorOf(fleet: DesiredFleet): Labels {
  return { 'app.kubernetes.io/name': 'weir-proxy', 'app.kubernetes.io/instance': nameOf(fleet).name };
}

/** Namespace and name of everything that is made for the Gateway. */
export function nameOf({ gateway }: Pick<DesiredFleet, 'gateway'>): { readonly namespace: string; readonly name: string } {
  const slash = gateway.indexOf('/');
  return { namespace: gateway.slice(0, slash), name: fleetName(gateway.slice(slash + 1)) };
}

/** Ours win over those of spec.infrastructure: everything is found by them. */
export function labelsOf(fleet: DesiredFleet, { controllerName }: FleetSettings): Labels {
  return {
    ...fleet.labels,
    ...selectorOf(fleet),
    'app.kubernetes.io/component': 'proxy',
    'app.kubernetes.io/part-of': 'weir',
    'app.kubernetes.io/managed-by': 'weir',
    [`${GATEWAY_GROUP}/gateway-name`]: gatewayLabel(gatewayName(fleet)),
    [CONTROLLER_LABEL]: controllerLabel(controllerName),
  };
}

/** What every object carries. Owned by the Gateway: it goes with it. */
export function metadataFor(fleet: DesiredFleet, settings: FleetSettings, annotations: Labels = {}): ManifestMetadata {
  const owner = { apiVersion: `${GATEWAY_GROUP}/v1`, kind: 'Gateway', name: gatewayName(fleet), uid: fleet.uid, controller: true };
  return {
    ...nameOf(fleet),
    labels: labelsOf(fleet, settings),
    annotations: { ...fleet.annotations, ...annotations },
    ownerReferences: [owner],
  };
}

function gatewayName({ gateway }: DesiredFleet): string {
  return gateway.slice(gateway.indexOf('/') + 1);
}
