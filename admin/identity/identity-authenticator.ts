// Says from which caller a request is: by the cookie of a session, or by an API token in the header Authorization. Rights are read anew for
// each request, so that a change counts at once.
import { ok, type Result } from '#lib/result.ts';
import type { Authenticated, Authenticator, CredentialSource } from '../api/authenticator.ts';
import type { Caller } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { grantsOf, type Subject } from './access-table.ts';
import { csrfTokenOf } from './credential.ts';
import { subjectsOf } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';
import { Rights } from './rights.ts';
import { findSession, touchSession, type Session, type SessionLimits } from './session-table.ts';
import { findToken, touchToken, type Token } from './token-table.ts';
import { findUserById, type User } from './user-table.ts';

/** The name of the cookie, without the prefix that the server adds. */
export const SESSION_COOKIE = 'weir-session';

/** The time of the last use is written so often, milliseconds: each write waits for the disk. */
const TOUCH = 60_000;
/** Longer credentials are none of ours. */
const MAX_LENGTH = 4_096;

/** The Kubernetes account of a token. */
export interface ReviewedAccount {
  /** NAMESPACE/NAME. */
  readonly name: string;
}

/** Asks the API server about tokens of ServiceAccounts. */
export interface AccountReviewer {
  /** Null: the token is not valid. */
  review(token: string): Promise<Result<ReviewedAccount | null, AdminProblem>>;
}

/** The facts of a session or a token in the store. */
interface Found {
  readonly user: User;
  readonly rights: Rights;
  readonly session: Session | null;
  readonly token: Token | null;
  readonly now: number;
}

const INVALID = refuse(
  401,
  'credentials-invalid',
  'the session or token has ended, or never was valid; log in again, or use another token',
);

export interface IdentityAuthenticatorOptions {
  readonly store: IdentityStore;
  readonly limits: SessionLimits;
  /** Users with a password have no rights before they have a second factor. */
  readonly needsSecondFactor: boolean;
  /** Null without a cluster. */
  readonly reviewer: AccountReviewer | null;
}

export class IdentityAuthenticator implements Authenticator {
  readonly #options: IdentityAuthenticatorOptions;

  constructor(options: IdentityAuthenticatorOptions) {
    this.#options = options;
  }

  async authenticate(source: CredentialSource): Promise<Result<Authenticated | null, AdminProblem>> {
    const { authorization, address } = source;
    if (authorization !== null) {
      const [, token = ''] = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization.slice(0, MAX_LENGTH + 10)) ?? [];
      if (token === '') return INVALID;
      // Tokens of ServiceAccounts are JWTs; ours have no dot.
      return token.includes('.') ? this.#account(token, address) : this.#token(token, address);
    }
    const secret = source.cookie(SESSION_COOKIE);
    return secret === null || secret === '' ? ok(null) : this.#session(secret.slice(0, MAX_LENGTH), address);
  }

  async #session(secret: string, address: string): Promise<Result<Authenticated | null, AdminProblem>> {
    const { store, limits } = this.#options;
    const found = await store.read<Found | null>(async (t) => {
      const session = await findSession(t, secret, limits);
      const user = session === null ? null : await findUserById(t, session.user);
      if (user === null || user.disabled) return ok(null);
      const rights = new Rights(await grantsOf(t, subjectsOf(user)));
      return ok({ user, rights, session, token: null, now: await t.now() });
    });
    if (!found.ok) return found;
    if (found.value === null || found.value.session === null) return INVALID;
    const { user, rights, session, now } = found.value;
    if (now - session.lastUsed > TOUCH) {
      const touched = await store.write(async (t) => ok(await touchSession(t, session.id)));
      if (!touched.ok) return touched;
    }
    // A password that must be changed is known to others, so until then the session is only good for changing it; the same for a factor.
    const effective = user.mustChange || this.#lacksFactor(user) ? new Rights([]) : rights;
    const caller = callerOf({ kind: 'user', id: user.id, name: user.name, address, session: session.id }, effective);
    return ok({ caller, csrfToken: csrfTokenOf(secret) });
  }

  /** The factors of people at a provider are up to the provider. */
  #lacksFactor({ source, totpSecret }: User): boolean {
    return this.#options.needsSecondFactor && source === 'local' && totpSecret === null;
  }

  async #token(secret: string, address: string): Promise<Result<Authenticated | null, AdminProblem>> {
    const { store } = this.#options;
    const found = await store.read<Found | null>(async (t) => {
      const token = await findToken(t, secret);
      const user = token === null ? null : await findUserById(t, token.owner);
      if (token === null || user === null || user.disabled) return ok(null);
      const rights = new Rights(await grantsOf(t, subjectsOf(user))).within(token.scope);
      return ok({ user, rights, session: null, token, now: await t.now() });
    });
    if (!found.ok) return found;
    if (found.value === null || found.value.token === null) return INVALID;
    const { user, rights, token, now } = found.value;
    if (now - token.lastUsed > TOUCH) {
      const touched = await store.write(async (t) => ok(await touchToken(t, token.id, address)));
      if (!touched.ok) return touched;
    }
    const caller = callerOf({ kind: 'token', id: token.id, name: `${user.name}/${token.name}`, address, session: null }, rights);
    return ok({ caller, csrfToken: null });
  }

  async #account(jwt: string, address: string): Promise<Result<Authenticated | null, AdminProblem>> {
    const { store, reviewer } = this.#options;
    if (reviewer === null) return INVALID;
    const reviewed = await reviewer.review(jwt);
    if (!reviewed.ok) return reviewed;
    if (reviewed.value === null) return INVALID;
    const { name } = reviewed.value;
    const subjects: readonly Subject[] = [{ kind: 'serviceAccount', names: [name] }];
    const grants = await store.read(async (t) => ok(await grantsOf(t, subjects)));
    if (!grants.ok) return grants;
    const caller = callerOf({ kind: 'serviceAccount', id: name, name, address, session: null }, new Rights(grants.value));
    return ok({ caller, csrfToken: null });
  }
}

function callerOf(fields: Omit<Caller, 'may' | 'mayAnywhere'>, rights: Rights): Caller {
  return {
    ...fields,
    may: (permission, namespace) => rights.may(permission, namespace),
    mayAnywhere: (permission) => rights.mayAnywhere(permission),
  };
}
