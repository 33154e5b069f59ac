// Stores of the admin program for tests: a file of SQLite, and a real PostgreSQL server.
import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Store } from '#lib/store/store.ts';
import { makeAdminStore } from '../../admin/store/admin-store.ts';
import { describeWith } from './describe-with.ts';
import { PASSWORD, Postgres } from './postgres.ts';

/** Opens another store on the data of the current test. It is closed after the test. */
export type OpenAdminStore = () => Store;

/** Defines the same groups of tests, by name, for each kind of store. Each test starts with empty data. */
export function describeAdminStores(groups: Readonly<Record<string, (open: OpenAdminStore) => void>>): void {
  const define = (open: OpenAdminStore): void => {
    for (const [name, group] of Object.entries(groups)) describe(name, () => group(open));
  };
  describe('in SQLite', () => onSqlite(define));
  describeWith(['postgres'], 'in PostgreSQL', () => onPostgres(define));
}

function onSqlite(define: (open: OpenAdminStore) => void): void {
  const stores: Store[] = [];
  let folder = '';
  afterEach(async () => {
    await closeAll(stores);
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
    folder = '';
  });
  define(() => {
    folder ||= mkdtempSync(path.join(os.tmpdir(), 'weir-admin-store-'));
    return opened(stores, makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') }));
  });
}

function onPostgres(define: (open: OpenAdminStore) => void): void {
  const stores: Store[] = [];
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await Postgres.start();
  });
  afterAll(() => postgres.stop());
  afterEach(async () => {
    await closeAll(stores);
    postgres.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });
  define(() => opened(stores, makeAdminStore({ kind: 'postgres', url: postgres.url, password: () => Promise.resolve(PASSWORD) })));
}

function opened(stores: Store[], store: Store): Store {
  stores.push(store);
  return store;
}

async function closeAll(stores: Store[]): Promise<void> {
  for (const store of stores.splice(0)) await store.close();
}
