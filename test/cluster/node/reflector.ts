// All objects of one kind: a list, then a watch, and both again after the end of the watch.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { Api } from './api.ts';
import type { KubeObject } from './objects.ts';
import { keyOf } from './objects.ts';

interface List<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** A report about one object: its current version, and whether it is deleted. */
export type Listener<T> = (object: T, gone: boolean) => void;

export class Reflector<T extends KubeObject> {
  readonly #api: Api;
  readonly #path: string;
  readonly #objects = new Map<string, T>();
  readonly #listeners: Listener<T>[] = [];
  readonly #listed = Promise.withResolvers<void>();

  /** `path` of the whole collection, such as `/api/v1/pods`. */
  constructor(api: Api, path: string) {
    this.#api = api;
    this.#path = path;
  }

  /** Calls back for every change from now on. */
  onChange(listener: Listener<T>): void {
    this.#listeners.push(listener);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  all(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Starts watching; resolves once all existing objects are reported. */
  start(): Promise<void> {
    void this.#follow();
    return this.#listed.promise;
  }

  async #follow(): Promise<never> {
    const backoff = new Backoff({ minimum: 50, maximum: 1_000 });
    for (;;) {
      try {
        await this.#listAndWatch();
        backoff.reset();
      } catch {
        // The API server is down, or the version is too old: in both cases a list follows.
        await delay(backoff.next());
      }
    }
  }

  async #listAndWatch(): Promise<void> {
    const list = await this.#api.get<List<T>>(this.#path);
    this.#replace(list.items);
    this.#listed.resolve();
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${list.metadata.resourceVersion}`;
    const watch = new AbortController();
    await this.#api.watch(`${this.#path}?${query}`, (line) => this.#take(line, watch), watch.signal);
  }

  #take(line: string, watch: AbortController): void {
    const { type, object } = JSON.parse(line) as WatchEvent<T>;
    if (type === 'ERROR') return watch.abort();
    if (type === 'BOOKMARK') return;
    this.#put(object, type === 'DELETED');
  }

  #replace(items: readonly T[]): void {
    const keys = new Set(items.map(keyOf));
    for (const [key, object] of this.#objects) if (!keys.has(key)) this.#put(object, true);
    for (const object of items) this.#put(object, false);
  }

  #put(object: T, gone: boolean): void {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && known.metadata.uid !== object.metadata.uid && !gone) this.#tell(known, true);
    if (gone) this.#objects.delete(key);
    else this.#objects.set(key, object);
    this.#tell(object, gone);
  }

  #tell(object: T, gone: boolean): void {
    for (const listener of this.#listeners) listener(object, gone);
  }
}
