// The revision of a configuration: a short name for a set of resources and their versions, in any order. Proxies with the same revision
// serve the same configuration. The cost of a change depends only on the change.
import { hash } from 'node:crypto';
import { resourceId } from './ir.ts';
import type { ResourceKind } from './ir.ts';

export class Revision {
  readonly #digests = new Map<string, bigint>();
  /** The digests of all resources, combined by XOR. */
  #sum = 0n;

  /** Adds a version of a resource and replaces any other version of it. */
  set(kind: ResourceKind, key: string, version: string): void {
    const id = resourceId(kind, key);
    this.#drop(id);
    const digest = digestOf(`${id}\n${version}`);
    this.#digests.set(id, digest);
    this.#sum ^= digest;
  }

  /** Removes a resource. */
  delete(kind: ResourceKind, key: string): void {
    this.#drop(resourceId(kind, key));
  }

  /** 16 hexadecimal digits; `0000000000000000` for an empty configuration. */
  get text(): string {
    return this.#sum.toString(16).padStart(16, '0');
  }

  #drop(id: string): void {
    this.#sum ^= this.#digests.get(id) ?? 0n;
    this.#digests.delete(id);
  }
}

function digestOf(text: string): bigint {
  return BigInt(`0x${hash('sha1', text, 'hex').slice(0, 16)}`);
}
