// The sessions of users, as they and others see and end them.
import { ok, type Result } from '#lib/result.ts';
import type { Caller } from '../api/operation.ts';
import { notFound, type AdminProblem } from '../api/problem.ts';
import { guardUser } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';
import { endSession, endSessions, findSessionById, listSessions } from './session-table.ts';
import type { Session, SessionLimits } from './session-table.ts';
import { findUser, findUserById } from './user-table.ts';

/** A session with the name of its user. */
export interface NamedSession {
  readonly session: Session;
  readonly userName: string;
}

export class Sessions {
  readonly #store: IdentityStore;
  readonly #limits: SessionLimits;

  constructor(store: IdentityStore, limits: SessionLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** The sessions of all users, the newest first. */
  list(): Promise<Result<readonly NamedSession[], AdminProblem>> {
    return this.#store.read(async (t) => {
      const found: NamedSession[] = [];
      for (const session of await listSessions(t, null, this.#limits))
        found.push({ session, userName: (await findUserById(t, session.user))?.name ?? '' });
      return ok(found);
    });
  }

  /** The sessions of a user, by its name. */
  listOf(name: string): Promise<Result<readonly NamedSession[], AdminProblem>> {
    return this.#store.read(async (t) => {
      const user = await findUser(t, name);
      if (user === null) return notFound('user', name);
      return ok((await listSessions(t, user.id, this.#limits)).map((session) => ({ session, userName: name })));
    });
  }

  /** Ends one session of a user that has no more rights than the caller. `owner`: only if it is of this user, by id. */
  end(caller: Caller, id: string, owner: string | null): Promise<Result<NamedSession, AdminProblem>> {
    return this.#store.write(async (t) => {
      const session = await findSessionById(t, id);
      if (session === null || (owner !== null && session.user !== owner)) return notFound('session', id);
      const user = await findUserById(t, session.user);
      if (user !== null && owner === null) {
        const guarded = await guardUser(t, caller, user);
        if (!guarded.ok) return guarded;
      }
      await endSession(t, id);
      return ok({ session, userName: user?.name ?? '' });
    });
  }

  /** Ends the sessions of a user. Returns their number. */
  endAll(caller: Caller, name: string): Promise<Result<number, AdminProblem>> {
    return this.#store.write(async (t) => {
      const user = await findUser(t, name);
      if (user === null) return notFound('user', name);
      const guarded = await guardUser(t, caller, user);
      return guarded.ok ? ok(await endSessions(t, user.id, null)) : guarded;
    });
  }

  /** Ends the other sessions of a user. Returns their number. */
  endOthers(user: string, session: string | null): Promise<Result<number, AdminProblem>> {
    return this.#store.write(async (t) => ok(await endSessions(t, user, session)));
  }
}
