// Logins of people that a provider has identified. A user is that of the issuer and subject; names decide nothing, since their owners change.
// Rights come from bindings: of the user, and of the groups that the provider names.
import { createHash } from 'node:crypto';
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { IdentityStore } from './identity-store.ts';
import type { Keys } from './key-file.ts';
import { beginSession, type Entrance, type Login } from './logins.ts';
import { endSession, findIdToken, putIdToken, type SessionLimits } from './session-table.ts';
import { addUser, findUser, findUserById, type User } from './user-table.ts';

/** A person as the provider describes it. */
export interface ExternalPerson {
  readonly issuer: string;
  readonly subject: string;
  /** For the name of a new user; any text. */
  readonly name: string;
  readonly displayName: string;
  readonly groups: readonly string[];
  /** Names the session at the provider when it ends. */
  readonly idToken: string;
}

/** No user of the store has such a name by accident, so a provider cannot take the name of one. */
const PREFIX = 'oidc.';
const MAX_NAME = 96;
const MAX_DISPLAY_NAME = 256;

export class ExternalLogins {
  readonly #store: IdentityStore;
  readonly #limits: SessionLimits;
  readonly #keys: Keys;

  constructor(store: IdentityStore, limits: SessionLimits, keys: Keys) {
    this.#store = store;
    this.#limits = limits;
    this.#keys = keys;
  }

  /** Begins a session; a person that is new becomes a user. */
  login(person: ExternalPerson, entrance: Omit<Entrance, 'method' | 'change'>): Promise<Result<Login, AdminProblem>> {
    return this.#store.write(async (t) => {
      const user = (await linkedUser(t, person)) ?? (await addLinkedUser(t, person));
      if (user.disabled) return refuse(403, 'user-disabled', `user ${JSON.stringify(user.name)} is disabled`);
      const change = { displayName: shown(person.displayName), groups: person.groups };
      const login = await beginSession(t, user, { ...entrance, method: 'oidc', change }, this.#limits);
      const box = this.#keys.box();
      if (box.ok) await putIdToken(t, login.session.id, box.value.seal(person.idToken, useOf(login.session.id)));
      return ok(login);
    });
  }

  /** Ends a session. Returns the ID token of its login; '' without one, or without the key that opens it. */
  logout(session: string): Promise<Result<string, AdminProblem>> {
    return this.#store.write(async (t) => {
      const sealed = await findIdToken(t, session);
      await endSession(t, session);
      const box = this.#keys.box();
      const opened = sealed === null || !box.ok ? null : box.value.open(sealed, useOf(session));
      return ok(opened?.ok === true ? opened.value : '');
    });
  }
}

function useOf(session: string): string {
  return `id token ${session}`;
}

async function linkedUser(t: Transaction, { issuer, subject }: ExternalPerson): Promise<User | null> {
  const [row] = await t.rows('SELECT user_id FROM weir_admin_external_users WHERE issuer = ? AND subject = ?', [issuer, subject]);
  return row === undefined ? null : findUserById(t, String(row['user_id']));
}

async function addLinkedUser(t: Transaction, person: ExternalPerson): Promise<User> {
  const { issuer, subject, displayName, groups } = person;
  const name = await freeName(t, person);
  const user = await addUser(t, { name, displayName: shown(displayName), source: 'oidc', password: null, mustChange: false, groups });
  await t.run('INSERT INTO weir_admin_external_users (issuer, subject, user_id) VALUES (?, ?, ?)', [issuer, subject, user.id]);
  return user;
}

/** The name of the person, or one with a part of the digest of the subject if another user has it. */
async function freeName(t: Transaction, { issuer, subject, name }: ExternalPerson): Promise<string> {
  const plain = name.toLowerCase().replace(/[^a-z0-9._@+-]+/g, '-');
  const base = `${PREFIX}${plain.slice(0, MAX_NAME)}`;
  if ((await findUser(t, base)) === null) return base;
  const digest = createHash('sha256').update(`${issuer}\n${subject}`).digest('hex');
  return `${base}-${digest.slice(0, 16)}`;
}

/** One line of printable text. */
function shown(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, MAX_DISPLAY_NAME);
}
