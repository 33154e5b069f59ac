// API tokens in the store. A token has the rights of its owner, within its scope.
import { randomUUID } from 'node:crypto';
import { makeApiKey } from '#lib/api-key.ts';
import type { Row, Transaction } from '#lib/store/store.ts';
import { isPermission } from '../api/permissions.ts';
import { storedSecret } from './credential.ts';
import type { Scope } from './rights.ts';

/** A token. Times are milliseconds since the epoch; 0: never. */
export interface Token {
  readonly id: string;
  /** The id of the user that it acts for. */
  readonly owner: string;
  readonly name: string;
  readonly scope: Scope;
  readonly created: number;
  readonly createdBy: string;
  readonly expires: number;
  /** To a minute. */
  readonly lastUsed: number;
  readonly lastAddress: string;
}

/** The fields of a new token. */
export type NewToken = Pick<Token, 'owner' | 'name' | 'scope' | 'createdBy' | 'expires'>;

/** Adds a token. The secret is shown once. */
export async function addToken(t: Transaction, fields: NewToken): Promise<{ readonly token: Token; readonly secret: string }> {
  const token: Token = { ...fields, id: randomUUID(), created: await t.now(), lastUsed: 0, lastAddress: '' };
  const secret = makeApiKey();
  const { permissions, namespaces } = token.scope;
  await t.run(
    `INSERT INTO weir_admin_tokens (id, hash, user_id, name, permissions, namespaces, created, created_by, expires, last_used, last_address)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[token.id, storedSecret(secret), token.owner, token.name],
      ...[permissions === null ? null : JSON.stringify(permissions), namespaces === null ? null : JSON.stringify(namespaces)],
      ...[token.created, token.createdBy, token.expires, token.lastUsed, token.lastAddress],
    ],
  );
  return { token, secret };
}

/** The token of a secret, if it has not expired. */
export async function findToken(t: Transaction, secret: string): Promise<Token | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_tokens WHERE hash = ? AND expires > ?', [storedSecret(secret), await t.now()]);
  return row === undefined ? null : tokenOf(row);
}

export async function findTokenById(t: Transaction, id: string): Promise<Token | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_tokens WHERE id = ?', [id]);
  return row === undefined ? null : tokenOf(row);
}

/** Tokens by age, expired ones too; of one user, or of all with null. */
export async function listTokens(t: Transaction, owner: string | null): Promise<readonly Token[]> {
  const sql = "SELECT * FROM weir_admin_tokens WHERE user_id = ? OR ? = '' ORDER BY created, id LIMIT 1000";
  return (await t.rows(sql, [owner ?? '', owner ?? ''])).map(tokenOf);
}

export async function touchToken(t: Transaction, id: string, address: string): Promise<void> {
  await t.run('UPDATE weir_admin_tokens SET last_used = ?, last_address = ? WHERE id = ?', [await t.now(), address, id]);
}

export async function deleteToken(t: Transaction, id: string): Promise<void> {
  await t.run('DELETE FROM weir_admin_tokens WHERE id = ?', [id]);
}

function tokenOf(row: Row): Token {
  const list = (name: string): string[] | null => (typeof row[name] === 'string' ? (JSON.parse(row[name]) as string[]) : null);
  return {
    id: String(row['id']),
    owner: String(row['user_id']),
    name: String(row['name']),
    scope: { permissions: list('permissions')?.filter(isPermission) ?? null, namespaces: list('namespaces') },
    created: Number(row['created']),
    createdBy: String(row['created_by']),
    expires: Number(row['expires']),
    lastUsed: Number(row['last_used']),
    lastAddress: String(row['last_address']),
  };
}
