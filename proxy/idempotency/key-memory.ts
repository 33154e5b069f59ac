// The idempotency keys of a proxy in memory. With several workers they are in the supervisor, so that a key holds for all of them.
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { KeyState } from '../exchange/idempotency.ts';

/** What an entry costs besides its answer, bytes: an estimate. */
const OVERHEAD = 512;
const SWEEP_EVERY_MS = 10_000;

/** The bytes of all keys with their answers; beyond it those that have answers go, oldest first. */
const MAX_BYTES = 67_108_864;

interface Entry {
  readonly fingerprint: string;
  readonly token: string;
  /** The worker of the request. */
  readonly owner: object;
  /** Null: the request runs. */
  readonly answer: Buffer | null;
  /** performance.now(); Infinity while the request runs. */
  readonly until: number;
}

export class KeyMemory {
  readonly #maxBytes: number;
  readonly #running = new Map<string, Entry>();
  /** The oldest answer is the first. */
  readonly #done = new Map<string, Entry>();
  #bytes = 0;
  #evictions = 0;
  readonly #timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#running.size + this.#done.size;
  }

  begin(key: string, fingerprint: string, token: string, owner: object): KeyState {
    const known = this.#running.get(key) ?? this.#current(key);
    if (known === null) {
      this.#running.set(key, { fingerprint, token, owner, answer: null, until: Infinity });
      return { type: 'new' };
    }
    if (known.fingerprint !== fingerprint) return { type: 'other' };
    return known.answer === null ? { type: 'running' } : { type: 'done', answer: known.answer };
  }

  finish(key: string, token: string, answer: Buffer, ttl: number): void {
    const entry = this.#running.get(key);
    if (entry?.token !== token) return;
    this.#running.delete(key);
    this.#done.set(key, { ...entry, answer, until: performance.now() + ttl });
    this.#bytes += bytesOf(answer);
    for (const oldest of this.#done.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
      this.#evictions++;
    }
  }

  release(key: string, token: string): void {
    if (this.#running.get(key)?.token === token) this.#running.delete(key);
  }

  /** A worker has ended, with its requests. */
  drop(owner: object): void {
    for (const [key, entry] of this.#running) if (entry.owner === owner) this.#running.delete(key);
  }

  families(): readonly MetricFamily[] {
    const help = 'Idempotency keys in memory whose answers went before their time, since there were too many bytes';
    return [single('weir_idempotency_evicted_keys_total', 'counter', help, () => this.#evictions)];
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #current(key: string): Entry | null {
    const entry = this.#done.get(key);
    if (entry === undefined || entry.until > performance.now()) return entry ?? null;
    this.#forget(key);
    return null;
  }

  #forget(key: string): void {
    const answer = this.#done.get(key)?.answer;
    if (answer !== undefined && answer !== null) this.#bytes -= bytesOf(answer);
    this.#done.delete(key);
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#done) if (until <= now) this.#forget(key);
  }
}

function bytesOf(answer: Buffer): number {
  return answer.length + OVERHEAD;
}
