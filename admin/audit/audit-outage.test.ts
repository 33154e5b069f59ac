// The audit log while its database is killed, and the plans of its queries.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import type { Store } from '#lib/store/store.ts';
import { auditRecord } from '../../test/support/audit-entries.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { PASSWORD, Postgres } from '../../test/support/postgres.ts';
import { makeAdminStore } from '../store/admin-store.ts';
import { AuditLog } from './audit-log.ts';
import { AuditWriter } from './audit-writer.ts';
import { selection, type AuditFilter } from './entry-search.ts';

const FILTERS: readonly AuditFilter[] = [
  {},
  { actor: 'ana' },
  { actorId: 'u1' },
  { operation: 'users.update' },
  { namespace: 'shop' },
  { outcome: 'failed' },
  { requestId: 'x' },
  { object: 'user/ana' },
  { object: 'user/ana', outcome: 'failed' },
  { outcome: 'failed', actor: 'ana', operation: 'users.update' },
];

/** The plan of the query for a page with this filter, as text. */
async function planOf(store: Store, explain: string, filter: AuditFilter): Promise<string> {
  const { sql, values } = selection(filter, { after: 10, before: 19_000, limit: 100, isNewestFirst: true });
  const plan = await store.read((t) => t.rows(`${explain} ${sql}`, values));
  return plan.ok ? plan.value.map((row) => String(row['detail'] ?? row['QUERY PLAN'])).join('\n') : plan.error;
}

describe('the audit log in SQLite', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-audit-'));
  const store = makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(FILTERS)('is searched by an index, without a sort: %j', async (filter) => {
    const plan = await planOf(store, 'EXPLAIN QUERY PLAN', filter);
    expect(plan).toMatch(/SEARCH . USING (COVERING )?INDEX/);
    expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});

describeWith(['postgres'], 'the audit log in PostgreSQL', () => {
  let postgres: Postgres;
  let store: Store;
  let writer: AuditWriter;
  const open = () => makeAdminStore({ kind: 'postgres', url: postgres.url, password: () => Promise.resolve(PASSWORD) });
  beforeAll(async () => {
    postgres = await Postgres.start();
    store = open();
    writer = new AuditWriter(store, createLog('silent'));
  });
  afterAll(async () => {
    await writer.close();
    await store.close();
    await postgres.stop();
  });
  test('has all that was confirmed when the server is killed, each entry once, and goes on by itself', async () => {
    expect(await writer.record(auditRecord({ requestId: 'first' }))).toMatchObject({ ok: true });
    const confirmed: string[] = ['first'];
    let count = 0;
    const callers = Array.from({ length: 8 }, async () => {
      for (;;) {
        const requestId = `request-${++count}`;
        if (!(await writer.record(auditRecord({ requestId }))).ok) return;
        confirmed.push(requestId);
        // In the middle of the transactions of the others.
        if (confirmed.length === 50) await postgres.kill();
      }
    });
    await Promise.all(callers);
    expect(writer.trouble).toContain(`the database ${store.name} cannot be used`);
    expect(writer.owed).toBeGreaterThan(0);
    await postgres.restart();
    expect(await writer.record(auditRecord({ requestId: 'last' }))).toEqual({ ok: true, value: undefined });
    expect([writer.trouble, writer.owed]).toEqual([null, 0]);

    const log = new AuditLog(store);
    expect(await log.verify()).toMatchObject({ ok: true, value: { broken: null, entries: count + 2 } });
    const page = await log.list({}, null, 1_000);
    const stored = page.ok ? page.value.items.map(({ requestId }) => requestId) : [];
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored).toEqual(expect.arrayContaining([...confirmed, 'last']));
  });

  test('is searched by an index', async () => {
    postgres.query('TRUNCATE weir_admin_audit, weir_admin_audit_objects');
    postgres.query(`INSERT INTO weir_admin_audit SELECT n, 'id' || n, 0, n, 'r' || n, 'operation.' || n % 40, '', 'user', 'u' || n % 200, 'name' || n % 200,
      NULL, '', '', '', 'namespace' || n % 50, '[]', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'success' END, 200, '', '', '' FROM generate_series(1, 20000) n`);
    postgres.query(`INSERT INTO weir_admin_audit_objects SELECT 'user/' || n % 300, n FROM generate_series(1, 20000) n`);
    postgres.query('ANALYZE weir_admin_audit; ANALYZE weir_admin_audit_objects');
    for (const filter of FILTERS) {
      const plan = await planOf(store, 'EXPLAIN', filter);
      expect(plan).toMatch(/Index (Only )?Scan/);
      expect(plan).not.toMatch(/Seq Scan on weir_admin_audit a|Seq Scan on weir_admin_audit_objects/);
    }
  });
});
