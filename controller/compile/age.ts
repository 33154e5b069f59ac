// The order of objects by age, which settles most conflicts in the Gateway API.
import { compareText } from '#lib/compare-text.ts';
import type { ObjectMeta } from '#api/k8s/object.ts';

/** metadata.creationTimestamp in seconds since the epoch; 0 if there is none. */
export function createdAt({ creationTimestamp = '' }: ObjectMeta): number {
  return Math.max(0, Math.floor(Date.parse(creationTimestamp) / 1000)) || 0;
}

/** The objects by age, oldest first; of equal age by `namespace/name`, then by kind. */
export function byAge<T extends Aged>(objects: readonly T[]): T[] {
  // Parses each date once: parsing it in every comparison would dominate the cost.
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
