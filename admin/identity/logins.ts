// Logins with a password and, for users that have one, a second factor. A login begins a session with a new secret; what session the
// caller had before ends, so that a secret that another has planted is worth nothing.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { csrfTokenOf, storedSecret } from './credential.ts';
import type { IdentityStore } from './identity-store.ts';
import type { Keys } from './key-file.ts';
import { succeed, takeBack } from './login-attempts.ts';
import { LOGIN_REFUSED, PasswordCheck, type PasswordAttempt } from './password-check.ts';
import type { Passwords } from './passwords.ts';
import { keyWrong, openFactor } from './sealed-factors.ts';
import { addSession, endOldestSessions, endSession, findSession, forgetSessions } from './session-table.ts';
import type { LoginMethod, Session, SessionLimits } from './session-table.ts';
import { totpStep } from './totp.ts';
import { changeUser, findUserById, takeRecoveryCode, type User, type UserChange } from './user-table.ts';

/** The credentials of a login. */
export interface LoginAttempt extends PasswordAttempt {
  /** A code of TOTP or a recovery code; '' without one. */
  readonly code: string;
  readonly userAgent: string;
  /** The secret of the session that the caller already has; null without one. */
  readonly formerSecret: string | null;
}

/** A session that has begun. */
export interface Login {
  readonly user: User;
  readonly session: Session;
  /** For the cookie. */
  readonly secret: string;
  readonly csrfToken: string;
}

/** The way in which a code was right, and the changes of the user by it. */
interface Factor {
  readonly method: LoginMethod;
  readonly change: UserChange;
}

/** How a user that has proved to be one logs in. */
export interface Entrance extends Pick<LoginAttempt, 'address' | 'userAgent' | 'formerSecret'> {
  readonly method: LoginMethod;
  /** The changes of the user by the login. */
  readonly change: UserChange;
}

/** Begins a session with a new secret, and ends the one that the caller had. */
export async function beginSession(t: Transaction, user: User, entrance: Entrance, limits: SessionLimits): Promise<Login> {
  const { method, change, address, userAgent, formerSecret } = entrance;
  const former = formerSecret === null ? null : await findSession(t, formerSecret, limits);
  if (former !== null) await endSession(t, former.id);
  await forgetSessions(t, limits);
  await endOldestSessions(t, user.id);
  const changed = await changeUser(t, user, { ...change, lastLogin: await t.now() }, true);
  const { session, secret } = await addSession(t, { user: user.id, method, address, userAgent });
  return { user: changed, session, secret, csrfToken: csrfTokenOf(secret) };
}

export interface LoginsOptions {
  readonly store: IdentityStore;
  readonly passwords: Passwords;
  readonly keys: Keys;
  readonly limits: SessionLimits;
}

export class Logins {
  readonly #options: LoginsOptions;
  readonly #check: PasswordCheck;

  constructor(options: LoginsOptions) {
    this.#options = options;
    this.#check = new PasswordCheck(options.store, options.passwords);
  }

  async login(attempt: LoginAttempt): Promise<Result<Login, AdminProblem>> {
    const { store, passwords } = this.#options;
    const checked = await this.#check.check(attempt);
    if (!checked.ok) return checked;
    const user = checked.value;
    if (user.totpSecret !== null && attempt.code === '') {
      const taken = await store.write(async (t) => ok(await takeBack(t, attempt)));
      return taken.ok ? refuse(401, 'second-factor-needed', 'the user has a second factor: send the code of the app, too') : taken;
    }
    const isOutdated = user.password !== null && passwords.isOutdated(user.password);
    const rehashed = isOutdated ? await passwords.hash(attempt.password) : null;
    return store.write((t) => this.#begin(t, attempt, user, rehashed));
  }

  /** Ends a session. */
  logout(session: string): Promise<Result<void, AdminProblem>> {
    return this.#options.store.write(async (t) => ok(await endSession(t, session)));
  }

  async #begin(t: Transaction, attempt: LoginAttempt, before: User, rehashed: string | null): Promise<Result<Login, AdminProblem>> {
    const { limits } = this.#options;
    const user = await findUserById(t, before.id);
    // The user was changed while the password was verified.
    if (user === null || user.disabled || user.password !== before.password) return LOGIN_REFUSED;
    const factor = await factorOf(t, user, attempt.code, this.#options.keys);
    if (!factor.ok) return factor;
    await succeed(t, attempt);
    const change = { ...factor.value.change, ...(rehashed === null ? {} : { password: rehashed }) };
    return ok(await beginSession(t, user, { ...attempt, method: factor.value.method, change }, limits));
  }
}

/** A recovery code counts also if the secret cannot be opened. */
async function factorOf(t: Transaction, user: User, code: string, keys: Keys): Promise<Result<Factor, AdminProblem>> {
  if (user.totpSecret === null) return ok({ method: 'password', change: {} });
  const box = keys.box();
  const secret = box.ok ? openFactor(box.value, user.id, user.totpSecret) : null;
  const step = secret?.ok === true ? totpStep(secret.value, code, await t.now(), user.totpStep) : null;
  if (step !== null) return ok({ method: 'totp', change: { totpStep: step } });
  if (await takeRecoveryCode(t, user.id, storedSecret(code))) return ok({ method: 'recovery-code', change: {} });
  if (!box.ok) return box;
  return secret?.ok === false ? keyWrong(secret.error) : LOGIN_REFUSED;
}
