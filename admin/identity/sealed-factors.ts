// The secrets of second factors in the store: sealed for their user.
import type { Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { SecretBox } from './secret-box.ts';

/** The refusal for a secret that cannot be opened; `reason` completes "the secret". */
export function keyWrong(reason: string): Result<never, AdminProblem> {
  return refuse(
    503,
    'key-wrong',
    `the second factor cannot be checked: its secret ${reason}; --admin-key-file needs the key of before, too`,
  );
}

/** Seals the secret of the second factor of a user. */
export function sealFactor(box: SecretBox, user: string, secret: string): string {
  return box.seal(secret, useOf(user));
}

/** The secret of the second factor of a user. */
export function openFactor(box: SecretBox, user: string, sealed: string): Result<string> {
  return box.open(sealed, useOf(user));
}

/** What became of the secrets that the first key has not sealed. */
export interface Resealed {
  readonly sealed: number;
  /** Secrets that no key opens. */
  readonly lost: number;
}

/** Seals what a former release stored as it is, and what another of the keys has sealed. */
export async function resealFactors(t: Transaction, box: SecretBox): Promise<Resealed> {
  const rows = await t.rows(
    'SELECT id, totp_secret, totp_pending FROM weir_admin_users WHERE totp_secret IS NOT NULL OR totp_pending IS NOT NULL',
  );
  const done = { sealed: 0, lost: 0 };
  for (const row of rows) {
    for (const column of ['totp_secret', 'totp_pending'] as const) {
      const [id, before] = [String(row['id']), row[column]];
      if (typeof before !== 'string' || before.startsWith(box.prefix)) continue;
      const secret = openFactor(box, id, before);
      done[secret.ok ? 'sealed' : 'lost']++;
      if (secret.ok) await t.run(`UPDATE weir_admin_users SET ${column} = ? WHERE id = ?`, [sealFactor(box, id, secret.value), id]);
    }
  }
  return done;
}

function useOf(user: string): string {
  return `totp ${user}`;
}
