// What this proxy holds: of every resource the last version that it could use, and the version it refuses, if any.
import type { EncodedResource, Resource } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { Revision } from '#api/ir/revision.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import type { HeldMessage } from '#api/wire/messages.ts';
import type { FieldError } from '#api/k8s/field-error.ts';

/** A version that cannot be used. */
export interface RefusedResource {
  readonly encoded: EncodedResource;
  /** Null when its bytes are not a valid resource at all; otherwise the target could not serve it. */
  readonly resource: Resource | null;
  readonly errors: readonly (FieldError & { readonly waits?: true })[];
}

export class HeldState {
  readonly #good = new Map<string, EncodedResource>();
  readonly #refused = new Map<string, RefusedResource>();
  readonly #revision = new Revision();

  /** The revision of everything that is served. */
  get revision(): string {
    return this.#revision.text;
  }

  /** How many resources are served. */
  get size(): number {
    return this.#good.size;
  }

  /** The version that is served. */
  good(name: ResourceName): EncodedResource | undefined {
    return this.#good.get(idOf(name));
  }

  refused(name: ResourceName): RefusedResource | undefined {
    return this.#refused.get(idOf(name));
  }

  /** What to begin with another time: everything that is served, and what may be by then. */
  lasting(): readonly EncodedResource[] {
    return [...this.#good.values(), ...this.broken().map(({ encoded }) => encoded)];
  }

  /** Everything that is served, in no order. */
  all(): readonly EncodedResource[] {
    return [...this.#good.values()];
  }

  /** What a controller must know to send the difference. A resource that is known but served in no version has version ''. */
  inventory(): readonly HeldMessage[] {
    const served = this.all().map(({ kind, key, version }) => ({ kind, key, version }));
    const lacking = this.allRefused().filter(({ encoded }) => !this.#good.has(idOf(encoded)));
    return [...served, ...lacking.map(({ encoded: { kind, key } }) => ({ kind, key, version: '' }))];
  }

  /**
   * Forgets refusals of resources that are served in an earlier version: a new stream brings the refused version again if it is
   * still wanted, and says nothing of it otherwise.
   */
  forgetSuperseded(): void {
    for (const id of this.#refused.keys()) if (this.#good.has(id)) this.#refused.delete(id);
  }

  allRefused(): readonly RefusedResource[] {
    return [...this.#refused.values()];
  }

  /** The target could not serve these, and has no earlier version to go on with: worth another try when something else changes. */
  broken(): readonly (RefusedResource & { readonly resource: Resource })[] {
    return this.allRefused().filter(
      (refused): refused is RefusedResource & { readonly resource: Resource } =>
        refused.resource !== null && !this.#good.has(idOf(refused.encoded)),
    );
  }

  /** What of that the target goes on trying by itself. */
  waiting(): ReturnType<HeldState['broken']> {
    return this.broken().filter(({ errors }) => errors.every(({ waits }) => waits === true));
  }

  accept(encoded: EncodedResource): void {
    this.#refused.delete(idOf(encoded));
    this.#good.set(idOf(encoded), encoded);
    this.#revision.set(encoded.kind, encoded.key, encoded.version);
  }

  /** Keeps the version that was served before, if any. */
  refuse(refused: RefusedResource): void {
    this.#refused.set(idOf(refused.encoded), refused);
  }

  /** What was served cannot be served any more. */
  lose(name: ResourceName): void {
    this.#good.delete(idOf(name));
    this.#revision.delete(name.kind, name.key);
  }

  remove(name: ResourceName): void {
    this.lose(name);
    this.#refused.delete(idOf(name));
  }
}

function idOf({ kind, key }: ResourceName): string {
  return resourceId(kind, key);
}
