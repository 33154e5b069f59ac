// Make before break: the order in which changes go to a proxy. Changes go first, referenced resources before those that refer to them;
// removals follow after the last change, in reverse order.
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import { KIND_ORDER } from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import { sizeOf } from '#api/wire/encode.ts';

/** Bounds of one step. A step holds at least one resource, however large. */
export interface StepLimits {
  readonly bytes: number;
  readonly resources: number;
}

/** The content of one push. */
export interface Step {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly ResourceName[];
}

/** The changes to be sent. A later change of a resource replaces an earlier one, so there is at most one entry per resource. */
export class Outbox {
  readonly #changed = new Map<ResourceKind, Map<string, EncodedResource>>(KIND_ORDER.map((kind) => [kind, new Map()]));
  readonly #removed = new Map<ResourceKind, Set<string>>(KIND_ORDER.map((kind) => [kind, new Set()]));

  get isEmpty(): boolean {
    return isEmpty(this.#changed) && isEmpty(this.#removed);
  }

  /** Number of resources in the outbox. */
  get size(): number {
    const sets = [...this.#changed.values(), ...this.#removed.values()];
    return sets.reduce((total, set) => total + set.size, 0);
  }

  change(resource: EncodedResource): void {
    this.#removed.get(resource.kind)?.delete(resource.key);
    this.#changed.get(resource.kind)?.set(resource.key, resource);
  }

  remove({ kind, key }: ResourceName): void {
    this.#changed.get(kind)?.delete(key);
    this.#removed.get(kind)?.add(key);
  }

  /** Drops the entry of a resource whose version the proxy has already. */
  forget({ kind, key }: ResourceName): void {
    this.#changed.get(kind)?.delete(key);
    this.#removed.get(kind)?.delete(key);
  }

  /** Takes the next step out of the outbox. */
  take(limits: StepLimits): Step {
    const changed = this.#takeChanged(limits);
    const removed = isEmpty(this.#changed) ? this.#takeRemoved(limits.resources - changed.length) : [];
    return { changed, removed };
  }

  #takeChanged(limits: StepLimits): EncodedResource[] {
    const taken: EncodedResource[] = [];
    let bytes = 0;
    for (const [, waiting] of this.#changed) {
      for (const [key, resource] of waiting) {
        bytes += sizeOf(resource);
        if (taken.length > 0 && (bytes > limits.bytes || taken.length >= limits.resources)) return taken;
        taken.push(resource);
        waiting.delete(key);
      }
    }
    return taken;
  }

  #takeRemoved(atMost: number): ResourceName[] {
    const taken: ResourceName[] = [];
    for (const [kind, waiting] of [...this.#removed].reverse()) {
      for (const key of waiting) {
        if (taken.length >= atMost) return taken;
        taken.push({ kind, key });
        waiting.delete(key);
      }
    }
    return taken;
  }
}

function isEmpty(waiting: ReadonlyMap<ResourceKind, { readonly size: number }>): boolean {
  for (const { size } of waiting.values()) if (size > 0) return false;
  return true;
}
