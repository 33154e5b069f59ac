// The store: the latest version of every object, frozen. Each change returns the cells that it touched.
import { isDeepStrictEqual } from 'node:util';
import { FILES_ANNOTATION } from '#api/k8s/config-map-files.ts';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import { alertStateRef, type AlertState } from '../watch/alerts.ts';
import type { FoundEndpoints } from '../watch/found.ts';
import { foundRef, SESSION_KEYS_REF } from '../watch/event.ts';
import { cellsOf, indexCell, type Indexed, type IndexName } from './indexes.ts';

/**
 * Objects by kind, namespace and name, and by the keys of the indexes.
 * A change returns its *cells*: the id of the object, and its index keys before and after the change.
 * A reader of none of these cells is not affected by the change.
 */
export class Store {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #listed = new Map<string, Map<string, KubernetesObject>>();
  /** By object id: why an existing object cannot be read. */
  readonly #unreadable = new Map<string, string>();
  /** By id of `foundRef`: the answers of sources of endpoints. */
  readonly #found = new Map<string, FoundEndpoints>();
  /** By id of `alertStateRef`: what the evaluator tells about rules and channels. */
  readonly #alertStates = new Map<string, AlertState>();
  #sessionKeys: readonly string[] = [];

  /**
   * Adds or replaces an object and freezes it. Touches no cell if the compiled output cannot depend on the change: status (except of a
   * Service), managedFields, annotations (except those of a CRD and the files of a ConfigMap) and resourceVersion are ignored.
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

  /** Removes an object; touches no cell if it was absent. */
  delete(ref: ObjectRef): readonly string[] {
    const id = objectId(ref);
    const before = this.#objects.get(id);
    if (this.#unreadable.delete(id)) return [id];
    if (before === undefined) return [];
    this.#objects.delete(id);
    return this.#list(id, before, undefined);
  }

  /** Removes the content of an existing object that cannot be read, and keeps the reason. */
  markUnreadable(ref: ObjectRef, reason: string): readonly string[] {
    const id = objectId(ref);
    if (this.#unreadable.get(id) === reason) return [];
    const touched = this.delete(ref);
    this.#unreadable.set(id, reason);
    return touched.length > 0 ? touched : [id];
  }

  /** Sets or removes the answer of a source of endpoints. */
  putFound(ref: ObjectRef, found: FoundEndpoints | null): readonly string[] {
    const id = objectId(ref);
    if (isDeepStrictEqual(this.#found.get(id) ?? null, found)) return [];
    if (found === null) this.#found.delete(id);
    else this.#found.set(id, found);
    return [id];
  }

  /** The answer to the question of an owner; undefined before the source reports. */
  found(owner: string): FoundEndpoints | undefined {
    return this.#found.get(objectId(foundRef(owner)));
  }

  /** Sets or removes the state of an alert rule or a channel. */
  putAlertState(ref: ObjectRef, state: AlertState | null): readonly string[] {
    const id = objectId(ref);
    if (isDeepStrictEqual(this.#alertStates.get(id) ?? null, state)) return [];
    if (state === null) this.#alertStates.delete(id);
    else this.#alertStates.set(id, state);
    return [id];
  }

  /** The state of an alert rule or a channel, by its id; undefined before the evaluator tells one. */
  alertState(owner: string): AlertState | undefined {
    return this.#alertStates.get(objectId(alertStateRef(owner)));
  }

  /** Sets the keys of sessions. */
  putSessionKeys(keys: readonly string[]): readonly string[] {
    if (isDeepStrictEqual(this.#sessionKeys, keys)) return [];
    this.#sessionKeys = keys;
    return [objectId(SESSION_KEYS_REF)];
  }

  /** None before a source has any. */
  get sessionKeys(): readonly string[] {
    return this.#sessionKeys;
  }

  /** Why the object cannot be read; undefined if it is known or absent. */
  whyUnreadable(kind: KindName, namespace: string, name: string): string | undefined {
    return this.#unreadable.get(objectId({ kind, namespace, name }));
  }

  /** Whether the object exists. */
  has(ref: ObjectRef): boolean {
    return this.hasId(objectId(ref));
  }

  /** The same for an id, `Kind/namespace/name`. */
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

/** The object without fields that change often and do not affect compile. A new uid means a new object, whose status is empty. */
function relevantPart(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, generation, creationTimestamp, labels } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(labels === undefined ? {} : { labels }),
    ...annotationsOf(object),
  };
  const { status, ...rest } = object as KubernetesObject & { status?: unknown };
  // Holds the addresses of a Gateway's proxies.
  const kept = object.kind === 'Service' && status !== undefined ? { status } : {};
  return { ...rest, ...kept, metadata };
}

/** Those of a CRD have the release of the Gateway API, and one of a ConfigMap the names of files. */
function annotationsOf({ kind, metadata: { annotations } }: KubernetesObject): Pick<KubernetesObject['metadata'], 'annotations'> {
  if (annotations === undefined) return {};
  if (kind === 'CustomResourceDefinition') return { annotations };
  const files = kind === 'ConfigMap' ? annotations[FILES_ANNOTATION] : undefined;
  return files === undefined ? {} : { annotations: { [FILES_ANNOTATION]: files } };
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
}
