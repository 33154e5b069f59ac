// Entries that all proxies of a fleet share, each with an end: sessions of users. Implemented by redis/.
import { err, type Result } from '#lib/result.ts';

/** Every call resolves: an error completes "the sessions are not available: ...". */
export interface SharedEntries {
  /** The value of an entry, or null; `renew`: the entry lives for so many seconds from now on. */
  read(key: string, renew: number | null): Promise<Result<string | null>>;
  /** Writes an entry for so many seconds. False: it exists already (`absent`), or exists no longer (`present`), and stays as it is. */
  write(key: string, value: string, seconds: number, only?: 'absent' | 'present'): Promise<Result<boolean>>;
  remove(keys: readonly string[]): Promise<Result<null>>;
  /** Adds a member to a set until a time in seconds since 1970. The set lasts as long as its members. */
  join(set: string, member: string, until: number): Promise<Result<null>>;
  /** The members whose time has not come. */
  members(set: string): Promise<Result<readonly string[]>>;
}

const NONE = err('the proxy has no Redis, see --redis-url');

/** Without a store. */
export const NO_SHARED_ENTRIES: SharedEntries = {
  read: () => Promise.resolve(NONE),
  write: () => Promise.resolve(NONE),
  remove: () => Promise.resolve(NONE),
  join: () => Promise.resolve(NONE),
  members: () => Promise.resolve(NONE),
};
