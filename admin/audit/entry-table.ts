// The statements for the entries of the audit log.
import { canonicalJson, type JsonValue } from '#lib/canonical-json.ts';
import type { Row, SqlValue, Transaction } from '#lib/store/store.ts';
import {
  sealed,
  type AuditActor,
  type AuditChange,
  type AuditEntry,
  type AuditFacts,
  type AuditOutcome,
  type ChainPlace,
} from './entry.ts';

export const TABLE = 'weir_admin_audit';
export const OBJECTS = 'weir_admin_audit_objects';
const HEAD = 'weir_admin_audit_head';

export const COLUMNS = [
  ...['sequence', 'id', 'time', 'stored', 'request_id', 'operation', 'path', 'actor_kind', 'actor_id', 'actor_name', 'session'],
  ...['address', 'user_agent', 'reason', 'namespace', 'changes', 'outcome', 'status', 'code', 'previous', 'hash'],
];
const INSERT = `INSERT INTO ${TABLE} (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`;

/** Rows in one statement; both kinds of store take so many values. */
const ROWS = 500;

/** The last entry, and when it was stored. */
export interface Head extends ChainPlace {
  readonly stored: number;
}

export async function headOf(t: Transaction): Promise<Head> {
  const [row] = await t.rows(`SELECT sequence, hash, stored FROM ${HEAD}`);
  return { sequence: Number(row?.['sequence'] ?? 0), hash: String(row?.['hash']), stored: Number(row?.['stored'] ?? 0) };
}

/**
 * Appends entries to the chain, in the transaction of a writer, so that no other program appends meanwhile. Facts that are stored already
 * are left out: their first attempt was stored although its confirmation was lost.
 */
export async function append(t: Transaction, all: readonly AuditFacts[]): Promise<void> {
  const head = await headOf(t);
  // The clock may have been set back.
  const stored = Math.max(await t.now(), head.stored);
  let last: ChainPlace = head;
  for (const facts of all) {
    if (await isStored(t, facts.id)) continue;
    const entry = sealed(facts, new Date(stored).toISOString(), last);
    await insert(t, entry);
    last = entry;
  }
  await t.run(`UPDATE ${HEAD} SET sequence = ?, hash = ?, stored = ?`, [last.sequence, last.hash, stored]);
}

async function isStored(t: Transaction, id: string): Promise<boolean> {
  return (await t.rows(`SELECT 1 AS one FROM ${TABLE} WHERE id = ?`, [id])).length > 0;
}

async function insert(t: Transaction, entry: AuditEntry): Promise<void> {
  const { actor } = entry;
  await t.run(INSERT, [
    ...[entry.sequence, entry.id, Date.parse(entry.time), Date.parse(entry.stored), entry.requestId, entry.operation, entry.path],
    ...[actor.kind, actor.id, actor.name, actor.session, entry.address, entry.userAgent, entry.reason, entry.namespace],
    ...[canonicalJson(entry.changes as unknown as JsonValue), entry.outcome, entry.status, entry.code, entry.previous, entry.hash],
  ]);
  const objects = objectsOf(entry);
  for (let i = 0; i < objects.length; i += ROWS) {
    const some = objects.slice(i, i + ROWS);
    const rows = some.map(() => '(?, ?)').join(', ');
    await t.run(
      `INSERT INTO ${OBJECTS} (object, sequence) VALUES ${rows}`,
      some.flatMap((object) => [object, entry.sequence]),
    );
  }
}

/** The changed objects, each once, with the groups that they are in: `HTTPRoute/shop/cart`, `HTTPRoute/shop`, `HTTPRoute`. */
export function objectsOf({ changes }: Pick<AuditEntry, 'changes'>): readonly string[] {
  const objects = changes.flatMap(({ object }) => {
    const parts = object.split('/');
    return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  });
  return [...new Set(objects)];
}

/** Which objects the rows for searches name, by the numbers of entries in a range. */
export async function objectsBetween(t: Transaction, first: number, last: number): Promise<ReadonlyMap<number, readonly string[]>> {
  const rows = await t.rows(`SELECT object, sequence FROM ${OBJECTS} WHERE sequence BETWEEN ? AND ? ORDER BY sequence, object`, [
    first,
    last,
  ]);
  const groups = Map.groupBy(rows, ({ sequence }) => Number(sequence));
  return new Map([...groups].map(([sequence, some]) => [sequence, some.map(({ object }) => String(object))]));
}

/** The number of the first entry; null without entries. */
export async function firstOf(t: Transaction): Promise<number | null> {
  const [row] = await t.rows(`SELECT sequence FROM ${TABLE} ORDER BY sequence LIMIT 1`);
  return row === undefined ? null : Number(row['sequence']);
}

/** The last entry that was stored before a time; 0 without one. */
export async function lastBefore(t: Transaction, time: number): Promise<number> {
  const [row] = await t.rows(`SELECT sequence FROM ${TABLE} WHERE stored < ? ORDER BY stored DESC, sequence DESC LIMIT 1`, [time]);
  return Number(row?.['sequence'] ?? 0);
}

/** The first entry that was stored at a time or later; null without one. */
export async function firstSince(t: Transaction, time: number): Promise<number | null> {
  const [row] = await t.rows(`SELECT sequence FROM ${TABLE} WHERE stored >= ? ORDER BY stored, sequence LIMIT 1`, [time]);
  return row === undefined ? null : Number(row['sequence']);
}

export async function entryAt(t: Transaction, sequence: number): Promise<AuditEntry | null> {
  const [row] = await t.rows(`SELECT ${COLUMNS.join(', ')} FROM ${TABLE} WHERE sequence = ?`, [sequence]);
  return row === undefined ? null : entryOf(row);
}

/** Deletes entries up to a number. Returns how many there were. */
export async function removeUpTo(t: Transaction, sequence: number): Promise<number> {
  await t.run(`DELETE FROM ${OBJECTS} WHERE sequence <= ?`, [sequence]);
  return t.run(`DELETE FROM ${TABLE} WHERE sequence <= ?`, [sequence]);
}

/** The entry of a row. A row that an intruder has changed to nonsense becomes an entry that does not have its hash. */
export function entryOf(row: Row): AuditEntry {
  const text = (column: string): string => String(row[column]);
  const orNull = (column: string): string | null => (row[column] === null ? null : text(column));
  const moment = (column: string): string => timeOf(row[column]);
  return {
    ...{ sequence: Number(row['sequence']), id: text('id'), time: moment('time'), stored: moment('stored') },
    ...{ requestId: text('request_id'), operation: text('operation'), path: text('path') },
    actor: { kind: text('actor_kind') as AuditActor['kind'], id: text('actor_id'), name: text('actor_name'), session: orNull('session') },
    ...{ address: text('address'), userAgent: text('user_agent'), reason: text('reason'), namespace: orNull('namespace') },
    changes: changesOf(text('changes')),
    ...{ outcome: text('outcome') as AuditOutcome, status: Number(row['status']), code: text('code') },
    ...{ previous: text('previous'), hash: text('hash') },
  };
}

function timeOf(value: SqlValue | undefined): string {
  const time = new Date(Number(value));
  return Number.isNaN(time.getTime()) ? String(value) : time.toISOString();
}

function changesOf(text: string): readonly AuditChange[] {
  try {
    return JSON.parse(text) as readonly AuditChange[];
  } catch {
    return [{ object: text, before: null, after: null }];
  }
}
