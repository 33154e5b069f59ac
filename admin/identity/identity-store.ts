// The store as identity uses it: a store that is away becomes a refusal with 503, whose reason is only in the log.
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';

/** Statements that end with a value or a refusal. */
export type IdentityWork<T> = (transaction: Transaction) => Promise<Result<T, AdminProblem>>;

const RETRY_AFTER = 5;

export class IdentityStore {
  readonly #store: Store;
  readonly #log: Log;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  async read<T>(work: IdentityWork<T>): Promise<Result<T, AdminProblem>> {
    return this.#answer(await this.#store.read(work));
  }

  /** A refusal does not roll back, so the work decides before it changes anything. */
  async write<T>(work: IdentityWork<T>): Promise<Result<T, AdminProblem>> {
    return this.#answer(await this.#store.write(work));
  }

  #answer<T>(result: Result<Result<T, AdminProblem>>): Result<T, AdminProblem> {
    if (result.ok) return result.value;
    this.#log.warn({ store: this.#store.name, reason: result.error }, 'the store of users cannot be used');
    return refuse(503, 'store-away', 'the store of the admin program is away; its log has the reason', { retryAfter: RETRY_AFTER });
  }
}
