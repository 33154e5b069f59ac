// What the contexts of a module share: data with a number for compare-and-swap, and queues. Both are limited, and of one module only.
import { STATUS, type Status } from './status.ts';

/** Bytes of all keys, values and items, and their number. */
const MAX_BYTES = 1_048_576;
const MAX_MEMBERS = 10_000;
const MAX_QUEUES = 100;

interface Value {
  readonly bytes: Buffer;
  readonly cas: number;
}

export class SharedStore {
  readonly #data = new Map<string, Value>();
  readonly #queues: { readonly name: string; readonly items: Buffer[] }[] = [];
  #bytes = 0;
  #members = 0;
  #lastCas = 0;

  get(key: string): Value | null {
    return this.#data.get(key) ?? null;
  }

  /** `cas` 0: whatever the value is. */
  set(key: string, bytes: Buffer, cas: number): Status {
    const known = this.#data.get(key);
    if (cas !== 0 && cas !== known?.cas) return STATUS.casMismatch;
    const more = bytes.length - (known === undefined ? -key.length : known.bytes.length);
    if (!this.#admits(more, known === undefined ? 1 : 0)) return STATUS.internalFailure;
    this.#lastCas = (this.#lastCas % 0xffff_ffff) + 1;
    this.#data.set(key, { bytes, cas: this.#lastCas });
    return STATUS.ok;
  }

  /** The number of the queue with this name, which it makes if there is none; 0: there are too many. */
  register(name: string): number {
    const known = this.resolve(name);
    if (known !== 0) return known;
    return this.#queues.length >= MAX_QUEUES ? 0 : this.#queues.push({ name, items: [] });
  }

  /** 0: there is none. */
  resolve(name: string): number {
    return this.#queues.findIndex((queue) => queue.name === name) + 1;
  }

  enqueue(queue: number, bytes: Buffer): Status {
    const items = this.#queues[queue - 1]?.items;
    if (items === undefined) return STATUS.notFound;
    if (!this.#admits(bytes.length, 1)) return STATUS.internalFailure;
    items.push(bytes);
    return STATUS.ok;
  }

  dequeue(queue: number): Buffer | Status {
    const items = this.#queues[queue - 1]?.items;
    if (items === undefined) return STATUS.notFound;
    const item = items.shift();
    if (item === undefined) return STATUS.empty;
    this.#admits(-item.length, -1);
    return item;
  }

  #admits(bytes: number, members: number): boolean {
    if (bytes > 0 && this.#bytes + bytes > MAX_BYTES) return false;
    if (members > 0 && this.#members + members > MAX_MEMBERS) return false;
    this.#bytes += bytes;
    this.#members += members;
    return true;
  }
}
