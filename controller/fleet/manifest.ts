// A manifest: an object of a fleet as it is applied, with Weir's own fields only.
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

/** A Kubernetes object as JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ManifestMetadata;
  readonly spec?: Fields;
  readonly data?: Labels;
  readonly type?: string;
  readonly automountServiceAccountToken?: boolean;
}

/** Settings of the controller for all fleets. */
export interface FleetSettings {
  readonly controllerName: string;
  /** Image of the proxies, unless the parameters name another. */
  readonly image: string;
  /** `host:port` at which proxies reach the push servers of the controllers. */
  readonly controller: string;
  /** The name in the certificate of the push servers, if it is not the host of `controller`. */
  readonly controllerTlsName: string;
  /** The address families of the controller's own pool; empty without a pool. */
  readonly poolFamilies: readonly ('IPv4' | 'IPv6')[];
  /** User and group of proxies; null means that the cluster chooses them. */
  readonly user: number | null;
  /** Lifetime of the proxies' certificates, milliseconds. */
  readonly certificateLifetime: number;
}

/** Label of all objects that a controller of this name creates, so that several controllers keep their objects apart. */
export const CONTROLLER_LABEL = `${WEIR_GROUP}/controller`;

/** Names of controllers are not valid label values, so they are hashed. */
export function controllerLabel(controllerName: string): string {
  return contentHash(controllerName);
}

/** The selector of a fleet's pods. Must not change: the selector of a Deployment is immutable. */
export function selectorOf(fleet: DesiredFleet): Labels {
  return { 'app.kubernetes.io/name': 'weir-proxy', 'app.kubernetes.io/instance': nameOf(fleet).name };
}

/** Namespace and name of all objects of the Gateway. */
export function nameOf({ gateway }: Pick<DesiredFleet, 'gateway'>): { readonly namespace: string; readonly name: string } {
  const slash = gateway.indexOf('/');
  return { namespace: gateway.slice(0, slash), name: fleetName(gateway.slice(slash + 1)) };
}

/** Weir's labels override those of spec.infrastructure, since Weir finds objects by them. */
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

/** The metadata of every object. The Gateway owns it, so that it is deleted with the Gateway. */
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

/** An environment variable with the value of a field of the Pod; '' if the field has none. */
export function fromField(name: string, fieldPath: string): Fields {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** An entry of a Secret or ConfigMap as a file of a projected volume; nothing without a reference. A missing object stops no Pod. */
export function fromObject(
  kind: string,
  ref: { readonly name: string; readonly key: string } | undefined,
  path: string,
): readonly Fields[] {
  return ref === undefined ? [] : [{ [kind]: { name: ref.name, optional: true, items: [{ key: ref.key, path }] } }];
}
