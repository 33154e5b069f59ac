// The users, as others manage them. Bindings give them rights; nothing here does.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import type { Caller } from '../api/operation.ts';
import { changedMeanwhile, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import { addBinding } from './access-table.ts';
import { ADMIN_ROLE } from './built-in-roles.ts';
import { guardAll, guardLastAdmin, guardUser } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';
import { blockedUntil, unblock } from './login-attempts.ts';
import { fitPassword } from './own-account.ts';
import { BUSY } from './password-check.ts';
import { makePassword, type Passwords } from './passwords.ts';
import { endSessions } from './session-table.ts';
import { addUser, changeUser, countUsers, deleteUser, findUser, listUsers, putRecoveryCodes } from './user-table.ts';
import type { User, UserChange } from './user-table.ts';

/** A user with the end of its wait after failed logins; 0: none. */
export interface UserState {
  readonly user: User;
  readonly blockedUntil: number;
}

/** The settings of a new user. */
export interface UserSpec {
  readonly name: string;
  readonly displayName: string;
  /** Null: a random one. */
  readonly password: string | null;
  /** No login with a password: a user for tokens. */
  readonly withoutPassword: boolean;
}

/** A user before and after a change. */
export interface UserChanged {
  readonly before: User;
  readonly after: User;
}

/** A new password, in the text for a person and as a hash. */
interface NewPassword {
  readonly text: string;
  readonly hash: string;
}

export class Users {
  readonly #store: IdentityStore;
  readonly #passwords: Passwords;

  constructor(store: IdentityStore, passwords: Passwords) {
    this.#store = store;
    this.#passwords = passwords;
  }

  list(after: string, limit: number): Promise<Result<readonly User[], AdminProblem>> {
    return this.#store.read(async (t) => ok(await listUsers(t, after, limit)));
  }

  get(name: string): Promise<Result<UserState, AdminProblem>> {
    return this.#store.read(async (t) => {
      const user = await findUser(t, name);
      return user === null ? notFound('user', name) : ok({ user, blockedUntil: await blockedUntil(t, name) });
    });
  }

  /** Adds a user without rights, which must change its password. Returns a random password as text; '' for one that was chosen. */
  async create({
    name,
    displayName,
    password,
    withoutPassword,
  }: UserSpec): Promise<Result<{ user: User; password: string }, AdminProblem>> {
    const made = withoutPassword ? ok({ text: '', hash: null }) : await this.#newPassword(name, password);
    if (!made.ok) return made;
    return this.#store.write(async (t) => {
      if ((await findUser(t, name)) !== null) return refuse(409, 'user-exists', `user ${JSON.stringify(name)} exists already`);
      const fields = { name, displayName, source: 'local' as const, groups: [], password: made.value.hash, mustChange: !withoutPassword };
      return ok({ user: await addUser(t, fields), password: password === null ? made.value.text : '' });
    });
  }

  /** Changes what is shown of a user, or whether it may log in. A user that is disabled loses its sessions, and its tokens are refused. */
  update(
    caller: Caller,
    name: string,
    version: string | null,
    change: Pick<UserChange, 'displayName' | 'disabled'>,
  ): Promise<Result<UserChanged, AdminProblem>> {
    return this.#manage(caller, name, async (t, user) => {
      if (version !== null && version !== String(user.version)) return changedMeanwhile('user', name, String(user.version));
      if (change.disabled === true) {
        const left = await guardLastAdmin(t, { user: user.id });
        if (!left.ok) return left;
        await endSessions(t, user.id, null);
      }
      return ok(await changeUser(t, user, change));
    });
  }

  /** Deletes a user with its bindings, sessions and tokens. */
  delete(caller: Caller, name: string): Promise<Result<User, AdminProblem>> {
    return this.#store.write(async (t) => {
      const user = await findUser(t, name);
      if (user === null) return notFound('user', name);
      const guarded = await guardAll(
        () => guardUser(t, caller, user),
        () => guardLastAdmin(t, { user: user.id }),
      );
      if (!guarded.ok) return guarded;
      await deleteUser(t, user.id);
      return ok(user);
    });
  }

  /** Sets a password that the user must change, and ends its sessions. Returns a random one as text; '' for one that was chosen. */
  async setPassword(
    caller: Caller,
    name: string,
    password: string | null,
  ): Promise<Result<UserChanged & { password: string }, AdminProblem>> {
    const made = await this.#newPassword(name, password);
    if (!made.ok) return made;
    const changed = await this.#manage(caller, name, async (t, user) => {
      await endSessions(t, user.id, null);
      return ok(await changeUser(t, user, { password: made.value.hash, passwordChanged: await t.now(), mustChange: true }));
    });
    return changed.ok ? ok({ ...changed.value, password: password === null ? made.value.text : '' }) : changed;
  }

  /** Removes the second factor of a user that has lost it, and ends its sessions. */
  resetTotp(caller: Caller, name: string): Promise<Result<UserChanged, AdminProblem>> {
    return this.#manage(caller, name, async (t, user) => {
      await endSessions(t, user.id, null);
      await putRecoveryCodes(t, user.id, []);
      return ok(await changeUser(t, user, { totpSecret: null, totpPending: null }));
    });
  }

  /** Ends the wait after failed logins. */
  unblock(caller: Caller, name: string): Promise<Result<UserChanged, AdminProblem>> {
    return this.#manage(caller, name, async (t, user) => {
      await unblock(t, user.name);
      return ok(user);
    });
  }

  /** Adds the user `admin` with all rights to an empty store. Returns its password; null: there are users already. */
  async addFirst(password: string | null): Promise<Result<string | null, AdminProblem>> {
    const made = await this.#newPassword(ADMIN_ROLE, password);
    if (!made.ok) return made;
    return this.#store.write(async (t) => {
      if ((await countUsers(t)) > 0) return ok(null);
      const fields = { name: 'admin', displayName: 'First administrator', source: 'local' as const, groups: [], mustChange: false };
      const user = await addUser(t, { ...fields, password: made.value.hash });
      const scope = { tenant: null, namespaces: null };
      await addBinding(t, {
        ...{ id: 'first-admin', subjectKind: 'user', subject: user.id, role: ADMIN_ROLE, ...scope },
        ...{ created: await t.now(), createdBy: 'weir' },
      });
      return ok(made.value.text);
    });
  }

  /** Runs a change of a user that has no more rights than the caller. */
  #manage(
    caller: Caller,
    name: string,
    change: (t: Transaction, user: User) => Promise<Result<User, AdminProblem>>,
  ): Promise<Result<UserChanged, AdminProblem>> {
    return this.#store.write(async (t) => {
      const before = await findUser(t, name);
      if (before === null) return notFound('user', name);
      const guarded = await guardUser(t, caller, before);
      if (!guarded.ok) return guarded;
      const after = await change(t, before);
      return after.ok ? ok({ before, after: after.value }) : after;
    });
  }

  async #newPassword(user: string, chosen: string | null): Promise<Result<NewPassword, AdminProblem>> {
    const text = chosen ?? makePassword();
    const fit = chosen === null ? ok(text) : fitPassword(text, user);
    if (!fit.ok) return fit;
    const hash = await this.#passwords.hash(text);
    return hash === null ? BUSY : ok({ text, hash });
  }
}
