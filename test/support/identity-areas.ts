// The areas of identity on a store of SQLite whose clock stands still, with what the examples of their operations name.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { ok } from '#lib/result.ts';
import type { Store, Transaction, Work } from '#lib/store/store.ts';
import { addBinding, putRole, putTenant } from '../../admin/identity/access-table.ts';
import { identityAreas } from '../../admin/identity/areas.ts';
import { storedSecret } from '../../admin/identity/credential.ts';
import { EXAMPLE_IDS, EXAMPLE_PASSWORD, EXAMPLE_ROLE, EXAMPLE_TENANT, EXAMPLE_TOTP_SECRET } from '../../admin/identity/examples.ts';
import { Identity } from '../../admin/identity/identity.ts';
import { addSession } from '../../admin/identity/session-table.ts';
import { addToken } from '../../admin/identity/token-table.ts';
import { addUser, changeUser } from '../../admin/identity/user-table.ts';
import { makeAdminStore } from '../../admin/store/admin-store.ts';
import { ADMIN_SCHEMA } from '../../admin/store/schema.ts';
import type { Area } from '../../admin/api/operation.ts';
import { CountedPasswords, TEST_KEYS } from './identity-rig.ts';

/** The time at which the code of the examples is right, milliseconds. */
const NOW = 1_234_567_890_000;
/** All but those of the audit log, which loses no entry. */
const TABLES = ADMIN_SCHEMA.migrations
  .flat()
  .flatMap((statement) => /^CREATE TABLE (\w+)/.exec(statement)?.[1] ?? [])
  .filter((name) => name !== 'weir_admin_schema' && !/^weir_admin_(audit|revision)/.test(name));

/** Secrets of sessions: of `ana`, which has all rights, and of `nil`, which has none. */
export const EXAMPLE_SECRETS = { ana: 'secret-of-ana', nil: 'secret-of-nil' } as const;

export class IdentityAreas {
  readonly identity: Identity;
  readonly areas: readonly Area[];
  readonly store: Store;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weir-identity-'));
  readonly #passwords = new CountedPasswords();
  #hash = '';

  constructor(log = createLog('silent')) {
    const store = makeAdminStore({ kind: 'sqlite', file: path.join(this.#folder, 'admin.sqlite') });
    const still = <T>(work: Work<T>): Work<T> => {
      return (t) =>
        work({ rows: (sql, values) => t.rows(sql, values), run: (sql, values) => t.run(sql, values), now: () => Promise.resolve(NOW) });
    };
    this.store = {
      ...{ name: store.name, bytes: null, close: () => store.close() },
      read: (work) => store.read(still(work)),
      write: (work) => store.write(still(work)),
    };
    this.identity = new Identity({ store: this.store, log, passwords: this.#passwords, keys: TEST_KEYS });
    this.areas = identityAreas(this.identity);
  }

  /** Makes what the examples of an area name, in empty tables. */
  async prepare(area: string): Promise<void> {
    this.#hash ||= (await this.#passwords.hash(EXAMPLE_PASSWORD)) ?? '';
    const done = await this.store.write(async (t) => {
      for (const table of TABLES) await t.run(`DELETE FROM ${table}`);
      const admin = await this.#addUser(t, 'admin', 'id-of-admin');
      const ana = await this.#addUser(t, 'ana', EXAMPLE_IDS.user);
      const nil = await this.#addUser(t, 'nil', 'id-of-nil');
      for (const user of [admin, ana]) await bind(t, user, user, 'admin', null);
      await putRole(t, { ...EXAMPLE_ROLE, version: 1 });
      await putTenant(t, { ...EXAMPLE_TENANT, version: 1 });
      // A tenant with bindings cannot be deleted.
      if (area !== 'tenants') await bind(t, EXAMPLE_IDS.binding, nil, 'viewer', 'shop');
      await session(t, ana, EXAMPLE_IDS.session, EXAMPLE_SECRETS.ana);
      await session(t, ana, 'another-session', 'another-secret');
      await session(t, nil, 'session-of-nil', EXAMPLE_SECRETS.nil);
      const scope = { permissions: ['configuration:read' as const], namespaces: ['shop'] };
      const { token } = await addToken(t, { owner: ana, name: 'ci', scope, createdBy: 'ana', expires: NOW + 1 });
      await t.run('UPDATE weir_admin_tokens SET id = ? WHERE id = ?', [EXAMPLE_IDS.token, token.id]);
      return ok(undefined);
    });
    if (!done.ok) throw new Error(done.error);
  }

  async stop(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #addUser(t: Transaction, name: string, id: string): Promise<string> {
    const fields = { name, displayName: name, source: 'local' as const, password: this.#hash, mustChange: false, groups: [] };
    const user = await addUser(t, fields);
    await changeUser(t, user, name === 'ana' ? { totpSecret: EXAMPLE_TOTP_SECRET, totpPending: EXAMPLE_TOTP_SECRET } : {});
    await t.run('UPDATE weir_admin_users SET id = ? WHERE id = ?', [id, user.id]);
    return id;
  }
}

function bind(t: Transaction, id: string, subject: string, role: string, tenant: string | null): Promise<void> {
  return addBinding(t, { id, subjectKind: 'user', subject, role, tenant, namespaces: null, created: NOW, createdBy: 'admin' });
}

async function session(t: Transaction, user: string, id: string, secret: string): Promise<void> {
  const begun = await addSession(t, { user, method: 'password', address: '192.0.2.1', userAgent: 'test' });
  await t.run('UPDATE weir_admin_sessions SET id = ?, hash = ? WHERE id = ?', [id, storedSecret(secret), begun.session.id]);
}
