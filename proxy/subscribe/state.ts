// The inventory of this proxy: for each resource the last usable version, and the refused version, if any.
import type { EncodedResource, Resource } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { Revision } from '#api/ir/revision.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import type { HeldMessage } from '#api/wire/messages.ts';
import type { FieldError } from '#api/k8s/field-error.ts';

/** A version that cannot be used. */
export interface RefusedResource {
  readonly encoded: EncodedResource;
  /** Null if its bytes are not a valid resource; otherwise the target refused it. */
  readonly resource: Resource | null;
  readonly errors: readonly (FieldError & { readonly waits?: true })[];
}

export class HeldState {
  readonly #good = new Map<string, EncodedResource>();
  readonly #refused = new Map<string, RefusedResource>();
  readonly #revision = new Revision();

  /** The revision of all resources in use. */
  get revision(): string {
    return this.#revision.text;
  }

  /** The number of resources in use. */
  get size(): number {
    return this.#good.size;
  }

  /** The version in use. */
  good(name: ResourceName): EncodedResource | undefined {
    return this.#good.get(idOf(name));
  }

  refused(name: ResourceName): RefusedResource | undefined {
    return this.#refused.get(idOf(name));
  }

  /** The content of the last good file: the resources in use, those that may be in use later, and policies without a usable version. */
  lasting(): readonly EncodedResource[] {
    const lacking = this.allRefused().filter(({ encoded }) => !this.#good.has(idOf(encoded)));
    return [
      ...this.#good.values(),
      ...lacking.filter(({ encoded, resource }) => resource !== null || encoded.kind === 'Policy').map(({ encoded }) => encoded),
    ];
  }

  /** All resources in use, in no order. */
  all(): readonly EncodedResource[] {
    return [...this.#good.values()];
  }

  /** The inventory for a controller, which sends the difference. A known resource without a usable version has version ''. */
  inventory(): readonly HeldMessage[] {
    const served = this.all().map(({ kind, key, version }) => ({ kind, key, version }));
    const lacking = this.allRefused().filter(({ encoded }) => !this.#good.has(idOf(encoded)));
    return [...served, ...lacking.map(({ encoded: { kind, key } }) => ({ kind, key, version: '' }))];
  }

  /**
   * Forgets refusals of resources with an earlier version in use: a new stream sends a refused version again if it is still current, and
   * nothing otherwise.
   */
  forgetSuperseded(): void {
    for (const id of this.#refused.keys()) if (this.#good.has(id)) this.#refused.delete(id);
  }

  allRefused(): readonly RefusedResource[] {
    return [...this.#refused.values()];
  }

  /** The target refused these and has no earlier version: try again when something else changes. */
  broken(): readonly (RefusedResource & { readonly resource: Resource })[] {
    return this.allRefused().filter(
      (refused): refused is RefusedResource & { readonly resource: Resource } =>
        refused.resource !== null && !this.#good.has(idOf(refused.encoded)),
    );
  }

  /** The part of these that the target retries by itself. */
  waiting(): ReturnType<HeldState['broken']> {
    return this.broken().filter(({ errors }) => errors.every(({ waits }) => waits === true));
  }

  accept(encoded: EncodedResource): void {
    this.#refused.delete(idOf(encoded));
    this.#good.set(idOf(encoded), encoded);
    this.#revision.set(encoded.kind, encoded.key, encoded.version);
  }

  /** Keeps the version before, if any. */
  refuse(refused: RefusedResource): void {
    this.#refused.set(idOf(refused.encoded), refused);
  }

  /** The version in use cannot be served any more. */
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
