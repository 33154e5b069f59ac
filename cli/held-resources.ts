// The resources that the proxy of `weir up` serves, and those that it refuses, for metrics.
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { Revision } from '#api/ir/revision.ts';

/** A resource by its name. */
interface Named {
  readonly kind: ResourceKind;
  readonly key: string;
}

export class HeldResources {
  readonly #revision = new Revision();
  /** By resource id. */
  readonly #refused = new Map<string, ResourceKind>();

  /** The revision of the served resources. */
  get revision(): string {
    return this.#revision.text;
  }

  /** The kind of each refused resource. */
  get refused(): readonly ResourceKind[] {
    return [...this.#refused.values()];
  }

  /** Takes a change for the proxy. `errors` names the resources, old and new, that the proxy cannot serve. */
  take(changed: readonly Pick<EncodedResource, 'kind' | 'key' | 'version'>[], removed: readonly Named[], errors: readonly Named[]): void {
    for (const { kind, key } of removed) this.#revision.delete(kind, key);
    for (const { kind, key, version } of changed) this.#revision.set(kind, key, version);
    for (const { kind, key } of [...changed, ...removed]) this.#refused.delete(resourceId(kind, key));
    for (const { kind, key } of errors) {
      this.#refused.set(resourceId(kind, key), kind);
      this.#revision.delete(kind, key);
    }
  }
}
