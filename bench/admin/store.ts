// Fills a store of the admin program with entries of the audit log, with a valid chain, as fast as SQLite takes rows.
import { DatabaseSync } from 'node:sqlite';
import { canonicalJson, type JsonValue } from '#lib/canonical-json.ts';
import { GENESIS, sealed, type AuditEntry, type AuditFacts, type ChainPlace } from '../../admin/audit/entry.ts';
import { COLUMNS, objectsOf, OBJECTS, TABLE } from '../../admin/audit/entry-table.ts';
import { makeAdminStore } from '../../admin/store/admin-store.ts';

const DAY = 86_400_000;
const OPERATIONS = ['configuration.patch', 'configuration.create', 'configuration.replace', 'blocks.put', 'limits.reset', 'alerts.silence'];
const ACTORS = 50;
/** One entry of so many is a refusal, and one of so many is of the rare actor and operation. */
const REFUSED_EACH = 97;
const RARE_EACH = 100_000;

/** An actor and an operation with few entries. */
export const RARE = { actor: 'auditor', operation: 'audit.verify' };

/** Makes the store with so many entries over 300 days. */
export async function fillStore(file: string, entries: number): Promise<void> {
  const store = makeAdminStore({ kind: 'sqlite', file });
  const opened = await store.read(() => Promise.resolve());
  if (!opened.ok) throw new Error(opened.error);
  await store.close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN');
  const insert = database.prepare(`INSERT INTO ${TABLE} (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`);
  const name = database.prepare(`INSERT INTO ${OBJECTS} (object, sequence) VALUES (?, ?)`);
  const from = Date.now() - 300 * DAY;
  let last: ChainPlace & Partial<AuditEntry> = GENESIS;
  for (let i = 0; i < entries; i++) {
    const time = from + Math.floor((300 * DAY * i) / entries);
    const entry = sealed(factsOf(i, time), new Date(time).toISOString(), last);
    insert.run(...valuesOf(entry));
    for (const object of objectsOf(entry)) name.run(object, entry.sequence);
    last = entry;
  }
  database.prepare('UPDATE weir_admin_audit_head SET sequence = ?, hash = ?, stored = ?').run(last.sequence, last.hash, from + 300 * DAY);
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** A kept store of an earlier run: the next start makes its first user again, and shows the password. */
export function forgetUsers(file: string): void {
  const database = new DatabaseSync(file);
  for (const table of ['users', 'bindings', 'sessions']) database.exec(`DELETE FROM weir_admin_${table}`);
  database.close();
}

function factsOf(i: number, time: number): AuditFacts {
  const isRefused = i % REFUSED_EACH === 0;
  const isRare = i % RARE_EACH === 0;
  const actor = isRare ? RARE.actor : `user-${i % ACTORS}`;
  const namespace = `team-${i % 20}`;
  return {
    id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    time: new Date(time).toISOString(),
    requestId: `request-${i}`,
    operation: isRare ? RARE.operation : (OPERATIONS[i % OPERATIONS.length] ?? ''),
    path: `/api/v1/configuration/HTTPRoute/${namespace}/route-${i % 5_000}`,
    actor: { kind: 'user', id: actor, name: actor, session: null },
    ...{ address: `192.0.2.${i % 250}`, userAgent: 'weir/1', reason: 'a change of the day', namespace },
    changes: isRefused ? [] : [{ object: `HTTPRoute/${namespace}/route-${i % 5_000}`, before: { weight: 1 }, after: { weight: 2 } }],
    ...(isRefused ? { outcome: 'refused', status: 403, code: 'permission-needed' } : { outcome: 'success', status: 200, code: '' }),
  };
}

function valuesOf(entry: AuditEntry): (string | number | null)[] {
  const { actor } = entry;
  return [
    ...[entry.sequence, entry.id, Date.parse(entry.time), Date.parse(entry.stored), entry.requestId, entry.operation, entry.path],
    ...[actor.kind, actor.id, actor.name, actor.session, entry.address, entry.userAgent, entry.reason, entry.namespace],
    ...[canonicalJson(entry.changes as unknown as JsonValue), entry.outcome, entry.status, entry.code, entry.previous, entry.hash],
  ];
}
