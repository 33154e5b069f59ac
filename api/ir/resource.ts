// The union of everything the controller pushes and a proxy holds, and the order in which it must travel.
import { contentHash } from '#lib/hash.ts';
import type { Cluster } from './cluster.ts';
import type { Endpoints } from './endpoints.ts';
import type { Listener } from './listener.ts';
import type { Policy } from './policy.ts';
import type { Route } from './route.ts';
import type { Secret } from './secret.ts';
import type { StreamRoute } from './stream-route.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** One IR resource. `kind` and `key` identify it; its version is the hash of its content. */
export type Resource = Listener | Route | StreamRoute | Cluster | Endpoints | Secret | TrustBundle | Policy;
export type ResourceKind = Resource['kind'];

/** Make before break: what others point at comes first. Removals travel in reverse. */
export const KIND_ORDER: readonly ResourceKind[] = [
  'Secret',
  'TrustBundle',
  'Endpoints',
  'Cluster',
  'Policy',
  'Listener',
  'Route',
  'StreamRoute',
];

/** `<kind>|<key>`: unique over all resources. */
export function resourceId(kind: ResourceKind, key: string): string {
  return `${kind}|${key}`;
}

/** A resource as the controller stores and sends it: canonical JSON once encoded, never encoded again. */
export interface EncodedResource {
  readonly kind: ResourceKind;
  readonly key: string;
  /** Content hash of `body`, hexadecimal. */
  readonly version: string;
  /** The resource as UTF-8 JSON. */
  readonly body: Buffer;
}

/** Encodes a resource that is new or different. Whoever makes resources makes equal ones with their fields in the same order. */
export function encodeResource(resource: Resource): EncodedResource {
  const body = Buffer.from(JSON.stringify(resource));
  return { kind: resource.kind, key: resource.key, version: contentHash(body), body };
}
