// Verifies the password of a user, with the waits after failures. All refusals are the same for users that exist and others.
import { err, ok, type Result } from '#lib/result.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { IdentityStore } from './identity-store.ts';
import { beginAttempt, takeBack, type AttemptOf } from './login-attempts.ts';
import type { Passwords } from './passwords.ts';
import { findUser, type User } from './user-table.ts';

/** A password for a user name, from an address. */
export interface PasswordAttempt extends AttemptOf {
  readonly password: string;
}

/** The one refusal of wrong names, passwords and codes, and of users that are disabled. */
export const LOGIN_REFUSED = refuse(401, 'login-refused', 'the user name, the password or the code is wrong');

/** More passwords wait than can be verified soon. */
export const BUSY = refuse(503, 'login-busy', 'too many passwords are verified now; try again', { retryAfter: 1 });

export class PasswordCheck {
  readonly #store: IdentityStore;
  readonly #passwords: Passwords;

  constructor(store: IdentityStore, passwords: Passwords) {
    this.#store = store;
    this.#passwords = passwords;
  }

  /** The user of a right password. The attempt counts as failed until the caller calls `succeed` or `takeBack`. */
  async check({ user: name, address, password }: PasswordAttempt): Promise<Result<User, AdminProblem>> {
    const of = { user: name, address };
    const begun = await this.#store.write<User | null>(async (t) => {
      const wait = await beginAttempt(t, of);
      return wait > 0 ? tooMany(wait) : ok(await findUser(t, name));
    });
    if (!begun.ok) return begun;
    const user = begun.value;
    const verdict = await this.#passwords.verify(user === null || user.disabled ? null : user.password, password);
    if (verdict === 'busy') return this.#busy(of);
    return verdict === 'match' && user !== null ? ok(user) : LOGIN_REFUSED;
  }

  async #busy(of: AttemptOf): Promise<Result<never, AdminProblem>> {
    const taken = await this.#store.write(async (t) => ok(await takeBack(t, of)));
    return taken.ok ? BUSY : err(taken.error);
  }
}

function tooMany(wait: number): Result<never, AdminProblem> {
  const retryAfter = Math.ceil(wait / 1_000);
  return refuse(429, 'login-throttled', `too many logins have failed; try again after ${retryAfter} seconds`, { retryAfter });
}
