// The entries of Secrets and ConfigMaps that policies refer to, and the handles through which filters read them.
import type * as ir from '#api/ir/ir.ts';
import type { DataHandle, DataReference, ObjectData } from '../exchange/object-data.ts';

type Entries = ReadonlyMap<string, Buffer>;

const NONE: Entries = new Map();

export class ObjectDataStore implements ObjectData {
  readonly #objects = new Map<string, Entries>();
  /** By `entryId`. */
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Replaces the entries of an object. Listeners of entries with the same content are not called. */
  set({ key, data }: ir.ObjectData): void {
    this.#replace(key, new Map(Object.entries(data).map(([name, text]) => [name, Buffer.from(text, 'base64')])));
  }

  /** Removes an object: its entries become null. */
  remove(key: string): void {
    this.#replace(key, NONE);
  }

  /** A handle without listeners leaves nothing behind in the store. */
  handle({ data, key }: DataReference): DataHandle {
    const entry = (): Buffer | null => this.#objects.get(data)?.get(key) ?? null;
    return {
      get value() {
        return entry();
      },
      onChange: (listener) => this.#listen(entryId(data, key), listener),
    };
  }

  #listen(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    // The same function may listen twice.
    const own = (): void => listener();
    this.#listeners.set(id, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  #replace(object: string, after: Entries): void {
    const before = this.#objects.get(object) ?? NONE;
    if (after.size === 0) this.#objects.delete(object);
    else this.#objects.set(object, after);
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (!areEqual(before.get(name), after.get(name))) this.#tell(entryId(object, name));
    }
  }

  #tell(id: string): void {
    for (const listener of [...(this.#listeners.get(id) ?? [])]) listener();
  }
}

/** Names of objects hold no spaces. */
function entryId(object: string, key: string): string {
  return `${object} ${key}`;
}

function areEqual(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
