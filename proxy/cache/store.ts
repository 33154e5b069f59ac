// The stored answers of a worker: the least recently used ones go when their bytes exceed the bound.
import { isPurged, type PurgeSubject } from './purges.ts';
import type { BodyRoom } from './shared-body.ts';
import type { StoredAnswer } from './stored-answer.ts';
import { variantOf } from './vary.ts';

/** What an entry costs besides its texts and its body, bytes: an estimate of the objects of the engine. */
const OVERHEAD = 512;

/** The variants of one key; more of them replace the oldest, so that no client fills the store with one URL. */
const MAX_VARIANTS = 32;

/** A single answer may take this share of the store. */
const MAX_SHARE = 0.25;

/** Where an answer is besides the memory of its worker: nowhere, or in Redis, as far as the worker knows. */
export type AnswerLevel = 'memory' | 'redis';

/** A stored answer with its bytes, and the requests that have found it. */
export interface StoreEntry {
  readonly answer: StoredAnswer;
  readonly bytes: number;
  readonly level: AnswerLevel;
  readonly hits: number;
}

interface Entry extends StoreEntry {
  hits: number;
}

export class CacheStore {
  readonly #maxBytes: number;
  /** By key; the variants of a key in the order of their arrival. */
  readonly #groups = new Map<string, Entry[]>();
  /** The keys of a URL. */
  readonly #byUrl = new Map<string, Set<string>>();
  /** The least recently used entry is the first. */
  readonly #order = new Set<Entry>();
  /** The most recently used entry: a popular answer keeps its place. */
  #latest: Entry | null = null;
  #bytes = 0;
  #evictions = 0;
  #underWay = 0;
  /** That of bodies that are not stored yet. They take the place of stored answers, up to half of the bound. */
  readonly room: BodyRoom = this.#roomOfBodies();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#order.size;
  }

  /** Entries that went because of the bound. */
  get evictions(): number {
    return this.#evictions;
  }

  #roomOfBodies(): BodyRoom {
    const crowded = (): boolean => this.#underWay > this.#maxBytes / 2;
    return {
      take: (bytes) => {
        this.#underWay += bytes;
        if (bytes > 0) this.#evict();
      },
      get isCrowded() {
        return crowded();
      },
    };
  }

  /** The longest body that may be stored. */
  get maxBodyBytes(): number {
    return Math.floor(this.#maxBytes * MAX_SHARE);
  }

  /** What the store has now, most recently used answers last. */
  entries(): readonly StoreEntry[] {
    return [...this.#order];
  }

  /** The answer for a request, which counts as used. */
  find(key: string, requestHeaders: readonly string[]): StoredAnswer | null {
    const entry = this.#entry(key, requestHeaders);
    if (entry === null) return null;
    entry.hits++;
    if (entry !== this.#latest) {
      this.#order.delete(entry);
      this.#append(entry);
    }
    return entry.answer;
  }

  /** The answer for a request, which does not count as used. */
  peek(key: string, requestHeaders: readonly string[]): StoredAnswer | null {
    return this.#entry(key, requestHeaders)?.answer ?? null;
  }

  #entry(key: string, requestHeaders: readonly string[]): Entry | null {
    const group = this.#groups.get(key);
    if (group === undefined) return null;
    for (let i = group.length - 1; i >= 0; i--) {
      const entry = group[i] as Entry;
      if (variantOf(entry.answer.varyNames, requestHeaders) === entry.answer.variant) return entry;
    }
    return null;
  }

  /** The names by which stored answers of a key vary; null: there are none. */
  varyNames(key: string): readonly string[] | null {
    return this.#groups.get(key)?.at(-1)?.answer.varyNames ?? null;
  }

  /** Stores an answer in place of one for the same requests. */
  put(answer: StoredAnswer, level: AnswerLevel = 'memory'): void {
    const entry = { answer, bytes: bytesOf(answer), level, hits: 0 };
    const group = this.#groups.get(answer.key) ?? [];
    for (const old of group.filter((each) => isSameVariant(each.answer, answer))) this.#drop(old);
    if (entry.bytes > this.#maxBytes) return;
    const others = this.#groups.get(answer.key) ?? [];
    if (others.length >= MAX_VARIANTS) this.#drop(others[0] as Entry);
    this.#groups.set(answer.key, [...(this.#groups.get(answer.key) ?? []), entry]);
    const keys = this.#byUrl.get(answer.url);
    if (keys === undefined) this.#byUrl.set(answer.url, new Set([answer.key]));
    else keys.add(answer.key);
    this.#append(entry);
    this.#bytes += entry.bytes;
    this.#evict();
  }

  remove(answer: StoredAnswer): void {
    const entry = this.#groups.get(answer.key)?.find((each) => each.answer === answer);
    if (entry !== undefined) this.#drop(entry);
  }

  /** Removes answers. Returns their number. */
  purge(subject: PurgeSubject): number {
    const gone = [...this.#named(subject)];
    for (const entry of gone) this.#drop(entry);
    return gone.length;
  }

  #named(subject: PurgeSubject): readonly Entry[] {
    if (subject.by === 'url') return [...(this.#byUrl.get(subject.value) ?? [])].flatMap((key) => this.#groups.get(key) ?? []);
    return [...this.#order].filter(({ answer }) => isPurged(subject, answer));
  }

  #append(entry: Entry): void {
    this.#order.add(entry);
    this.#latest = entry;
  }

  #evict(): void {
    for (const entry of this.#order) {
      if (this.#bytes + this.#underWay <= this.#maxBytes) return;
      this.#drop(entry);
      this.#evictions++;
    }
  }

  #drop(entry: Entry): void {
    if (!this.#order.delete(entry)) return;
    if (entry === this.#latest) this.#latest = null;
    this.#bytes -= entry.bytes;
    const { key, url } = entry.answer;
    const left = (this.#groups.get(key) ?? []).filter((each) => each !== entry);
    if (left.length > 0) {
      this.#groups.set(key, left);
      return;
    }
    this.#groups.delete(key);
    const keys = this.#byUrl.get(url);
    keys?.delete(key);
    if (keys?.size === 0) this.#byUrl.delete(url);
  }
}

function isSameVariant(a: StoredAnswer, b: StoredAnswer): boolean {
  return a.variant === b.variant && a.varyNames.join() === b.varyNames.join();
}

function bytesOf({ key, url, variant, headers, body }: StoredAnswer): number {
  let bytes = OVERHEAD + body.length + 2 * (key.length + url.length + variant.length);
  for (const text of headers) bytes += text.length + 16;
  return bytes;
}
