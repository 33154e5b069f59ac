// The schema of a store, as the ordered list of its changes. Each runs once per store. A released change is never edited.
import { StoreError, type Transaction } from './store.ts';

/** A change of the schema: the statements of a version, in SQL that SQLite and PostgreSQL understand. */
export type Migration = readonly string[];

/** The tables of a program. Several programs may have their tables in one database. */
export interface Schema {
  /** The table that has the applied versions. It is part of statements, so it is a constant of the program. */
  readonly table: string;
  /** The changes in order: the first leads to version 1. */
  readonly migrations: readonly Migration[];
}

/**
 * Applies the missing changes. The caller holds the lock of writers, so that of several programs that start at once one applies them.
 * Throws a StoreError for a schema of a later release.
 */
export async function migrate(transaction: Transaction, store: string, { table, migrations }: Schema): Promise<void> {
  await transaction.run(`CREATE TABLE IF NOT EXISTS ${table} (version INTEGER PRIMARY KEY, applied BIGINT NOT NULL)`);
  const [row] = await transaction.rows(`SELECT COALESCE(MAX(version), 0) AS version FROM ${table}`);
  const version = Number(row?.['version'] ?? 0);
  if (version > migrations.length) {
    throw new StoreError(
      `${store} has schema ${version} of a later release, and this release knows schemas up to ${migrations.length}: ` +
        'start the later release, or restore a backup from before it',
    );
  }
  const now = await transaction.now();
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue;
    for (const statement of statements) await transaction.run(statement);
    await transaction.run(`INSERT INTO ${table} (version, applied) VALUES (?, ?)`, [index + 1, now]);
  }
}
