// Counts the calls of the API by operation and caller, and writes the counts to the store from time to time; keeps slow calls in memory.
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import type { CallListener, EndedCall } from '../api/calls.ts';
import { addCalls, dayOf, KEPT_DAYS, removeOldDays, usage, type CallCounts, type UsageQuery } from './usage-table.ts';

/** A slow call. `at`: its end, milliseconds since the epoch. */
export type SlowCall = Omit<EndedCall, 'isStream'> & { readonly at: number };

/** Milliseconds between two writes. */
const INTERVAL = 30_000;
/** Calls from this time on are slow, milliseconds. */
export const SLOW_MS = 1_000;
const SLOW_CALLS = 200;
/** Pairs of operation and caller that wait; a store that is away must not fill the memory. */
const MAX_WAITING = 5_000;

export class UsageRecorder implements CallListener {
  readonly #store: Store;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #slow: SlowCall[] = [];
  #counts = new Map<string, CallCounts>();
  #day = 0;
  #writing: Promise<Result<void>> = Promise.resolve({ ok: true, value: undefined });
  #timer: NodeJS.Timeout | null = null;

  constructor(store: Store, log: Log, now = () => Date.now()) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), INTERVAL).unref();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.flush();
  }

  /** The slow calls of this process, the latest first. */
  get slowCalls(): readonly SlowCall[] {
    return this.#slow.toReversed();
  }

  ended({ isStream, ...call }: EndedCall): void {
    const at = this.#now();
    if (!isStream && call.ms >= SLOW_MS && this.#slow.push({ ...call, at }) > SLOW_CALLS) this.#slow.shift();
    if (this.#day !== dayOf(at)) void this.flush();
    this.#day = dayOf(at);
    this.#add({
      ...{ operation: call.operation, actorKind: call.caller.kind, actorId: call.caller.id, actorName: call.caller.name },
      ...{ calls: 1, failures: call.status >= 400 ? 1 : 0, totalMs: isStream ? 0 : call.ms, maxMs: isStream ? 0 : call.ms, lastUsed: at },
    });
  }

  /** Writes the counts; what cannot be written waits for the next time. */
  flush(): Promise<Result<void>> {
    return (this.#writing = this.#writing.then(() => this.#write()));
  }

  /** Calls of the last days, with those of this process up to now. */
  async usage(query: Omit<UsageQuery, 'since'> & { readonly days: number }): Promise<Result<readonly CallCounts[]>> {
    const written = await this.flush();
    if (!written.ok) return written;
    const since = dayOf(this.#now()) - Math.min(query.days, KEPT_DAYS) + 1;
    return this.#store.read((t) => usage(t, { ...query, since }));
  }

  async #write(): Promise<Result<void>> {
    const [counts, day] = [this.#counts, this.#day];
    if (counts.size === 0) return { ok: true, value: undefined };
    this.#counts = new Map();
    const written = await this.#store.write(async (t) => {
      await addCalls(t, day, counts.values());
      await removeOldDays(t, day);
    });
    if (written.ok) return written;
    for (const each of counts.values()) this.#add(each);
    return written;
  }

  #add(more: CallCounts): void {
    const key = `${more.operation} ${more.actorKind} ${more.actorId}`;
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= MAX_WAITING)
      return this.#log.warn({ event: 'admin_usage_lost', operation: more.operation }, 'the use of the admin API cannot be counted now');
    this.#counts.set(key, known === undefined ? more : sumOf(known, more));
  }
}

function sumOf(one: CallCounts, other: CallCounts): CallCounts {
  return {
    ...other,
    calls: one.calls + other.calls,
    failures: one.failures + other.failures,
    totalMs: one.totalMs + other.totalMs,
    maxMs: Math.max(one.maxMs, other.maxMs),
    lastUsed: Math.max(one.lastUsed, other.lastUsed),
  };
}
