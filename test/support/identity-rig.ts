// The identity of the admin program on a store, with a clock that tests move and costs of passwords that tests can wait for.
import { createLog, type Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store, Work } from '#lib/store/store.ts';
import type { Authenticated, CredentialSource } from '../../admin/api/authenticator.ts';
import type { Caller } from '../../admin/api/operation.ts';
import type { AdminProblem } from '../../admin/api/problem.ts';
import { Identity } from '../../admin/identity/identity.ts';
import type { Keys } from '../../admin/identity/key-file.ts';
import { SecretBox } from '../../admin/identity/secret-box.ts';
import { Passwords, type PasswordVerdict } from '../../admin/identity/passwords.ts';
import { SESSION_COOKIE } from '../../admin/identity/identity-authenticator.ts';

export const ADDRESS = '192.0.2.1';
export const PASSWORD_OF_ALL = 'correct horse battery staple';

/** Counts verifications with the hash that was compared, so that tests see whether each login costs the same. */
export class CountedPasswords extends Passwords {
  readonly verified: (string | null)[] = [];

  constructor(memory = 64) {
    super({ memory, passes: 1, parallelism: 1 });
  }

  override verify(hash: string | null, password: string): Promise<PasswordVerdict> {
    this.verified.push(hash);
    return super.verify(hash, password);
  }
}

interface IdentityRigOptions {
  readonly log?: Log;
  readonly passwords?: CountedPasswords;
  readonly keys?: Keys;
  readonly needsSecondFactor?: boolean;
}

/** Keys in memory. */
export function keysOf(text = SecretBox.makeText()): Keys {
  const box = SecretBox.parse(text);
  if (!box.ok) throw new Error(box.error);
  return { box: () => box };
}

/** The keys of most tests. */
export const TEST_KEYS = keysOf();

export class IdentityRig {
  readonly identity: Identity;
  readonly passwords: CountedPasswords;
  readonly store: Store;
  /** Added to the clock of the store, milliseconds. */
  later = 0;

  constructor(
    store: Store,
    { log = createLog('silent'), passwords = new CountedPasswords(), keys = TEST_KEYS, needsSecondFactor = false }: IdentityRigOptions = {},
  ) {
    const clocked =
      <T>(work: Work<T>): Work<T> =>
      (t) =>
        work({
          rows: (sql, values) => t.rows(sql, values),
          run: (sql, values) => t.run(sql, values),
          now: async () => (await t.now()) + this.later,
        });
    this.store = {
      ...{ name: store.name, bytes: null },
      read: (work) => store.read(clocked(work)),
      write: (work) => store.write(clocked(work)),
      close: () => store.close(),
    };
    this.passwords = passwords;
    this.identity = new Identity({ store: this.store, log, passwords, keys, needsSecondFactor });
  }

  /** Adds the first administrator, and logs in as it. */
  async admin(): Promise<Caller> {
    value(await this.identity.users.addFirst(PASSWORD_OF_ALL));
    return this.callerOf('admin');
  }

  /** Adds a user with roles, whose password is PASSWORD_OF_ALL and need not be changed. */
  async user(
    admin: Caller,
    name: string,
    ...roles: readonly { role: string; tenant?: string; namespaces?: readonly string[] }[]
  ): Promise<Caller> {
    const { identity } = this;
    value(await identity.users.create({ name, displayName: '', password: PASSWORD_OF_ALL, withoutPassword: false }));
    for (const { role, tenant = null, namespaces = null } of roles)
      value(await identity.bindings.create(admin, { subjectKind: 'user', subjectName: name, role, tenant, namespaces }));
    await this.store.write((t) => t.run('UPDATE weir_admin_users SET must_change = 0 WHERE name = ?', [name]));
    return this.callerOf(name);
  }

  login(user: string, { password = PASSWORD_OF_ALL, code = '', address = ADDRESS, formerSecret = null as string | null } = {}) {
    return this.identity.logins.login({ user, password, code, address, formerSecret, userAgent: 'test' });
  }

  /** Logs a user in. */
  async callerOf(user: string): Promise<Caller> {
    const { secret } = value(await this.login(user));
    return this.callerBy({ secret });
  }

  /** The caller of a session or token. */
  async callerBy(credentials: { secret?: string; token?: string }): Promise<Caller> {
    const found = value(await this.authenticate(credentials));
    if (found === null) throw new Error('no credentials');
    return found.caller;
  }

  authenticate({ secret, token }: { secret?: string; token?: string }): Promise<Result<Authenticated | null, AdminProblem>> {
    const source: CredentialSource = {
      authorization: token === undefined ? null : `Bearer ${token}`,
      address: ADDRESS,
      userAgent: 'test',
      cookie: (name) => (name === SESSION_COOKIE ? (secret ?? null) : null),
    };
    return this.identity.authenticator.authenticate(source);
  }
}

/** The value of a result that must be one. */
export function value<T>(result: Result<T, AdminProblem>): T {
  if (!result.ok)
    throw new Error(`${result.error.status} ${result.error.code}: ${result.error.detail} ${JSON.stringify(result.error.errors ?? [])}`);
  return result.value;
}

/** The status and code of a refusal; 'ok' for a success. */
export function refusal(result: Result<unknown, AdminProblem>): string {
  return result.ok ? 'ok' : `${result.error.status} ${result.error.code}`;
}
