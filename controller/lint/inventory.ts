// The objects of a folder by kind and name, and the nearest name for a missing one.
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import { nearest } from '#lib/nearest.ts';

export class Inventory {
  readonly #byId: ReadonlyMap<string, KubernetesObject>;
  readonly #byKind: ReadonlyMap<string, readonly KubernetesObject[]>;

  constructor(objects: readonly KubernetesObject[]) {
    this.#byId = new Map(objects.map((object) => [objectId(refOf(object)), object]));
    this.#byKind = Map.groupBy(objects, ({ kind }) => kind);
  }

  /** The object with this id, `Kind/namespace/name`. */
  get(id: string): KubernetesObject | undefined {
    return this.#byId.get(id);
  }

  /** Every object of a kind. */
  all<K extends KindName>(kind: K): readonly ObjectsByKind[K][] {
    return (this.#byKind.get(kind) ?? []) as readonly ObjectsByKind[K][];
  }

  /** `; did you mean NAME?` for a missing object, or the namespaces with an object of its name; '' without either. */
  hint(id: string): string {
    const [kind = '', ...rest] = id.split('/');
    const [name = '', namespace = ''] = rest.reverse();
    const siblings = (this.#byKind.get(kind) ?? []).map(({ metadata }) => metadata);
    const elsewhere = siblings.filter((other) => other.name === name && other.namespace !== undefined).map((other) => other.namespace);
    if (elsewhere.length > 0) return `; namespace ${elsewhere.slice(0, 3).join(', ')} has one of this name`;
    const own = siblings.filter((other) => (other.namespace ?? '') === namespace).map((other) => other.name);
    const meant = nearest(name, own);
    return meant === null ? '' : `; did you mean ${meant}?`;
  }
}
