// Which of two objects is older: how the Gateway API settles most conflicts.
import { compareText } from '#lib/compare-text.ts';
import type { ObjectMeta } from '#api/k8s/object.ts';

/** metadata.creationTimestamp in seconds since the epoch; 0 where there is none. */
export function createdAt({ creationTimestamp = '' }: ObjectMeta): number {
  return Math.max(0, Math.floor(Date.parse(creationTimestamp) / 1000)) || 0;
}

/** The objects, the older first, then the first by `namespace/name`, then by kind. */
export function byAge<T extends Aged>(objects: readonly T[]): T[] {
  // Worked out once each: parsing a date at every comparison would cost more than all the rest.
  const ranked = objects.map((object) => {
    const { kind, metadata } = object;
    return { object, at: createdAt(metadata), name: `${metadata.namespace ?? ''}/${metadata.name}`, kind };
  });
  ranked.sort((a, b) => a.at - b.at || compareText(a.name, b.name) || compareText(a.kind, b.kind));
  return ranked.map(({ object }) => object);
}

interface Aged {
  readonly kind: string;
  readonly metadata: ObjectMeta;
}
