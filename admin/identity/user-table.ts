// Users in the store.
import { randomUUID } from 'node:crypto';
import type { Row, Transaction } from '#lib/store/store.ts';

/** A user. Times are milliseconds since the epoch; 0: never. */
export interface User {
  readonly id: string;
  /** The name to log in with: lower case. */
  readonly name: string;
  readonly displayName: string;
  /** `local`: created here. `oidc`: created by a login at a provider. */
  readonly source: 'local' | 'oidc';
  /** A hash of argon2id; null: no login with a password. */
  readonly password: string | null;
  readonly passwordChanged: number;
  /** The user has no rights until it has changed the password. */
  readonly mustChange: boolean;
  readonly disabled: boolean;
  /** Sealed; null: no second factor. */
  readonly totpSecret: string | null;
  /** A sealed secret that no code has confirmed yet. */
  readonly totpPending: string | null;
  /** The step of the last code that was accepted. */
  readonly totpStep: number;
  /** The groups that the provider named at the last login. */
  readonly groups: readonly string[];
  readonly created: number;
  readonly lastLogin: number;
  /** Grows with each change. */
  readonly version: number;
}

/** The fields of a new user. */
export type NewUser = Pick<User, 'name' | 'displayName' | 'source' | 'password' | 'mustChange' | 'groups'>;

/** The fields that can be changed. */
export type UserChange = Partial<Omit<User, 'id' | 'name' | 'created' | 'version'>>;

export async function findUser(t: Transaction, name: string): Promise<User | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_users WHERE name = ?', [name]);
  return row === undefined ? null : userOf(row);
}

export async function findUserById(t: Transaction, id: string): Promise<User | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_users WHERE id = ?', [id]);
  return row === undefined ? null : userOf(row);
}

/** Users in the order of their names, after a name. */
export async function listUsers(t: Transaction, after: string, limit: number): Promise<readonly User[]> {
  return (await t.rows('SELECT * FROM weir_admin_users WHERE name > ? ORDER BY name LIMIT ?', [after, limit])).map(userOf);
}

export async function countUsers(t: Transaction): Promise<number> {
  const [row] = await t.rows('SELECT COUNT(*) AS count FROM weir_admin_users');
  return Number(row?.['count']);
}

/** The caller has checked that the name is free. */
export async function addUser(t: Transaction, fields: NewUser): Promise<User> {
  const now = await t.now();
  const user: User = {
    ...{ id: randomUUID(), passwordChanged: now, disabled: false, totpSecret: null, totpPending: null, totpStep: 0 },
    ...{ created: now, lastLogin: 0, version: 1 },
    ...fields,
  };
  await t.run(
    `INSERT INTO weir_admin_users (id, name, display_name, source, password, password_changed, must_change, disabled, totp_secret,
     totp_pending, totp_step, user_groups, created, last_login, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [user.id, user.name, ...changeableOf(user), user.created, user.lastLogin, user.version],
  );
  return user;
}

/** Writes changes. The version stays with `quiet`, for what a caller does not see as a change: logins. */
export async function changeUser(t: Transaction, before: User, change: UserChange, quiet = false): Promise<User> {
  const user: User = { ...before, ...change, version: before.version + Number(!quiet) };
  await t.run(
    `UPDATE weir_admin_users SET display_name = ?, source = ?, password = ?, password_changed = ?, must_change = ?, disabled = ?,
     totp_secret = ?, totp_pending = ?, totp_step = ?, user_groups = ?, last_login = ?, version = ? WHERE id = ?`,
    [...changeableOf(user), user.lastLogin, user.version, user.id],
  );
  return user;
}

/** Deletes a user with all that belongs to it. */
export async function deleteUser(t: Transaction, id: string): Promise<void> {
  for (const table of ['weir_admin_recovery_codes', 'weir_admin_sessions', 'weir_admin_tokens', 'weir_admin_external_users'])
    await t.run(`DELETE FROM ${table} WHERE user_id = ?`, [id]);
  await t.run("DELETE FROM weir_admin_bindings WHERE subject_kind = 'user' AND subject = ?", [id]);
  await t.run('DELETE FROM weir_admin_users WHERE id = ?', [id]);
}

/** Replaces all recovery codes of a user by these hashes. */
export async function putRecoveryCodes(t: Transaction, user: string, hashes: readonly string[]): Promise<void> {
  await t.run('DELETE FROM weir_admin_recovery_codes WHERE user_id = ?', [user]);
  for (const hash of hashes) await t.run('INSERT INTO weir_admin_recovery_codes (user_id, hash) VALUES (?, ?)', [user, hash]);
}

/** Uses a recovery code up. False: there is no such code. */
export async function takeRecoveryCode(t: Transaction, user: string, hash: string): Promise<boolean> {
  return (await t.run('DELETE FROM weir_admin_recovery_codes WHERE user_id = ? AND hash = ?', [user, hash])) > 0;
}

function changeableOf(user: User): (string | number | null)[] {
  return [
    ...[user.displayName, user.source, user.password, user.passwordChanged, Number(user.mustChange), Number(user.disabled)],
    ...[user.totpSecret, user.totpPending, user.totpStep, JSON.stringify(user.groups)],
  ];
}

function userOf(row: Row): User {
  const text = (name: string): string | null => (row[name] === null || row[name] === undefined ? null : String(row[name]));
  return {
    id: String(row['id']),
    name: String(row['name']),
    displayName: String(row['display_name']),
    source: row['source'] === 'oidc' ? 'oidc' : 'local',
    password: text('password'),
    passwordChanged: Number(row['password_changed']),
    mustChange: Number(row['must_change']) === 1,
    disabled: Number(row['disabled']) === 1,
    totpSecret: text('totp_secret'),
    totpPending: text('totp_pending'),
    totpStep: Number(row['totp_step']),
    groups: JSON.parse(String(row['user_groups'])) as string[],
    created: Number(row['created']),
    lastLogin: Number(row['last_login']),
    version: Number(row['version']),
  };
}
