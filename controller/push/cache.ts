// The push cache: all current resources of one scope. Scopes apply deltas to it, sessions watch it.
import type { EncodedResource } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';

/** One atomic change. A resource is either in `changed` or in `removed`. */
export interface ResourceDelta {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly ResourceName[];
}

export class PushCache {
  readonly #resources = new Map<string, EncodedResource>();
  readonly #watchers = new Set<(delta: ResourceDelta) => void>();
  #ready = false;

  /**
   * Whether the first batch is compiled, which holds all objects. Before that, a proxy must not remove resources it holds.
   */
  get ready(): boolean {
    return this.#ready;
  }

  get size(): number {
    return this.#resources.size;
  }

  /** Whether any session watches the cache. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** The current version of a resource. */
  get(id: string): EncodedResource | undefined {
    return this.#resources.get(id);
  }

  /** Every resource, in no order. */
  resources(): Iterable<EncodedResource> {
    return this.#resources.values();
  }

  /** Applies a delta and passes it to every watcher. */
  apply({ changed, removed }: ResourceDelta): void {
    for (const resource of changed) this.#resources.set(resourceId(resource.kind, resource.key), resource);
    for (const { kind, key } of removed) this.#resources.delete(resourceId(kind, key));
    this.#ready = true;
    for (const watcher of [...this.#watchers]) watcher({ changed, removed });
  }

  /** Calls `watcher` with every later delta. Returns a function that ends the watch. */
  watch(watcher: (delta: ResourceDelta) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
