// The push cache: every resource that proxies of one scope should serve now. Deltas go in, sessions watch.
import type { EncodedResource } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';

/** What changes at once. Of one resource it says one thing: changed or removed. */
export interface ResourceDelta {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly ResourceName[];
}

export class PushCache {
  readonly #resources = new Map<string, EncodedResource>();
  readonly #watchers = new Set<(delta: ResourceDelta) => void>();
  #ready = false;

  /**
   * Whether the first batch, which is everything there is, has been compiled. Before that a proxy must not be told that what it
   * holds is gone.
   */
  get ready(): boolean {
    return this.#ready;
  }

  get size(): number {
    return this.#resources.size;
  }

  /** Whether anybody watches. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** The current form of a resource. */
  get(id: string): EncodedResource | undefined {
    return this.#resources.get(id);
  }

  /** Every resource, in no order. */
  resources(): Iterable<EncodedResource> {
    return this.#resources.values();
  }

  /** Takes a delta and hands it to every watcher. */
  apply({ changed, removed }: ResourceDelta): void {
    for (const resource of changed) this.#resources.set(resourceId(resource.kind, resource.key), resource);
    for (const { kind, key } of removed) this.#resources.delete(resourceId(kind, key));
    this.#ready = true;
    for (const watcher of [...this.#watchers]) watcher({ changed, removed });
  }

  /** Tells of every delta from now on, until the function it returns is called. */
  watch(watcher: (delta: ResourceDelta) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
