// Tells an observer what is in force in the cluster: whole objects, by informers of their own while there is an observer.
import type { KindName } from '#api/k8s/kinds.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { ApiClient } from '../../../controller/watch/api-client.ts';
import type { RawChange } from '../../../controller/watch/informer.ts';
import { Informers } from '../../../controller/watch/informers.ts';
import { WATCHED_KINDS, type RawObject, type WatchedKind } from '../../../controller/watch/kinds.ts';
import type { ConfigurationObserver, ObservedObject } from '../configuration-store.ts';
import { liveObject } from './cluster-objects.ts';
import { lastManager } from './field-owners.ts';

/**
 * Most Secrets and ConfigMaps of a cluster are not for Weir, and need rights that the admin program is better without. The others are
 * written by Kubernetes itself.
 */
const NOT_OBSERVED: ReadonlySet<KindName> = new Set<KindName>([
  'Secret',
  'ConfigMap',
  'EndpointSlice',
  'Namespace',
  'CustomResourceDefinition',
]);

export class ClusterWatch {
  readonly #observer: ConfigurationObserver;
  readonly #informers: readonly Informers[];
  readonly #kinds: Set<KindName>;
  readonly #unsynced: Set<KindName>;
  /** Until all kinds are listed; then null. */
  #first: Map<string, ObservedObject> | null = new Map();

  constructor(client: ApiClient, namespaces: readonly string[], observer: ConfigurationObserver) {
    const kinds = WATCHED_KINDS.filter(({ name }) => !NOT_OBSERVED.has(name));
    this.#observer = observer;
    this.#kinds = new Set(kinds.map(({ name }) => name));
    this.#unsynced = new Set(this.#kinds);
    this.#informers = kinds.map((kind) => this.#informerOf(kind, client, namespaces));
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  #informerOf(kind: WatchedKind, client: ApiClient, namespaces: readonly string[]): Informers {
    const fingerprint = (object: RawObject) => liveObject(refOf(kind, object), object as JsonObject).etag;
    return new Informers({ ...kind, fingerprint }, namespaces, client, {
      changed: (changes) => this.#changed(kind, changes),
      synced: () => this.#synced(kind.name),
      problem: (problem) => problem?.type === 'forbidden' && this.#forbidden(kind.name),
      began: () => undefined,
    });
  }

  /** A kind without a right is not observed; the others are. */
  #forbidden(kind: KindName): void {
    this.#kinds.delete(kind);
    this.#synced(kind);
  }

  #synced(kind: KindName): void {
    if (!this.#unsynced.delete(kind) || this.#unsynced.size > 0 || this.#first === null) return;
    const objects = [...this.#first.values()];
    this.#first = null;
    this.#observer.synced(objects, this.#kinds);
  }

  #changed(kind: WatchedKind, changes: readonly RawChange[]): void {
    const objects = changes.filter(({ relevant }) => relevant).map((change) => observed(kind, change));
    if (this.#first === null) {
      if (objects.length > 0) this.#observer.changed(objects);
      return;
    }
    for (const each of objects) {
      const id = `${kind.name}/${each.ref.namespace}/${each.ref.name}`;
      if (each.stored === null) this.#first.delete(id);
      else this.#first.set(id, each);
    }
  }
}

function refOf({ name: kind }: WatchedKind, object: RawObject): { kind: KindName; namespace: string; name: string } {
  const { name, namespace = '' } = (object['metadata'] ?? {}) as { readonly name?: string; readonly namespace?: string };
  return { kind, namespace, name: String(name) };
}

function observed(kind: WatchedKind, { type, namespace, name, object }: RawChange): ObservedObject {
  const ref = { kind: kind.name, namespace, name };
  if (type === 'delete' || object === null) return { ref, stored: null, manager: '' };
  const { apiVersion } = kind.api;
  const { etag, object: stored, place, raw } = liveObject(ref, { apiVersion, kind: kind.name, ...(object as JsonObject) });
  return { ref, stored: { ref, object: stored, etag, place }, manager: lastManager((raw['metadata'] as JsonObject)['managedFields']) };
}
