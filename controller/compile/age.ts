// Which of two objects is older: how the Gateway API settles most conflicts.
import type { ObjectMeta } from '#api/k8s/object.ts';

/** metadata.creationTimestamp in seconds since the epoch; 0 where there is none. */
export function createdAt({ creationTimestamp = '' }: ObjectMeta): number {
  return Math.max(0, Math.floor(Date.parse(creationTimestamp) / 1000)) || 0;
}

/** For `sort`: the older first, then the first by `namespace/name`, then by kind. */
export function compareAge(a: Aged, b: Aged): number {
  return createdAt(a.metadata) - createdAt(b.metadata) || compareText(nameOf(a), nameOf(b)) || compareText(a.kind, b.kind);
}

interface Aged {
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

function nameOf({ metadata }: Aged): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
