// Ids of resources.
import type { ResourceKind } from './resource.ts';

/** `<kind>|<key>`: unique over all resources. */
export function resourceId(kind: ResourceKind, key: string): string {
  return `${kind}|${key}`;
}
