// The statements for the use of the API: calls by day, operation and caller.
import type { Row, SqlValue, Transaction } from '#lib/store/store.ts';

const TABLE = 'weir_admin_usage';
const DAY_MS = 86_400_000;
/** Older days are removed. */
export const KEPT_DAYS = 90;

/** The calls of one operation by one caller. */
export interface CallCounts {
  readonly operation: string;
  readonly actorKind: string;
  readonly actorId: string;
  readonly actorName: string;
  readonly calls: number;
  /** Those with a status from 400 on. */
  readonly failures: number;
  readonly totalMs: number;
  readonly maxMs: number;
  /** Milliseconds since the epoch. */
  readonly lastUsed: number;
}

/** The day of a time. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

/** Adds calls of a day. */
export async function addCalls(t: Transaction, day: number, counts: Iterable<CallCounts>): Promise<void> {
  for (const each of counts) {
    await t.run(
      `INSERT INTO ${TABLE} (day, operation, actor_kind, actor_id, actor_name, calls, failures, total_ms, max_ms, last_used)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (day, operation, actor_kind, actor_id) DO UPDATE SET
          actor_name = excluded.actor_name,
          calls = ${TABLE}.calls + excluded.calls,
          failures = ${TABLE}.failures + excluded.failures,
          total_ms = ${TABLE}.total_ms + excluded.total_ms,
          max_ms = CASE WHEN excluded.max_ms > ${TABLE}.max_ms THEN excluded.max_ms ELSE ${TABLE}.max_ms END,
          last_used = excluded.last_used`,
      [
        ...[day, each.operation, each.actorKind, each.actorId, each.actorName, each.calls, each.failures],
        ...[Math.round(each.totalMs), Math.round(each.maxMs), each.lastUsed],
      ],
    );
  }
}

/** Removes the days before the kept ones. */
export async function removeOldDays(t: Transaction, today: number): Promise<void> {
  await t.run(`DELETE FROM ${TABLE} WHERE day <= ?`, [today - KEPT_DAYS]);
}

/** Which calls to add up. */
export interface UsageQuery {
  readonly by: 'operation' | 'actor' | 'both';
  /** The first day. */
  readonly since: number;
  readonly actor: string | null;
  readonly operation: string | null;
  readonly limit: number;
}

const GROUPS = {
  operation: "operation, '' AS actor_kind, '' AS actor_id, '' AS actor_name",
  actor: "'' AS operation, actor_kind, actor_id, MAX(actor_name) AS actor_name",
  both: 'operation, actor_kind, actor_id, MAX(actor_name) AS actor_name',
} as const;
const KEYS = { operation: 'operation', actor: 'actor_kind, actor_id', both: 'operation, actor_kind, actor_id' } as const;

/** The calls, those with the most first. */
export async function usage(t: Transaction, { by, since, actor, operation, limit }: UsageQuery): Promise<readonly CallCounts[]> {
  const conditions: [string, SqlValue][] = [['day >= ?', since]];
  if (actor !== null) conditions.push(['actor_name = ?', actor]);
  if (operation !== null) conditions.push(['operation = ?', operation]);
  const rows = await t.rows(
    `SELECT ${GROUPS[by]}, SUM(calls) AS calls, SUM(failures) AS failures, SUM(total_ms) AS total_ms, MAX(max_ms) AS max_ms,
      MAX(last_used) AS last_used FROM ${TABLE} WHERE ${conditions.map(([text]) => text).join(' AND ')}
      GROUP BY ${KEYS[by]} ORDER BY SUM(calls) DESC, ${KEYS[by]} LIMIT ?`,
    [...conditions.map(([, value]) => value), limit],
  );
  return rows.map(countsOf);
}

function countsOf(row: Row): CallCounts {
  const [text, number] = [(column: string) => String(row[column]), (column: string) => Number(row[column])];
  return {
    ...{ operation: text('operation'), actorKind: text('actor_kind'), actorId: text('actor_id'), actorName: text('actor_name') },
    ...{ calls: number('calls'), failures: number('failures'), totalMs: number('total_ms'), maxMs: number('max_ms') },
    lastUsed: number('last_used'),
  };
}
