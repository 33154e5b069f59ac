// Sessions in the store.
import { randomUUID } from 'node:crypto';
import type { Row, Transaction } from '#lib/store/store.ts';
import { makeSecret, storedSecret } from './credential.ts';

/** How the user proved to be one. */
export type LoginMethod = 'password' | 'totp' | 'recovery-code' | 'oidc';

/** A session. Times are milliseconds since the epoch. */
export interface Session {
  readonly id: string;
  readonly user: string;
  readonly method: LoginMethod;
  readonly address: string;
  readonly userAgent: string;
  readonly created: number;
  /** To a minute. */
  readonly lastUsed: number;
}

/** When sessions end, milliseconds. */
export interface SessionLimits {
  /** After the last request. */
  readonly idle: number;
  /** After the login. */
  readonly absolute: number;
}

export const SESSION_LIMITS: SessionLimits = { idle: 30 * 60_000, absolute: 12 * 3_600_000 };

/** Sessions of one user at a time; a further login ends the oldest. */
const MAX_SESSIONS = 50;

/** The facts of a session at its start. */
export type NewSession = Pick<Session, 'user' | 'method' | 'address' | 'userAgent'>;

/** Begins a session. The secret is for the cookie. */
export async function addSession(t: Transaction, fields: NewSession): Promise<{ readonly session: Session; readonly secret: string }> {
  const now = await t.now();
  const session: Session = { ...fields, id: randomUUID(), created: now, lastUsed: now };
  const secret = makeSecret();
  const { id, user, method, address, userAgent, created, lastUsed } = session;
  await t.run(
    `INSERT INTO weir_admin_sessions (id, hash, user_id, method, address, user_agent, created, last_used)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [id, storedSecret(secret), user, method, address, userAgent, created, lastUsed],
  );
  return { session, secret };
}

/** The session of a secret, if it has not ended. */
export async function findSession(t: Transaction, secret: string, limits: SessionLimits): Promise<Session | null> {
  const now = await t.now();
  const [row] = await t.rows('SELECT * FROM weir_admin_sessions WHERE hash = ? AND created > ? AND last_used > ?', [
    ...[storedSecret(secret), now - limits.absolute, now - limits.idle],
  ]);
  return row === undefined ? null : sessionOf(row);
}

/** Gives a session another secret, so that the one before is worth nothing; null: there is no such session. */
export async function rotateSession(t: Transaction, id: string): Promise<string | null> {
  const secret = makeSecret();
  return (await t.run('UPDATE weir_admin_sessions SET hash = ? WHERE id = ?', [storedSecret(secret), id])) > 0 ? secret : null;
}

/** Keeps the sealed ID token of the login of a session. */
export async function putIdToken(t: Transaction, id: string, sealed: string): Promise<void> {
  await t.run('UPDATE weir_admin_sessions SET id_token = ? WHERE id = ?', [sealed, id]);
}

/** The sealed ID token of a session; null without one. */
export async function findIdToken(t: Transaction, id: string): Promise<string | null> {
  const [row] = await t.rows('SELECT id_token FROM weir_admin_sessions WHERE id = ?', [id]);
  const found = row?.['id_token'] ?? null;
  return found === null ? null : String(found);
}

export async function touchSession(t: Transaction, id: string): Promise<void> {
  await t.run('UPDATE weir_admin_sessions SET last_used = ? WHERE id = ?', [await t.now(), id]);
}

/** Sessions that have not ended, the newest first; of one user, or of all with null. */
export async function listSessions(t: Transaction, user: string | null, limits: SessionLimits): Promise<readonly Session[]> {
  const now = await t.now();
  const rows = await t.rows(
    `SELECT * FROM weir_admin_sessions WHERE created > ? AND last_used > ? AND (user_id = ? OR ? = '')
     ORDER BY created DESC, id LIMIT 1000`,
    [now - limits.absolute, now - limits.idle, user ?? '', user ?? ''],
  );
  return rows.map(sessionOf);
}

export async function findSessionById(t: Transaction, id: string): Promise<Session | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_sessions WHERE id = ?', [id]);
  return row === undefined ? null : sessionOf(row);
}

export async function endSession(t: Transaction, id: string): Promise<void> {
  await t.run('DELETE FROM weir_admin_sessions WHERE id = ?', [id]);
}

/** Ends the sessions of a user, except one. Returns their number. */
export function endSessions(t: Transaction, user: string, except: string | null): Promise<number> {
  return t.run('DELETE FROM weir_admin_sessions WHERE user_id = ? AND id <> ?', [user, except ?? '']);
}

/** Ends the oldest sessions of a user, so that there is room for one more. */
export async function endOldestSessions(t: Transaction, user: string): Promise<void> {
  await t.run(
    `DELETE FROM weir_admin_sessions WHERE user_id = ? AND id NOT IN
     (SELECT id FROM weir_admin_sessions WHERE user_id = ? ORDER BY created DESC, id LIMIT ${MAX_SESSIONS - 1})`,
    [user, user],
  );
}

/** Removes what has ended by time. */
export async function forgetSessions(t: Transaction, limits: SessionLimits): Promise<void> {
  const now = await t.now();
  await t.run('DELETE FROM weir_admin_sessions WHERE created <= ? OR last_used <= ?', [now - limits.absolute, now - limits.idle]);
}

function sessionOf(row: Row): Session {
  return {
    id: String(row['id']),
    user: String(row['user_id']),
    method: String(row['method']) as LoginMethod,
    address: String(row['address']),
    userAgent: String(row['user_agent']),
    created: Number(row['created']),
    lastUsed: Number(row['last_used']),
  };
}
