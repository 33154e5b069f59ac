// API tokens: made for their owner or by others, shown once, revoked by deletion.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import type { Caller } from '../api/operation.ts';
import { invalid, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import { grantsOf } from './access-table.ts';
import { coversAll, guardUser, subjectsOf } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';
import { Rights, type Scope } from './rights.ts';
import { addToken, deleteToken, findTokenById, listTokens, type Token } from './token-table.ts';
import { findUser, findUserById, type User } from './user-table.ts';

/** The longest life of a token, days. */
export const MAX_TOKEN_DAYS = 366;
/** Tokens of one user. */
const MAX_TOKENS = 100;
const DAY = 24 * 3_600_000;

/** The settings of a token. */
export interface TokenSpec {
  readonly name: string;
  readonly scope: Scope;
  readonly days: number;
}

/** A token with the name of its owner. */
export interface OwnedToken {
  readonly token: Token;
  readonly ownerName: string;
}

export class Tokens {
  readonly #store: IdentityStore;

  constructor(store: IdentityStore) {
    this.#store = store;
  }

  /** The tokens of all users. */
  list(): Promise<Result<readonly OwnedToken[], AdminProblem>> {
    return this.#store.read(async (t) => {
      const owned: OwnedToken[] = [];
      for (const token of await listTokens(t, null)) owned.push(await withOwner(t, token));
      return ok(owned);
    });
  }

  /** The tokens of one user. */
  listOf(owner: string): Promise<Result<readonly OwnedToken[], AdminProblem>> {
    return this.#store.read(async (t) => {
      const user = await findUser(t, owner);
      if (user === null) return notFound('user', owner);
      return ok((await listTokens(t, user.id)).map((token) => ({ token, ownerName: user.name })));
    });
  }

  /** Makes a token. The caller must have all rights that the token has. The secret is shown once. */
  create(caller: Caller, owner: string, spec: TokenSpec): Promise<Result<OwnedToken & { secret: string }, AdminProblem>> {
    return this.#store.write(async (t) => {
      const user = await findUser(t, owner);
      if (user === null) return notFound('user', owner);
      const fit = await fitToken(t, caller, user, spec);
      if (!fit.ok) return fit;
      const { name, scope, days } = spec;
      const expires = (await t.now()) + days * DAY;
      const { token, secret } = await addToken(t, { owner: user.id, name, scope, createdBy: caller.name, expires });
      return ok({ token, secret, ownerName: user.name });
    });
  }

  /** Revokes a token of a user that has no more rights than the caller. `owner`: only if it is of this user, by id. */
  revoke(caller: Caller, id: string, owner: string | null): Promise<Result<OwnedToken, AdminProblem>> {
    return this.#store.write(async (t) => {
      const token = await findTokenById(t, id);
      if (token === null || (owner !== null && token.owner !== owner)) return notFound('token', id);
      const user = await findUserById(t, token.owner);
      if (user !== null && owner === null) {
        const guarded = await guardUser(t, caller, user);
        if (!guarded.ok) return guarded;
      }
      await deleteToken(t, id);
      return ok({ token, ownerName: user?.name ?? '' });
    });
  }
}

async function fitToken(t: Transaction, caller: Caller, user: User, { name, scope }: TokenSpec): Promise<Result<void, AdminProblem>> {
  const rights = new Rights(await grantsOf(t, subjectsOf(user))).within(scope);
  if (!coversAll(caller, rights.grants))
    return refuse(403, 'rights-exceeded', `the token would have rights of user ${JSON.stringify(user.name)} that the caller does not have`);
  const others = await listTokens(t, user.id);
  if (others.length >= MAX_TOKENS) return refuse(409, 'too-many-tokens', `the user has ${MAX_TOKENS} tokens; revoke one first`);
  if (others.some((other) => other.name === name))
    return invalid([{ field: 'body.name', reason: 'is the name of another token of the user' }]);
  return ok(undefined);
}

async function withOwner(t: Transaction, token: Token): Promise<OwnedToken> {
  return { token, ownerName: (await findUserById(t, token.owner))?.name ?? '' };
}
