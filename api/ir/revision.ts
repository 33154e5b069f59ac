// The revision of a configuration: one short name for a set of resources and their versions, whatever the order in which they came. Two
// proxies with the same revision serve the same. A change costs as much as what it changes.
import { hash } from 'node:crypto';
import { resourceId } from './ir.ts';
import type { ResourceKind } from './ir.ts';

export class Revision {
  readonly #digests = new Map<string, bigint>();
  /** The digests of all resources, combined by XOR. */
  #sum = 0n;

  /** The configuration holds this version of a resource, in place of any other. */
  set(kind: ResourceKind, key: string, version: string): void {
    const id = resourceId(kind, key);
    this.#drop(id);
    const digest = digestOf(`${id}\n${version}`);
    this.#digests.set(id, digest);
    this.#sum ^= digest;
  }

  /** The configuration holds the resource no longer. */
  delete(kind: ResourceKind, key: string): void {
    this.#drop(resourceId(kind, key));
  }

  /** 16 hexadecimal digits; `0000000000000000` for a configuration that holds nothing. */
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
