// Names that may need themselves: a policy of a backend refers to another backend, whose policy refers to the first. Each keeps the count
// of the other above 0, so that counts alone do not tell when nothing else needs them.
import type { EncodedResource, References } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';

const CLUSTER = resourceId('Cluster', '');

/** A resource with its references. */
interface Referring extends References {
  readonly resource: Pick<EncodedResource, 'kind'>;
}

export class Loops {
  /** The names and needs of policies that refer to backends, with the number of these policies. */
  readonly #counts = new Map<string, number>();

  /** Whether a name may be part of a loop. */
  has(name: string): boolean {
    return this.#counts.has(name);
  }

  add(referring: Referring | null): void {
    for (const name of partsOf(referring)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  remove(referring: Referring | null): void {
    for (const name of partsOf(referring)) {
      const left = (this.#counts.get(name) ?? 0) - 1;
      if (left > 0) this.#counts.set(name, left);
      else this.#counts.delete(name);
    }
  }
}

/** Every loop has a policy with a need for a cluster: clusters need only the policies of their object. */
function partsOf(referring: Referring | null): readonly string[] {
  if (referring?.resource.kind !== 'Policy' || !referring.needs.some((name) => name.startsWith(CLUSTER))) return [];
  return [...referring.names, ...referring.needs];
}
