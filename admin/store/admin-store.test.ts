// The tables of the admin program, in both kinds of stores.
import { expect, test } from '@jest/globals';
import { PostgresStore } from '#lib/store/postgres-store.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { PASSWORD, Postgres } from '../../test/support/postgres.ts';
import { SCHEMA } from '../../controller/store/schema.ts';
import { makeAdminStore } from './admin-store.ts';
import { ADMIN_SCHEMA } from './schema.ts';

/** The tables that the migrations create. */
const TABLES = ADMIN_SCHEMA.migrations.flat().flatMap((statement) => /^CREATE TABLE (\w+)/.exec(statement)?.[1] ?? []);

describeAdminStores({ 'the tables of the admin program': testTheTablesOfTheAdminProgram });

function testTheTablesOfTheAdminProgram(open: OpenAdminStore): void {
  test('exist after the first use, and are empty', async () => {
    const store = open();
    expect(TABLES).toContain('weir_admin_users');
    for (const table of TABLES)
      expect(await store.read((t) => t.rows(`SELECT COUNT(*) AS count FROM ${table}`))).toMatchObject({ ok: true });
  });
}

describeWith(['postgres'], 'a database for controllers and the admin program', () => {
  test('has the tables of both', async () => {
    const postgres = await Postgres.start();
    const access = { url: postgres.url, password: () => Promise.resolve(PASSWORD) };
    const stores = [makeAdminStore({ kind: 'postgres', ...access }), new PostgresStore({ ...access, schema: SCHEMA })];
    try {
      expect(await Promise.all(stores.map((store) => store.read((t) => t.rows('SELECT 1 AS one'))))).toEqual([
        { ok: true, value: [{ one: 1 }] },
        { ok: true, value: [{ one: 1 }] },
      ]);
      expect(postgres.query('SELECT COUNT(*) FROM weir_admin_users')).toBe('0');
      expect(postgres.query('SELECT revision FROM weir_revision')).toBe('0');
    } finally {
      for (const store of stores) await store.close();
      await postgres.stop();
    }
  });
});
