// The search for entries of the audit log, by filters, in pieces.
import type { SqlValue, Transaction } from '#lib/store/store.ts';
import type { AuditEntry } from './entry.ts';
import { COLUMNS, entryOf, firstSince, lastBefore, OBJECTS, TABLE } from './entry-table.ts';

/** Which entries are wanted. Members that are absent are no condition. */
export interface AuditFilter {
  readonly actor?: string;
  readonly actorId?: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly outcome?: string;
  readonly requestId?: string;
  /** `HTTPRoute/shop/cart`, or a group of objects: `HTTPRoute/shop`, `user`. */
  readonly object?: string;
  /** Stored at this time or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Stored before this time. */
  readonly until?: number;
}

/** Columns by the members of a filter, those with few entries for a value first. */
const CONDITIONS = {
  requestId: 'request_id',
  actorId: 'actor_id',
  actor: 'actor_name',
  operation: 'operation',
  namespace: 'namespace',
  outcome: 'outcome',
} as const;

type Condition = keyof typeof CONDITIONS | 'object';

/** The entries behind a place, in the order of the chain or, `isNewestFirst`, against it. */
export interface Piece {
  /** Entries with larger numbers; null: from the first on. */
  readonly after: number | null;
  /** Entries with smaller numbers; null: to the last. */
  readonly before: number | null;
  readonly limit: number;
  readonly isNewestFirst: boolean;
}

/** A query with its values. */
export interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** What a look at a part of the log has found. */
export interface Found {
  readonly entries: readonly AuditEntry[];
  /** The last entry that was looked at, if the search ended before the end of the log; null: there are no more that meet the filter. */
  readonly reached: number | null;
}

/** Entries that meet one condition, and are held to the others in one look: some milliseconds. */
const REACH = 1_000;
/** How far the entries of a condition are counted, to find the condition with the fewest. */
const COUNTED = 5_000;

/** Entries that meet the filter, up to the limit. A look at many entries that meet a part of the filter only ends early. */
export async function select(t: Transaction, filter: AuditFilter, piece: Piece, reach = REACH): Promise<Found> {
  const bounds = await boundsOf(t, filter, piece);
  if (bounds === null) return { entries: [], reached: null };
  const leading = await leadingOf(t, filter, bounds);
  const reached = conditionsOf(filter).length < 2 ? null : await reachedBy(t, filter, leading, { ...bounds, limit: reach });
  const { sql, values } = selection(filter, within(bounds, reached), leading);
  const entries = (await t.rows(sql, values)).map(entryOf);
  const last = entries.at(-1);
  return { entries, reached: entries.length === piece.limit && last !== undefined ? last.sequence : reached };
}

function conditionsOf(filter: AuditFilter): readonly Condition[] {
  return (['object', ...Object.keys(CONDITIONS)] as Condition[]).filter((condition) => filter[condition] !== undefined);
}

/** The condition whose index leads the search: that with the fewest entries. Null without conditions. */
async function leadingOf(t: Transaction, filter: AuditFilter, bounds: Piece): Promise<Condition | null> {
  const conditions = conditionsOf(filter);
  let [leading = null] = conditions;
  if (conditions.length < 2) return leading;
  let fewest = COUNTED;
  for (const condition of conditions) {
    const { sql, values } = candidates(filter, condition, { ...bounds, limit: fewest });
    const [row] = await t.rows(`SELECT COUNT(*) AS entries FROM (${sql}) found`, values);
    const entries = Number(row?.['entries']);
    if (entries < fewest) [leading, fewest] = [condition, entries];
  }
  return leading;
}

/** The last entry of a look at as many as the limit; null: there are fewer that meet the leading condition. */
async function reachedBy(t: Transaction, filter: AuditFilter, leading: Condition | null, bounds: Piece): Promise<number | null> {
  if (leading === null) return null;
  const { sql, values } = candidates(filter, leading, bounds);
  const end = bounds.isNewestFirst ? 'MIN' : 'MAX';
  const [row] = await t.rows(`SELECT COUNT(*) AS entries, ${end}(sequence) AS reached FROM (${sql}) found`, values);
  return Number(row?.['entries']) < bounds.limit ? null : Number(row?.['reached']);
}

function within(bounds: Piece, reached: number | null): Piece {
  if (reached === null) return bounds;
  return bounds.isNewestFirst ? { ...bounds, after: reached - 1 } : { ...bounds, before: reached + 1 };
}

/** The numbers of the entries that meet one condition, out of its index. */
function candidates(filter: AuditFilter, condition: Condition, piece: Piece): Query {
  const [table, column] = condition === 'object' ? [OBJECTS, 'object'] : [TABLE, CONDITIONS[condition]];
  return placed(`SELECT a.sequence FROM ${table} a`, [[`a.${column} = ?`, filter[condition] ?? '']], 'a.sequence', piece);
}

/** The query for a piece of the log. Times are not part of it: they are bounds of the sequence (`boundsOf`). */
export function selection(filter: AuditFilter, piece: Piece, leading: Condition | null = conditionsOf(filter)[0] ?? null): Query {
  const conditions: [string, SqlValue][] = [];
  for (const [member, column] of Object.entries(CONDITIONS)) {
    const value = filter[member as keyof typeof CONDITIONS];
    // An expression has no index: a store that knows no numbers of entries would choose any.
    if (value !== undefined) conditions.push([member === leading ? `a.${column} = ?` : `a.${column} || '' = ?`, value]);
  }
  const columns = COLUMNS.map((column) => `a.${column}`).join(', ');
  if (filter.object === undefined) return placed(`SELECT ${columns} FROM ${TABLE} a`, conditions, 'a.sequence', piece);
  if (leading === 'object') {
    const from = `SELECT ${columns} FROM ${OBJECTS} o JOIN ${TABLE} a ON a.sequence = o.sequence`;
    return placed(from, [...conditions, ['o.object = ?', filter.object]], 'o.sequence', piece);
  }
  const named = `EXISTS (SELECT 1 FROM ${OBJECTS} o WHERE o.object = ? AND o.sequence = a.sequence)`;
  return placed(`SELECT ${columns} FROM ${TABLE} a`, [...conditions, [named, filter.object]], 'a.sequence', piece);
}

function placed(from: string, conditions: [string, SqlValue][], sequence: string, { after, before, limit, isNewestFirst }: Piece): Query {
  const all = [...conditions];
  if (after !== null) all.push([`${sequence} > ?`, after]);
  if (before !== null) all.push([`${sequence} < ?`, before]);
  const where = all.length === 0 ? '' : `WHERE ${all.map(([condition]) => condition).join(' AND ')}`;
  return {
    sql: `${from} ${where} ORDER BY ${sequence} ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    values: [...all.map(([, value]) => value), limit],
  };
}

/** The piece within the times of the filter: entries are stored in the order of time. Null: no entry is within them. */
async function boundsOf(t: Transaction, { since, until }: AuditFilter, piece: Piece): Promise<Piece | null> {
  let { after, before } = piece;
  if (since !== undefined) {
    const first = await firstSince(t, since);
    if (first === null) return null;
    after = Math.max(after ?? 0, first - 1);
  }
  if (until !== undefined) {
    const next = (await lastBefore(t, until)) + 1;
    before = before === null ? next : Math.min(before, next);
  }
  return { ...piece, after, before };
}
