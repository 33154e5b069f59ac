// Changes of users to their own credentials. Each change needs the password again, so that a session that is left open is not enough,
// gives the session a new secret, and ends the other sessions of the user.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import { invalid, refuse, type AdminProblem } from '../api/problem.ts';
import { csrfTokenOf, makeRecoveryCode, storedSecret } from './credential.ts';
import type { IdentityStore } from './identity-store.ts';
import type { Keys } from './key-file.ts';
import { succeed } from './login-attempts.ts';
import { BUSY, PasswordCheck } from './password-check.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { keyWrong, openFactor, sealFactor } from './sealed-factors.ts';
import { endSessions, rotateSession } from './session-table.ts';
import { makeTotpSecret, totpStep, totpUri } from './totp.ts';
import { changeUser, findUserById, putRecoveryCodes, type User, type UserChange } from './user-table.ts';

const RECOVERY_CODES = 10;

/** The user of a session, with its password once more. */
export interface Proof {
  readonly user: string;
  readonly session: string;
  readonly address: string;
  readonly password: string;
}

/** The new secret of the session. */
export interface Rotated {
  readonly user: User;
  readonly secret: string;
  readonly csrfToken: string;
}

/** A secret that a code must confirm. */
export interface Enrolment {
  readonly secret: string;
  /** For a QR code. */
  readonly uri: string;
}

const GONE = refuse(401, 'session-ended', 'the session has ended; log in again');

export class OwnAccount {
  readonly #store: IdentityStore;
  readonly #passwords: Passwords;
  readonly #check: PasswordCheck;

  readonly #keys: Keys;

  constructor(store: IdentityStore, passwords: Passwords, keys: Keys) {
    this.#store = store;
    this.#passwords = passwords;
    this.#keys = keys;
    this.#check = new PasswordCheck(store, passwords);
  }

  async changePassword(proof: Proof, password: string): Promise<Result<Rotated, AdminProblem>> {
    const proven = await this.#prove(proof);
    if (!proven.ok) return proven;
    const fit = password === proof.password ? invalidPassword('is the same as before') : fitPassword(password, proven.value.name);
    if (!fit.ok) return fit;
    const hash = await this.#passwords.hash(password);
    if (hash === null) return BUSY;
    return this.#change(proof, proven.value, async (t) => ({ password: hash, passwordChanged: await t.now(), mustChange: false }));
  }

  /** Makes the secret of a second factor, or of another one in its place. It has no effect before a code confirms it. */
  async beginTotp(proof: Proof): Promise<Result<Enrolment, AdminProblem>> {
    const proven = await this.#prove(proof);
    if (!proven.ok) return proven;
    const box = this.#keys.box();
    if (!box.ok) return box;
    const secret = makeTotpSecret();
    return this.#store.write(async (t) => {
      const user = await findUserById(t, proof.user);
      if (user === null) return GONE;
      await changeUser(t, user, { totpPending: sealFactor(box.value, user.id, secret) }, true);
      return ok({ secret, uri: totpUri(secret, user.name) });
    });
  }

  /** Turns the second factor on. Returns recovery codes, which are shown once. */
  async confirmTotp(user: string, session: string, code: string): Promise<Result<Rotated & { codes: readonly string[] }, AdminProblem>> {
    const box = this.#keys.box();
    if (!box.ok) return box;
    return this.#store.write(async (t) => {
      const before = await findUserById(t, user);
      if (before === null) return GONE;
      if (before.totpPending === null) return refuse(409, 'totp-not-begun', 'there is no secret to confirm; ask for one first');
      const secret = openFactor(box.value, before.id, before.totpPending);
      if (!secret.ok) return keyWrong(secret.error);
      const step = totpStep(secret.value, code, await t.now(), before.totpStep);
      if (step === null) return refuse(422, 'code-wrong', 'the code is wrong; compare the clock of this server and of the device');
      const codes = await replaceCodes(t, user);
      const rotated = await rotate(t, before, session, { totpSecret: before.totpPending, totpPending: null, totpStep: step });
      return rotated.ok ? ok({ ...rotated.value, codes }) : rotated;
    });
  }

  async removeTotp(proof: Proof): Promise<Result<Rotated, AdminProblem>> {
    const proven = await this.#prove(proof);
    if (!proven.ok) return proven;
    return this.#change(proof, proven.value, async (t) => {
      await putRecoveryCodes(t, proof.user, []);
      return { totpSecret: null, totpPending: null };
    });
  }

  /** Replaces the recovery codes. */
  async renewCodes(proof: Proof): Promise<Result<readonly string[], AdminProblem>> {
    const proven = await this.#prove(proof);
    if (!proven.ok) return proven;
    return this.#store.write(async (t) => {
      const user = await findUserById(t, proof.user);
      if (user?.totpSecret === undefined || user.totpSecret === null)
        return refuse(409, 'totp-off', 'recovery codes replace a second factor, and there is none');
      return ok(await replaceCodes(t, user.id));
    });
  }

  async #prove({ user: id, address, password }: Proof): Promise<Result<User, AdminProblem>> {
    const found = await this.#store.read<User | null>(async (t) => ok(await findUserById(t, id)));
    if (!found.ok) return found;
    if (found.value === null) return GONE;
    const of = { user: found.value.name, address };
    const checked = await this.#check.check({ ...of, password });
    // The session is valid, so the status is another than that of a missing login.
    if (!checked.ok) return checked.error.code === 'login-refused' ? refuse(403, 'password-wrong', 'the password is wrong') : checked;
    const counted = await this.#store.write(async (t) => ok(await succeed(t, of)));
    return counted.ok ? checked : counted;
  }

  #change(proof: Proof, before: User, changeOf: (t: Transaction) => Promise<UserChange>): Promise<Result<Rotated, AdminProblem>> {
    return this.#store.write(async (t) => {
      const user = await findUserById(t, before.id);
      if (user?.password !== before.password) return GONE;
      return rotate(t, user, proof.session, await changeOf(t));
    });
  }
}

/** A new password that follows the rules. */
export function fitPassword(password: string, user: string): Result<string, AdminProblem> {
  const fit = checkPassword(password, user);
  return fit.ok ? fit : invalidPassword(fit.error);
}

function invalidPassword(reason: string): Result<never, AdminProblem> {
  return invalid([{ field: 'body.password', reason: `the password ${reason}` }]);
}

async function rotate(t: Transaction, user: User, session: string, change: UserChange): Promise<Result<Rotated, AdminProblem>> {
  const secret = await rotateSession(t, session);
  if (secret === null) return GONE;
  const changed = await changeUser(t, user, change);
  await endSessions(t, user.id, session);
  return ok({ user: changed, secret, csrfToken: csrfTokenOf(secret) });
}

async function replaceCodes(t: Transaction, user: string): Promise<readonly string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, makeRecoveryCode);
  await putRecoveryCodes(t, user, codes.map(storedSecret));
  return codes;
}
