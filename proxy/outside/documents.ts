// Documents that filters keep: loaded in the background, used while their source is away, and shared by all filters of a worker.
//
//   open ──> load ──value──> wait (max-age, with jitter) ──> load ──> ...
//              └──failure──> wait (grows) ──> load; the last value stays in use for a day
import { Backoff } from '#lib/backoff.ts';
import type { DocumentHandle, Documents, DocumentSource } from '../exchange/outside.ts';
import type { ExchangeTrace } from '../exchange/tracing.ts';

/** Times in milliseconds. */
export interface DocumentTimes {
  /** The least time between the beginnings of two loads that requests cause. */
  readonly least: number;
  /** The time between loads if the source does not say how long its document holds, and the bounds of what it says. */
  readonly usual: number;
  readonly minimum: number;
  readonly maximum: number;
  /** The bounds of the pauses after failures. */
  readonly retry: { readonly minimum: number; readonly maximum: number };
  /** How long a value is used after the last success. */
  readonly stale: number;
}

export const DOCUMENT_TIMES: DocumentTimes = {
  least: 10_000,
  usual: 300_000,
  minimum: 60_000,
  maximum: 3_600_000,
  retry: { minimum: 1_000, maximum: 60_000 },
  stale: 86_400_000,
};

/** Documents without users that are kept for the next one. */
const MAX_IDLE = 64;
/** The part of a wait that is random, so that proxies do not ask at the same time. */
const JITTER = 0.1;

export class DocumentStore implements Documents {
  readonly #times: DocumentTimes;
  readonly #now: () => number;
  readonly #documents = new Map<string, Document<unknown>>();
  /** Documents without users, oldest first. */
  readonly #idle = new Set<string>();

  /** `now`: a clock in milliseconds, for tests. */
  constructor(times: DocumentTimes = DOCUMENT_TIMES, now: () => number = () => performance.now()) {
    this.#times = times;
    this.#now = now;
  }

  open<T>(source: DocumentSource<T>): DocumentHandle<T> {
    // Equal keys promise equal types.
    const found = this.#documents.get(source.key) as Document<T> | undefined;
    const document = found ?? new Document(source, this.#times, this.#now);
    this.#documents.set(source.key, document as Document<unknown>);
    this.#idle.delete(source.key);
    document.use();
    return new Handle(document, () => this.#release(source.key, document as Document<unknown>));
  }

  close(): void {
    for (const document of this.#documents.values()) document.pause();
    this.#documents.clear();
    this.#idle.clear();
  }

  #release(key: string, document: Document<unknown>): void {
    if (!document.leave() || this.#documents.get(key) !== document) return;
    this.#idle.add(key);
    const [oldest] = this.#idle;
    if (this.#idle.size <= MAX_IDLE || oldest === undefined) return;
    this.#idle.delete(oldest);
    this.#documents.delete(oldest);
  }
}

class Document<T> {
  readonly #source: DocumentSource<T>;
  readonly #times: DocumentTimes;
  readonly #now: () => number;
  readonly #backoff: Backoff;
  readonly #listeners = new Set<() => void>();
  #users = 0;
  #value: T | null = null;
  #digest = '';
  #problem = '';
  #loadedAt = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: DocumentSource<T>, times: DocumentTimes, now: () => number) {
    this.#source = source;
    this.#times = times;
    this.#now = now;
    this.#backoff = new Backoff(times.retry);
  }

  get value(): T | null {
    return this.#value !== null && this.#now() - this.#loadedAt > this.#times.stale ? null : this.#value;
  }

  get problem(): string {
    return this.#problem;
  }

  use(): void {
    this.#users++;
    if (this.#timer === null && this.#loading === null) this.#schedule(0);
  }

  /** True: that was the last user. */
  leave(): boolean {
    this.#users--;
    if (this.#users > 0) return false;
    this.pause();
    return true;
  }

  pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  listen(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  refresh(trace: ExchangeTrace | null): Promise<void> {
    if (this.#loading !== null) return this.#loading;
    return this.#now() - this.#startedAt < this.#times.least ? Promise.resolve() : this.#load(trace);
  }

  #load(trace: ExchangeTrace | null): Promise<void> {
    this.pause();
    this.#startedAt = this.#now();
    this.#loading = this.#take(trace).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #take(trace: ExchangeTrace | null): Promise<void> {
    const loaded = await this.#source.load(trace);
    if (!loaded.ok) {
      this.#problem = loaded.error;
      return this.#schedule(this.#backoff.next());
    }
    const { value, digest, maxAge } = loaded.value;
    const { usual, minimum, maximum } = this.#times;
    this.#backoff.reset();
    this.#problem = '';
    this.#loadedAt = this.#now();
    const changed = this.#value === null || digest !== this.#digest;
    if (changed) [this.#value, this.#digest] = [value, digest];
    const wait = maxAge === null ? usual : Math.min(Math.max(maxAge, minimum), maximum);
    this.#schedule(wait * (1 - JITTER * Math.random()));
    if (changed) for (const listener of [...this.#listeners]) listener();
  }

  #schedule(wait: number): void {
    this.pause();
    if (this.#users > 0) this.#timer = setTimeout(() => void this.#load(null), wait).unref();
  }
}

class Handle<T> implements DocumentHandle<T> {
  readonly #document: Document<T>;
  readonly #release: () => void;
  readonly #stops = new Set<() => void>();
  #isOpen = true;

  constructor(document: Document<T>, release: () => void) {
    this.#document = document;
    this.#release = release;
  }

  get value(): T | null {
    return this.#document.value;
  }

  get problem(): string {
    return this.#document.problem;
  }

  refresh(trace: ExchangeTrace | null = null): Promise<void> {
    return this.#document.refresh(trace);
  }

  onChange(listener: () => void): () => void {
    const stop = this.#document.listen(listener);
    this.#stops.add(stop);
    return stop;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const stop of this.#stops) stop();
    this.#release();
  }
}
