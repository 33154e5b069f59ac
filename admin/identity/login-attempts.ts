// Slows down the guessing of passwords: after some failures each further attempt waits, twice as long as the one before. Attempts count
// before the password is verified, so that many at the same time are no way around. The same for users that do not exist.
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { octetsOf } from '#lib/ip-address.ts';
import type { Transaction } from '#lib/store/store.ts';

/** Failures without a wait, for one user name and for one address. Several people may share an address. */
const FREE = { user: 5, address: 20 };
/** The first wait and the longest one, milliseconds. */
const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 15 * 60_000;
/** Failures older than this do not count, milliseconds. */
const MEMORY = 3_600_000;

/** The subjects that an attempt counts for. */
export interface AttemptOf {
  readonly user: string;
  readonly address: string;
}

interface Attempts {
  readonly failures: number;
  readonly blockedUntil: number;
}

/** Counts an attempt as failed. Returns 0, or the milliseconds to wait; such an attempt does not count. */
export async function beginAttempt(t: Transaction, of: AttemptOf): Promise<number> {
  const now = await t.now();
  await t.run('DELETE FROM weir_admin_login_attempts WHERE since <= ?', [now - MEMORY]);
  const subjects = subjectsOf(of);
  const known = [];
  for (const subject of subjects) known.push({ ...subject, ...(await attemptsOf(t, subject.hash)) });
  const wait = Math.max(0, ...known.map(({ blockedUntil }) => blockedUntil - now));
  if (wait > 0) return wait;
  for (const { hash, free, failures } of known) await put(t, hash, failures + 1, now, now + waitAfter(failures + 1 - free));
  return 0;
}

/** The attempt was none: the password was right, and the code is still missing. */
export async function takeBack(t: Transaction, of: AttemptOf): Promise<void> {
  for (const { hash, free } of subjectsOf(of)) await forgive(t, hash, free);
}

/** The user has logged in: failures of the user are forgotten. Those of the address stay, since others may have caused them. */
export async function succeed(t: Transaction, of: AttemptOf): Promise<void> {
  const [user, address] = subjectsOf(of);
  if (user !== undefined) await t.run('DELETE FROM weir_admin_login_attempts WHERE subject = ?', [user.hash]);
  if (address !== undefined) await forgive(t, address.hash, address.free);
}

/** Forgets the failures of a user, so that it need not wait. */
export async function unblock(t: Transaction, user: string): Promise<boolean> {
  return (await t.run('DELETE FROM weir_admin_login_attempts WHERE subject = ?', [hashOf('user', user)])) > 0;
}

/** Until when a user must wait, milliseconds since the epoch; 0: it need not. */
export async function blockedUntil(t: Transaction, user: string): Promise<number> {
  const { blockedUntil: until } = await attemptsOf(t, hashOf('user', user));
  return until > (await t.now()) ? until : 0;
}

async function forgive(t: Transaction, hash: string, free: number): Promise<void> {
  const { failures } = await attemptsOf(t, hash);
  const now = await t.now();
  const left = Math.max(0, failures - 1);
  await put(t, hash, left, now, now + waitAfter(left - free));
}

async function attemptsOf(t: Transaction, hash: string): Promise<Attempts> {
  const [row] = await t.rows('SELECT failures, blocked_until FROM weir_admin_login_attempts WHERE subject = ?', [hash]);
  return { failures: Number(row?.['failures'] ?? 0), blockedUntil: Number(row?.['blocked_until'] ?? 0) };
}

async function put(t: Transaction, hash: string, failures: number, since: number, until: number): Promise<void> {
  await t.run(
    `INSERT INTO weir_admin_login_attempts (subject, failures, since, blocked_until) VALUES (?, ?, ?, ?)
     ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, since = excluded.since, blocked_until = excluded.blocked_until`,
    [hash, failures, since, until],
  );
}

/** The wait after failures beyond the free ones, milliseconds. */
function waitAfter(excess: number): number {
  return excess < 0 ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(excess, 20));
}

function subjectsOf({ user, address }: AttemptOf): readonly { readonly hash: string; readonly free: number }[] {
  return [
    { hash: hashOf('user', user), free: FREE.user },
    { hash: hashOf('address', networkOf(address)), free: FREE.address },
  ];
}

function hashOf(kind: string, name: string): string {
  return createHash('sha256').update(`${kind}\n${name}`).digest('hex');
}

/** The owner of an IPv6 address has the other addresses of its /64 too. A socket for both families writes IPv4 as ::ffff:192.0.2.1. */
function networkOf(text: string): string {
  const address = text.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  return isIPv6(address) ? octetsOf(address).subarray(0, 8).toString('hex') : address;
}
