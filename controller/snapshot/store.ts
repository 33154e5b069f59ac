// The latest form of every object Weir reads, frozen, and what a change to one of them touches.
import { isDeepStrictEqual } from 'node:util';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import { cellsOf, indexCell, type Indexed, type IndexName } from './indexes.ts';

/**
 * Objects by kind, namespace and name, and by the keys of the indexes.
 * Every change answers with the *cells* it touched: the object's id and the index keys it is or was listed under.
 * Who read none of them cannot notice the change.
 */
export class Store {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #listed = new Map<string, Map<string, KubernetesObject>>();
  /** Why nothing is known of an object that exists, by its id. */
  readonly #unreadable = new Map<string, string>();

  /**
   * Takes the object over and freezes it. No cell is touched when nothing compile may depend on has changed:
   * status (but for that of a Service), managedFields, annotations (but for those of a CRD) and resourceVersion do not count.
   */
  upsert(object: KubernetesObject): readonly string[] {
    const relevant = relevantPart(object);
    const id = objectId(refOf(object));
    const before = this.#objects.get(id);
    if (before !== undefined && isDeepStrictEqual(before, relevant)) return [];
    deepFreeze(relevant);
    this.#unreadable.delete(id);
    this.#objects.set(id, relevant);
    return this.#list(id, before, relevant);
  }

  /** Forgets the object; touches no cell when there was none. */
  delete(ref: ObjectRef): readonly string[] {
    const id = objectId(ref);
    const before = this.#objects.get(id);
    if (this.#unreadable.delete(id)) return [id];
    if (before === undefined) return [];
    this.#objects.delete(id);
    return this.#list(id, before, undefined);
  }

  /** Forgets what is known of an object that exists, and keeps why. */
  markUnreadable(ref: ObjectRef, reason: string): readonly string[] {
    const id = objectId(ref);
    if (this.#unreadable.get(id) === reason) return [];
    const touched = this.delete(ref);
    this.#unreadable.set(id, reason);
    return touched.length > 0 ? touched : [id];
  }

  /** Why nothing is known of the object; undefined when it is known, or absent. */
  whyUnreadable(kind: KindName, namespace: string, name: string): string | undefined {
    return this.#unreadable.get(objectId({ kind, namespace, name }));
  }

  /** True when there is such an object. */
  has(ref: ObjectRef): boolean {
    return this.hasId(objectId(ref));
  }

  /** The same by its id, `Kind/namespace/name`. */
  hasId(id: string): boolean {
    return this.#objects.has(id);
  }

  /** The object of that name. Namespace is '' for a cluster-scoped kind. */
  get<K extends KindName>(kind: K, namespace: string, name: string): ObjectsByKind[K] | undefined {
    return this.#objects.get(objectId({ kind, namespace, name })) as ObjectsByKind[K] | undefined;
  }

  /** The objects under a key of an index, in the order of their names. */
  list<I extends IndexName>(index: I, key: string): readonly Indexed<I>[] {
    const objects = this.#listed.get(indexCell(index, key));
    if (objects === undefined) return [];
    return [...objects.keys()].sort().map((id) => objects.get(id) as unknown as Indexed<I>);
  }

  #list(id: string, before: KubernetesObject | undefined, after: KubernetesObject | undefined): readonly string[] {
    const left = before === undefined ? [] : cellsOf(before);
    const joined = after === undefined ? [] : cellsOf(after);
    for (const cell of left) this.#unlist(cell, id);
    for (const cell of joined) this.#enlist(cell, id, after as KubernetesObject);
    return [...new Set([id, ...left, ...joined])];
  }

  #enlist(cell: string, id: string, object: KubernetesObject): void {
    const listed = this.#listed.get(cell);
    if (listed === undefined) this.#listed.set(cell, new Map([[id, object]]));
    else listed.set(id, object);
  }

  #unlist(cell: string, id: string): void {
    const listed = this.#listed.get(cell);
    listed?.delete(id);
    if (listed?.size === 0) this.#listed.delete(cell);
  }
}

/** The object without what changes all the time and means nothing to compile. A new uid means a new object, whose status is empty. */
function relevantPart(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, generation, creationTimestamp, labels, annotations } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(labels === undefined ? {} : { labels }),
    // Which release of the Gateway API it is of.
    ...(annotations !== undefined && object.kind === 'CustomResourceDefinition' ? { annotations } : {}),
  };
  const { status, ...rest } = object as KubernetesObject & { status?: unknown };
  // Where the proxies of a Gateway are reached.
  const kept = object.kind === 'Service' && status !== undefined ? { status } : {};
  return { ...rest, ...kept, metadata };
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
}
