// How long entries of the audit log are kept. The removal leaves its last number and hash in an entry, so that the rest can be verified.
import { randomUUID } from 'node:crypto';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import { REMOVAL, type AuditFacts, type ChainPlace, type RemovedEntries } from './entry.ts';
import { append, entryAt, firstOf, headOf, lastBefore, removeUpTo } from './entry-table.ts';

/** Which entries stay. */
export interface RetentionSettings {
  /** Milliseconds. */
  readonly maxAge: number;
  readonly maxEntries: number;
}

/** Entries that are removed at once, so that writers do not wait long. */
const STEP = 10_000;
/** The wait between two looks, milliseconds. */
const INTERVAL = 600_000;

/** Removes entries that are too old or too many, up to STEP of them. Returns what was removed; null: nothing. */
export async function retain(t: Transaction, { maxAge, maxEntries }: RetentionSettings, step = STEP): Promise<RemovedEntries | null> {
  const [first, head, now] = [await firstOf(t), await headOf(t), await t.now()];
  if (first === null) return null;
  // The entry of the removal counts too, or each look would remove one more.
  const surplus = head.sequence - first + 1 > maxEntries ? head.sequence + 1 - maxEntries : 0;
  const last = Math.max(surplus, await lastBefore(t, now - maxAge));
  const entry = await entryAt(t, Math.min(last, first + step - 1));
  if (entry === null) return null;
  const removed = { sequence: entry.sequence, hash: entry.hash, entries: await removeUpTo(t, entry.sequence) };
  await append(t, [factsOf(removed, now)]);
  return removed;
}

function factsOf(removed: RemovedEntries, now: number): AuditFacts {
  return {
    id: randomUUID(),
    time: new Date(now).toISOString(),
    ...{ requestId: '', operation: REMOVAL, path: '', address: '', userAgent: '' },
    actor: { kind: 'system', id: 'weir', name: 'weir', session: null },
    reason: 'entries are too old or too many',
    namespace: null,
    changes: [{ object: 'audit/entries', before: null, after: { ...removed } }],
    ...{ outcome: 'success', status: 0, code: '' },
  };
}

/** Keeps the log within its limits while the program runs, and writes the place of its last entry to the log of the process. */
export class AuditRetention {
  readonly #store: Store;
  readonly #log: Log;
  readonly #settings: RetentionSettings;
  #told: ChainPlace | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #isClosed = false;

  constructor(store: Store, settings: RetentionSettings, log: Log) {
    this.#store = store;
    this.#settings = settings;
    this.#log = log;
  }

  /** Looks now, and then again and again until `close`. */
  start(): void {
    this.#looking = this.#look().finally(() => {
      if (!this.#isClosed) this.#timer = setTimeout(() => this.start(), INTERVAL).unref();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    for (;;) {
      const removed = await this.#store.write((t) => retain(t, this.#settings));
      if (!removed.ok) return this.#fail(removed);
      if (removed.value === null) break;
      this.#log.info({ event: 'audit_entries_removed', ...removed.value }, 'old entries of the audit log are removed');
      if (this.#isClosed) break;
    }
    const head = await this.#store.read(headOf);
    if (!head.ok) return this.#fail(head);
    if (head.value.sequence === (this.#told?.sequence ?? 0)) return;
    this.#told = head.value;
    // An anchor outside of the store: `weir audit verify --anchor SEQUENCE:HASH` proves that nothing up to it was changed.
    this.#log.info({ event: 'audit_anchor', sequence: head.value.sequence, hash: head.value.hash }, 'the last entry of the audit log');
  }

  #fail(result: Extract<Result<unknown>, { ok: false }>): void {
    this.#log.warn({ event: 'audit_retention_failed', reason: result.error }, 'the audit log cannot be held to its limits now');
  }
}
