// The overrides of operators in the store, so that they last over a restart of the controller. The newest of an endpoint or breaker wins.
import type { Log } from '#lib/log.ts';
import type { Store } from '#lib/store/store.ts';

/** An override of an endpoint or a breaker, with the time of the operator's command, milliseconds since the epoch. */
export interface KeptOverride {
  readonly kind: string;
  readonly backend: string;
  readonly endpoint: string;
  readonly state: string;
  readonly at: number;
  /** Of a block: the words of the operator, and its end in milliseconds since the epoch, 0 for none. */
  readonly reason?: string;
  readonly until?: number;
}

/** How long withdrawn ones are kept: a replica that was away so long may bring them back, milliseconds. */
const WITHDRAWN_MS = 24 * 3_600_000;
/** The wait between attempts to read a store that is away, milliseconds. */
const RETRY_MS = 5_000;

export class KeptOverrides {
  readonly #store: Store;
  readonly #log: Log;
  #retry: NodeJS.Timeout | null = null;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** Calls `loaded` once the store was read, at once if it is there; never if it is off. Resolves after the first attempt. */
  async load(loaded: (overrides: readonly KeptOverride[]) => void): Promise<void> {
    if (this.#store.name === 'off') return;
    const read = await this.#store.read(async (transaction) => {
      const rows = await transaction.rows('SELECT kind, backend, endpoint, state, at, reason, ends FROM weir_overrides');
      return rows.map(({ kind, backend, endpoint, state, at, reason, ends }) => ({
        kind: String(kind),
        backend: String(backend),
        endpoint: String(endpoint),
        state: String(state),
        at: Number(at),
        ...(kind === 'block' ? { reason: String(reason), until: Number(ends) } : {}),
      }));
    });
    if (read.ok) return loaded(read.value);
    this.#log.warn({ reason: read.error }, 'overrides cannot be read from the store; proxies keep theirs');
    this.#retry = setTimeout(() => void this.load(loaded), RETRY_MS);
    this.#retry.unref();
  }

  /** Keeps an override. A store that is away is logged: the override holds, until the controller starts anew. */
  async keep({ kind, backend, endpoint, state, at, reason = '', until = 0 }: KeptOverride): Promise<void> {
    if (this.#store.name === 'off') return;
    const written = await this.#store.write(async (transaction) => {
      await transaction.run("DELETE FROM weir_overrides WHERE (state = 'auto' AND at < ?) OR (ends > 0 AND ends < ?)", [
        at - WITHDRAWN_MS,
        at,
      ]);
      return transaction.run(
        `INSERT INTO weir_overrides (kind, backend, endpoint, state, at, reason, ends) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (kind, backend, endpoint) DO UPDATE
         SET state = excluded.state, at = excluded.at, reason = excluded.reason, ends = excluded.ends WHERE weir_overrides.at < excluded.at`,
        [kind, backend, endpoint, state, at, reason, until],
      );
    });
    if (!written.ok) this.#log.warn({ endpoint, backend, reason: written.error }, 'an override cannot be kept in the store');
  }

  stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
  }
}
