// The keys of limits for operators: proxies tell those of the proxy and of Redis, and the leading controller those of the fleet.
import { limitsIn, limitsNamed } from '#api/policy/rate-limits.ts';
import type { KnownLimit } from '#api/policy/rate-limits.ts';
import type { Resource } from '#api/ir/ir.ts';
import { isLimitLine, limitKey, nameOf, placeOf } from '#api/wire/limit-keys.ts';
import type { LimitKey, LimitLine } from '#api/wire/limit-keys.ts';
import type { Action } from '#api/wire/telemetry-messages.ts';
import { readLines } from '#lib/json-lines.ts';
import { Listing } from '#lib/limit/listing.ts';
import type { LimitReset } from '#lib/limit/listing.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Fleet } from './fleet.ts';
import { COMMAND_MS } from './hub.ts';
import type { ProxyEnd } from './hub.ts';
import type { LimitDesk } from './limit-desk.ts';

/** Keys in Redis that are compared with those of other proxies. */
const MAX_SHARED = 10_000;

/** A key of a limit, and where it counts. */
export interface CountedKey extends LimitKey {
  /** The proxy for the store Local, the scope for Lease; '' for Redis. */
  readonly at: string;
}

/** The answer to a look at limits. */
export interface LimitList {
  /** Those that are refused first, then by the part that is left. */
  readonly keys: readonly CountedKey[];
  /** Keys that have no room in this answer. */
  readonly more: number;
  /** Proxies that do not tell their keys. */
  readonly missing: readonly ProxyEnd[];
  /** No controller lends: keys of the store Lease are missing. */
  readonly lease: 'known' | 'unknown';
}

/** The answer to a reset. */
export interface LimitsReset {
  /** The number of keys that counted something, or were known to count. */
  readonly keys: number;
  readonly proxies: readonly ProxyEnd[];
}

/** Why a limit cannot be reset: `absent` if there is nothing of the name, `conflict` if its kind does not allow it, `away` without a leader. */
export interface ResetRefusal {
  readonly cause: 'absent' | 'conflict' | 'away';
  readonly reason: string;
}

export interface LimitBookOptions {
  readonly fleet: Pick<Fleet, 'command'>;
  readonly desk: Pick<LimitDesk, 'list' | 'reset'>;
  /** All compiled resources. */
  readonly resources: () => Iterable<Resource>;
}

export class LimitBook {
  readonly #options: LimitBookOptions;

  constructor(options: LimitBookOptions) {
    this.#options = options;
  }

  /** The keys of the limits of this name (`limitsNamed`), at most so many. An error: there is no such limit. */
  async list(name: string, top: number): Promise<Result<LimitList>> {
    const all = limitsIn(this.#options.resources());
    const known = limitsNamed(all, name);
    if (name !== '' && known.length === 0) return err(absence(name, all));
    const [told, leased] = await Promise.all([this.#told(name, top), this.#leased(known, top)]);
    const listing = new Listing<CountedKey>(top, told.more + (leased?.more ?? 0));
    for (const key of [...told.keys, ...(leased?.keys ?? [])]) listing.add(placeOf(key), key);
    const { values: keys, more } = listing;
    return ok({ keys, more, missing: told.missing, lease: leased === null ? 'unknown' : 'known' });
  }

  /** Forgets what one key (as shown) or all keys (null) of a limit have taken. */
  async reset(name: string, key: string | null): Promise<Result<LimitsReset, ResetRefusal>> {
    const all = limitsIn(this.#options.resources());
    const known = all.filter(({ limit }) => limit === name);
    const [first] = known;
    if (first === undefined) return err({ cause: 'absent', reason: absence(name, all) });
    if (first.algorithm === 'Concurrency')
      return err({ cause: 'conflict', reason: `the limit ${name} counts requests under way: it has nothing to reset` });
    const meant: LimitReset = { store: first.store, ids: known.map(({ id }) => id), form: first.form, key };
    const lent = first.store === 'Lease' ? await this.#options.desk.reset(meant) : 0;
    if (lent === null) return err({ cause: 'away', reason: 'no controller lends this limit now; repeat the reset later' });
    // After the lender, so that none asks it for units of before.
    const { count, proxies } = await this.#reset(name, key);
    const keys = lent + count;
    const hasFailed = proxies.some(({ outcome }) => outcome !== 'done');
    if (key === null || keys > 0 || hasFailed) return ok({ keys, proxies });
    return err({ cause: 'absent', reason: `no proxy counts the key ${JSON.stringify(key)} of ${name}; weir limits list shows the keys` });
  }

  async #told(limit: string, top: number): Promise<Omit<LimitList, 'lease'>> {
    const told = new ToldKeys(top);
    const ends = await this.#command({ action: 'limits', limits: { limit, top } }, (proxy, line) => {
      if (isLimitLine(line)) told.take(proxy, line);
    });
    const missing = ends.filter(({ outcome }) => outcome !== 'done');
    return { keys: told.keys, more: told.more, missing };
  }

  /** Null: no controller lends. */
  async #leased(known: readonly KnownLimit[], top: number): Promise<Pick<LimitList, 'keys' | 'more'> | null> {
    const limits = known.filter(({ store }) => store === 'Lease');
    if (limits.length === 0) return { keys: [], more: 0 };
    const byId = new Map(limits.map((limit) => [limit.id, limit]));
    const scopes = await this.#options.desk.list(
      limits.map(({ id, capacity, cost }) => ({ id, capacity, cost })),
      top,
    );
    if (scopes === null) return null;
    const keys = scopes.flatMap(({ scope, states }) =>
      states.flatMap((state) => {
        const limit = byId.get(state.id);
        return limit === undefined ? [] : [{ ...limitKey(limit, state), at: scope }];
      }),
    );
    return { keys, more: scopes.reduce((sum, { more }) => sum + more, 0) };
  }

  async #reset(limit: string, key: string | null): Promise<{ readonly count: number; readonly proxies: readonly ProxyEnd[] }> {
    let count = 0;
    const action: Action = { action: 'resetLimit', resetLimit: { limit, key: key ?? '', whole: key === null } };
    const proxies = await this.#command(action, (_, line) => {
      if (typeof line === 'number' && Number.isSafeInteger(line) && line > 0) count += line;
    });
    return { count, proxies };
  }

  #command(action: Action, take: (proxy: string, line: unknown) => void): Promise<readonly ProxyEnd[]> {
    const chunk = (proxy: string, data: Buffer): void => {
      for (const line of linesOf(data)) take(proxy, line);
    };
    const { signal } = new AbortController();
    return this.#options.fleet.command({ action, deadlineMs: COMMAND_MS, proxies: null, chunk, signal });
  }
}

/** What proxies tell, in memory that does not grow with their number. */
class ToldKeys {
  readonly #own: Listing<CountedKey>;
  /** Of Redis, by limit, plan and key: several proxies ask about the same one. */
  readonly #shared = new Map<string, CountedKey>();
  #more = 0;

  constructor(top: number) {
    this.#own = new Listing(top);
  }

  take(proxy: string, line: LimitLine): void {
    if ('more' in line) this.#more += line.more;
    else if (line.store === 'Redis') this.#share(line);
    else this.#own.add(placeOf(line), { ...line, at: proxy });
  }

  get keys(): readonly CountedKey[] {
    return [...this.#own.values, ...this.#shared.values()];
  }

  get more(): number {
    return this.#own.more + this.#more;
  }

  #share(key: LimitKey): void {
    const name = nameOf(key);
    const known = this.#shared.get(name);
    if (known === undefined && this.#shared.size >= MAX_SHARED) this.#more++;
    else if (known === undefined || key.ageMs < known.ageMs) this.#shared.set(name, { ...key, at: '' });
  }
}

/** None if a proxy sends something else. */
function linesOf(data: Buffer): readonly unknown[] {
  try {
    return readLines(data);
  } catch {
    return [];
  }
}

function absence(name: string, all: readonly KnownLimit[]): string {
  const names = [...new Set(all.map(({ limit }) => limit))];
  const hint =
    didYouMean(name, new Set(names)) || (names.length === 0 ? '; there are none' : `; there are: ${names.slice(0, 10).join(', ')}`);
  return `no RateLimitPolicy in force has the limit ${JSON.stringify(name)}${hint}`;
}
