// Writes entries of the audit log: those that come at the same time in one transaction, so that they share the wait for the disk.
import { randomUUID } from 'node:crypto';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import type { Auditor, AuditRecord } from '../api/authenticator.ts';
import { auditFacts } from './audit-facts.ts';
import type { AuditFacts } from './entry.ts';
import { append } from './entry-table.ts';

/** Entries in one transaction. */
const MAX_BATCH = 64;
/** Waits between attempts after a failure, milliseconds. */
const RETRY = { minimum: 250, maximum: 10_000 };

/** An entry that waits for its transaction. */
interface Waiting {
  readonly facts: AuditFacts;
  readonly stored: PromiseWithResolvers<Result<void>>;
}

export class AuditWriter implements Auditor {
  readonly #store: Store;
  readonly #log: Log;
  readonly #backoff = new Backoff(RETRY);
  #waiting: readonly Waiting[] = [];
  /** Entries that could not be stored. Their callers know it; they are stored as soon as the store works again. */
  #owed: readonly AuditFacts[] = [];
  #trouble: string | null = null;
  #failures = 0;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** The number of entries that are not stored yet although their operations are over. */
  get owed(): number {
    return this.#owed.length;
  }

  /** The number of entries that could not be stored at once, since the start. */
  get failures(): number {
    return this.#failures;
  }

  record(record: AuditRecord): Promise<Result<void>> {
    const stored = Promise.withResolvers<Result<void>>();
    this.#waiting = [...this.#waiting, { facts: auditFacts(record, randomUUID()), stored }];
    this.#run();
    return stored.promise;
  }

  /** Writes what waits, tries once more to write what is owed, and stops. */
  async close(): Promise<void> {
    await this.#running;
    this.#stopTimer();
    if (this.#owed.length > 0) await this.#payOwed();
    this.#stopTimer();
    if (this.#owed.length > 0)
      this.#log.error({ event: 'audit_entries_lost', entries: this.#owed }, 'entries of the audit log are not stored');
  }

  #run(): void {
    this.#running ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      this.#waiting = this.#waiting.slice(MAX_BATCH);
      const result = await this.#write([...this.#owed, ...batch.map(({ facts }) => facts)]);
      if (result.ok) this.#owed = [];
      else this.#owe(batch, result.error);
      for (const { stored } of batch) stored.resolve(result);
    }
    // In the same turn as the last look, so that no entry comes in between.
    this.#running = null;
  }

  /** A second attempt at once: the connection to a database that was restarted works again then. */
  async #write(all: readonly AuditFacts[]): Promise<Result<void>> {
    const first = await this.#attempt(all);
    const result = first.ok || this.#trouble !== null ? first : await this.#attempt(all);
    if (!result.ok) return result;
    if (this.#trouble !== null) this.#log.info({ event: 'audit_log_works' }, 'the audit log works again');
    this.#trouble = null;
    this.#backoff.reset();
    return ok(undefined);
  }

  async #attempt(all: readonly AuditFacts[]): Promise<Result<void>> {
    try {
      return await this.#store.write((t) => append(t, all));
    } catch (error) {
      this.#log.error({ err: error }, 'a bug stopped a transaction of the audit log');
      return err(`the audit log cannot be written: ${String(error)}`);
    }
  }

  #owe(batch: readonly Waiting[], reason: string): void {
    if (this.#trouble === null) this.#log.error({ event: 'audit_log_away', reason }, 'the audit log cannot be written');
    this.#trouble = reason;
    this.#failures += batch.length;
    this.#owed = [...this.#owed, ...batch.map(({ facts }) => facts)];
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#running ??= this.#payOwed();
    }, this.#backoff.next()).unref();
  }

  async #payOwed(): Promise<void> {
    const result = await this.#write(this.#owed);
    if (result.ok) this.#owed = [];
    else this.#owe([], result.error);
    await this.#writeAll();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
