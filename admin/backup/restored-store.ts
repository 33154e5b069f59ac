// Writes the store of a checked archive in place of the present one, whole or not at all. No entry of an audit log is lost.
import type { Row, SqlValue, Transaction } from '#lib/store/store.ts';
import type { AuditEntry, ChainPlace } from '../audit/entry.ts';
import { append, entryAt, entryOf, firstOf, headOf, objectsOf } from '../audit/entry-table.ts';
import { rowsIn, type CheckedArchive } from './archive.ts';
import { AUDIT_TABLE, EMPTIED_TABLES, TABLES, type BackedUpTable } from './tables.ts';

/** Rows in one statement; both kinds of store take so many values. */
const ROWS = 50;
/** Entries of a log that is no part of the archive, and are appended to it. */
const MAX_OWN_ENTRIES = 10_000;

/** What becomes of the two audit logs. */
export type AuditMerge =
  /** The present log goes on where that of the archive ends; it stays. */
  | 'kept'
  /** The log of the archive has all entries of the present one. */
  | 'replaced'
  /** Two logs without a common entry: the present entries follow those of the archive, with new numbers. */
  | 'appended'
  /** Two logs of which one was changed, or a present log that is too long to be appended. */
  | 'impossible';

/** Decides what becomes of the logs, without changes. `entryIn`: the hash of an entry in the archive; null without one. */
export async function auditMergeOf(
  t: Transaction,
  end: ChainPlace,
  entryIn: (sequence: number) => Promise<string | null>,
): Promise<AuditMerge> {
  const head = await headOf(t);
  if (end.sequence === 0) return 'kept';
  if (head.sequence === 0 || (await entryIn(head.sequence)) === head.hash) return 'replaced';
  if ((await entryAt(t, end.sequence))?.hash === end.hash) return 'kept';
  // Places of removed entries would not be true behind other entries.
  return (await firstOf(t)) === 1 && head.sequence <= MAX_OWN_ENTRIES ? 'appended' : 'impossible';
}

/** The hash of an entry of the audit log in an archive. */
export async function entryIn(archive: Uint8Array, sequence: number): Promise<string | null> {
  for await (const { table, rows } of rowsIn(archive)) {
    const found = table === AUDIT_TABLE ? rows.find((row) => row['sequence'] === sequence) : undefined;
    if (found !== undefined) return String(found['hash']);
  }
  return null;
}

/** Writes the store of an archive, in the transaction of a writer. Sessions end. */
export async function restoreStore(t: Transaction, archive: Uint8Array, { manifest }: CheckedArchive, merge: AuditMerge): Promise<void> {
  const own = merge === 'appended' ? await ownEntries(t) : [];
  const audit = merge === 'kept' ? [] : [AUDIT_TABLE, OBJECTS];
  for (const name of [...EMPTIED_TABLES, ...[...TABLES, ...audit].map((table) => table.name)]) await t.run(`DELETE FROM ${name}`);
  let stored = 0;
  for await (const { table, rows } of rowsIn(archive)) {
    if (table === AUDIT_TABLE && merge === 'kept') continue;
    await insert(t, table, rows);
    if (table === AUDIT_TABLE) stored = await addToAudit(t, rows);
  }
  if (merge === 'kept') return;
  const { sequence, hash } = manifest.audit;
  await t.run('UPDATE weir_admin_audit_head SET sequence = ?, hash = ?, stored = ?', [sequence, hash, stored]);
  if (own.length > 0) await append(t, own);
}

/** Adds the rows for searches. Returns when the last entry was stored. */
async function addToAudit(t: Transaction, rows: readonly Row[]): Promise<number> {
  await insert(t, OBJECTS, rows.flatMap(objectRows));
  return Number(rows.at(-1)?.['stored'] ?? 0);
}

const OBJECTS: BackedUpTable = { name: 'weir_admin_audit_objects', columns: ['object', 'sequence'], key: ['object', 'sequence'] };

function objectRows(row: Row): readonly Row[] {
  return objectsOf(entryOf(row)).map((object) => ({ object, sequence: row['sequence'] ?? 0 }));
}

/** The entries of the present log, to be sealed anew. */
async function ownEntries(t: Transaction): Promise<readonly AuditEntry[]> {
  const rows = await t.rows(`SELECT ${AUDIT_TABLE.columns.join(', ')} FROM ${AUDIT_TABLE.name} ORDER BY sequence`);
  return rows.map(entryOf);
}

async function insert(t: Transaction, { name, columns }: BackedUpTable, all: readonly Row[]): Promise<void> {
  for (let i = 0; i < all.length; i += ROWS) {
    const some = all.slice(i, i + ROWS);
    const places = some.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
    const values: readonly SqlValue[] = some.flatMap((row) => columns.map((column) => row[column] ?? null));
    await t.run(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${places}`, values);
  }
}
