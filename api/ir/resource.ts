// The list of the kinds of resources, and the union of everything the controller pushes and a proxy holds.
import type { Static } from '#lib/typebox.ts';
import { contentHash } from '#lib/hash.ts';
import { challengeKind } from './challenge.ts';
import { clusterKind } from './cluster.ts';
import { consumerKind } from './consumer.ts';
import { endpointsKind } from './endpoints.ts';
import { listenerKind } from './listener.ts';
import { objectDataKind } from './object-data.ts';
import { policyKind } from './policy.ts';
import type { ResourceKindOf, ResourceOrigin } from './resource-kind.ts';
import { routeKind } from './route.ts';
import { secretKind } from './secret.ts';
import { sessionKeysKind } from './session-keys.ts';
import { streamRouteKind } from './stream-route.ts';
import { trustBundleKind } from './trust-bundle.ts';

/** Every kind, in the order of changes in a push (make before break): a kind stands after the kinds that it refers to. Removals go in reverse. */
export const RESOURCE_KINDS = [
  secretKind,
  trustBundleKind,
  objectDataKind,
  sessionKeysKind,
  challengeKind,
  consumerKind,
  endpointsKind,
  clusterKind,
  policyKind,
  listenerKind,
  routeKind,
  streamRouteKind,
] as const;

/** One IR resource. `kind` and `key` identify it; its version is the hash of its content. */
export type Resource = Static<(typeof RESOURCE_KINDS)[number]['schema']>;
export type ResourceKind = Resource['kind'];

/** The names of the kinds, in the order of RESOURCE_KINDS. */
export const KIND_ORDER: readonly ResourceKind[] = RESOURCE_KINDS.map(({ kind }) => kind);

/** A descriptor whose kind is not known at compile time: it takes resources of its own kind only. */
type AnyKind = ResourceKindOf<(typeof RESOURCE_KINDS)[number]['schema']>;

const BY_NAME = new Map<ResourceKind, AnyKind>(RESOURCE_KINDS.map((each) => [each.kind, each as AnyKind]));

/** The descriptor of a kind. */
export function resourceKind(kind: ResourceKind): AnyKind {
  const found = BY_NAME.get(kind);
  if (found === undefined) throw new Error(`no kind of resource is called ${kind}`);
  return found;
}

/** Maps a resource to the object that it was compiled from. */
export function originOf(kind: ResourceKind, key: string): ResourceOrigin {
  return resourceKind(kind).origin(key);
}

/** A resource as the controller stores and sends it: canonical JSON once encoded, never encoded again. */
export interface EncodedResource {
  readonly kind: ResourceKind;
  readonly key: string;
  /** Content hash of `body`, hexadecimal. */
  readonly version: string;
  /** The resource as UTF-8 JSON. */
  readonly body: Buffer;
  /** Endpoints that are not known yet: a receiver with an earlier version of the resource keeps it. */
  readonly isProvisional?: true;
}

/** Encodes a resource that is new or different. Equal resources must have their fields in the same order. */
export function encodeResource(resource: Resource): EncodedResource {
  const body = Buffer.from(JSON.stringify(resource));
  const provisional = resource.kind === 'Endpoints' && resource.unresolved === true ? ({ isProvisional: true } as const) : {};
  return { kind: resource.kind, key: resource.key, version: contentHash(body), body, ...provisional };
}
