// How long revisions are kept. What was in force since the limit stays, and so does the newest version of each object that exists.
import type { Log } from '#lib/log.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import { forgetBefore, lastUntil, removeSuperseded, timeOfNewest } from './revision-table.ts';

/** Which revisions stay. */
export interface RevisionRetentionSettings {
  /** Milliseconds. */
  readonly maxAge: number;
  readonly maxEntries: number;
}

/** Revisions that are removed at once, so that writers do not wait long. */
const STEP = 1_000;
/** The wait between two looks, milliseconds. */
const INTERVAL = 600_000;

/** Removes revisions that are too old or too many, up to `step` of them. Returns how many. */
export async function retain(t: Transaction, { maxAge, maxEntries }: RevisionRetentionSettings, step = STEP): Promise<number> {
  const surplus = await timeOfNewest(t, maxEntries);
  // What is recorded at the time of the first surplus one goes with it.
  const limit = Math.max((await t.now()) - maxAge, surplus === null ? 0 : surplus + 1);
  const last = await lastUntil(t, limit);
  const removed = await removeSuperseded(t, limit, step);
  if (removed > 0) await forgetBefore(t, limit, last);
  return removed;
}

/** Keeps the revisions within their limits while the program runs. */
export class RevisionRetention {
  readonly #store: Store;
  readonly #settings: RevisionRetentionSettings;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #isClosed = false;

  constructor(store: Store, settings: RevisionRetentionSettings, log: Log) {
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
    for (let removed = STEP; removed === STEP && !this.#isClosed;) {
      const done = await this.#store.write((t) => retain(t, this.#settings));
      if (!done.ok) {
        this.#log.warn({ event: 'revision_retention_failed', reason: done.error }, 'revisions cannot be held to their limits now');
        return;
      }
      removed = done.value;
      if (removed > 0) this.#log.info({ event: 'revisions_removed', revisions: removed }, 'old revisions are removed');
    }
  }
}
