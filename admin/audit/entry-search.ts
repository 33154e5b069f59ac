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

/** Columns by the members of a filter. */
const CONDITIONS = {
  actor: 'actor_name',
  actorId: 'actor_id',
  operation: 'operation',
  namespace: 'namespace',
  outcome: 'outcome',
  requestId: 'request_id',
} as const;

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

/** Entries that meet the filter. */
export async function select(t: Transaction, filter: AuditFilter, piece: Piece): Promise<readonly AuditEntry[]> {
  const bounds = await boundsOf(t, filter, piece);
  if (bounds === null) return [];
  const { sql, values } = selection(filter, bounds);
  return (await t.rows(sql, values)).map(entryOf);
}

/** The query for a piece of the log. Times are not part of it: they are bounds of the sequence (`boundsOf`). */
export function selection(filter: AuditFilter, { after, before, limit, isNewestFirst }: Piece): Query {
  const conditions: [string, SqlValue][] = [];
  for (const [member, column] of Object.entries(CONDITIONS)) {
    const value = filter[member as keyof typeof CONDITIONS];
    if (value !== undefined) conditions.push([`a.${column} = ?`, value]);
  }
  const isByObject = filter.object !== undefined;
  const sequence = isByObject ? 'o.sequence' : 'a.sequence';
  if (filter.object !== undefined) conditions.push(['o.object = ?', filter.object]);
  if (after !== null) conditions.push([`${sequence} > ?`, after]);
  if (before !== null) conditions.push([`${sequence} < ?`, before]);
  const from = isByObject ? `${OBJECTS} o JOIN ${TABLE} a ON a.sequence = o.sequence` : `${TABLE} a`;
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`;
  const columns = COLUMNS.map((column) => `a.${column}`).join(', ');
  return {
    sql: `SELECT ${columns} FROM ${from} ${where} ORDER BY ${sequence} ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    values: [...conditions.map(([, value]) => value), limit],
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
