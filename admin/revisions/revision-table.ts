// The statements for revisions.
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { Row, SqlValue, Transaction } from '#lib/store/store.ts';
import { plainText } from '../store/plain-text.ts';
import {
  hashed,
  type HashedContent,
  type ObjectState,
  type Revision,
  type RevisionActor,
  type RevisionChange,
  type RevisionOrigin,
} from './revision.ts';

export const TABLE = 'weir_admin_revisions';
const CONTENTS = 'weir_admin_revision_contents';
const HEAD = 'weir_admin_revisions_head';
const COLUMNS = [
  ...['revision', 'at', 'kind', 'namespace', 'name', 'hash', 'origin', 'actor_kind', 'actor_id', 'actor_name', 'reason', 'request_id'],
];
const OF_OBJECT = 'kind = ? AND namespace = ? AND name = ?';
const SELECT = `SELECT ${COLUMNS.map((column) => `a.${column}`).join(', ')}`;
/** Of each object the last revision up to a number. */
const LAST = `a.revision = (SELECT MAX(b.revision) FROM ${TABLE} b WHERE b.kind = a.kind AND b.namespace = a.namespace AND b.name = a.name AND b.revision <= ?)`;

/** The place of the last revision. */
export interface Head {
  readonly revision: number;
  readonly at: number;
  /** The first revision after which the state of all objects is known; 0: it is not known. */
  readonly knownRevision: number;
  /** The time of it, or a later one. */
  readonly knownSince: number;
}

/** A change to record. `isCertain`: it is one even if the content is the same, as that of the data of a Secret. */
export type RecordedChange = RevisionChange & { readonly isCertain: boolean };

export async function headOf(t: Transaction): Promise<Head> {
  const [row] = await t.rows(`SELECT revision, at, known_revision, known_since FROM ${HEAD}`);
  const value = (column: string): number => Number(row?.[column] ?? 0);
  return { revision: value('revision'), at: value('at'), knownRevision: value('known_revision'), knownSince: value('known_since') };
}

/** From the last revision on the state of all objects is known, unless it is already. */
export async function setKnown(t: Transaction): Promise<void> {
  await t.run(`UPDATE ${HEAD} SET known_revision = revision, known_since = at WHERE known_revision = 0`);
}

/** The state of all objects is not known before a time, at which a revision was the last one. */
export async function forgetBefore(t: Transaction, time: number, revision: number): Promise<void> {
  const change = `UPDATE ${HEAD} SET known_revision = ?, known_since = ? WHERE known_revision <> 0 AND known_since < ?`;
  await t.run(change, [revision, time, time]);
}

/** Records changes, in the transaction of a writer. One that leaves an object as it is recorded is none. */
export async function record(t: Transaction, changes: readonly RecordedChange[]): Promise<void> {
  const head = await headOf(t);
  // The clock may have been set back.
  const at = Math.max(await t.now(), head.at);
  let { revision } = head;
  for (const change of changes) {
    const content = change.content === null ? null : hashed(change.content);
    if (await isRecorded(t, change, content)) continue;
    if (content !== null)
      await t.run(`INSERT INTO ${CONTENTS} (hash, content) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING`, [content.hash, content.text]);
    revision++;
    await insert(t, change, { revision, at, hash: content === null ? null : content.hash });
  }
  if (revision > head.revision) await t.run(`UPDATE ${HEAD} SET revision = ?, at = ?`, [revision, at]);
}

/** Whether a change leaves its object as the last revision has it. */
async function isRecorded(t: Transaction, { ref, isCertain }: RecordedChange, content: HashedContent | null): Promise<boolean> {
  if (isCertain && content !== null) return false;
  const last = await lastOf(t, ref);
  return (last?.hash ?? null) === (content?.hash ?? null);
}

async function insert(
  t: Transaction,
  { ref, origin, actor, reason, requestId }: RevisionChange,
  { revision, at, hash }: Pick<Revision, 'revision' | 'at' | 'hash'>,
): Promise<void> {
  const values = [
    revision,
    at,
    ref.kind,
    ref.namespace,
    ref.name,
    hash,
    origin,
    actor.kind,
    actor.id,
    plainText(actor.name),
    plainText(reason),
    requestId,
  ];
  await t.run(`INSERT INTO ${TABLE} (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`, values);
}

/** The last revision of an object; null without one. */
export async function lastOf(t: Transaction, { kind, namespace, name }: ObjectRef): Promise<Revision | null> {
  const [row] = await t.rows(`${SELECT} FROM ${TABLE} a WHERE ${OF_OBJECT} ORDER BY a.revision DESC LIMIT 1`, [kind, namespace, name]);
  return row === undefined ? null : revisionOf(row);
}

export async function revisionAt(t: Transaction, revision: number): Promise<Revision | null> {
  const [row] = await t.rows(`${SELECT} FROM ${TABLE} a WHERE a.revision = ?`, [revision]);
  return row === undefined ? null : revisionOf(row);
}

/** The content of a hash. It exists for each revision that has the hash. */
export async function contentAt(t: Transaction, hash: string): Promise<JsonObject> {
  const [row] = await t.rows(`SELECT content FROM ${CONTENTS} WHERE hash = ?`, [hash]);
  return JSON.parse(String(row?.['content'] ?? 'null')) as JsonObject;
}

/** The objects that existed after a revision, with their hashes. */
export async function objectsAfter(t: Transaction, revision: number): Promise<readonly (ObjectRef & { readonly hash: string })[]> {
  const rows = await t.rows(`SELECT kind, namespace, name, hash FROM ${TABLE} a WHERE a.hash IS NOT NULL AND ${LAST}`, [revision]);
  return rows.map((row) => ({ ...refIn(row), hash: String(row['hash']) }));
}

/** The objects that a revision later than this one has changed, as they were after it. */
export async function changedSince(t: Transaction, revision: number): Promise<readonly ObjectState[]> {
  const changed = await t.rows(`SELECT DISTINCT kind, namespace, name FROM ${TABLE} WHERE revision > ? ORDER BY kind, namespace, name`, [
    revision,
  ]);
  const states: ObjectState[] = [];
  for (const row of changed) {
    const ref = refIn(row);
    const sql = `SELECT hash FROM ${TABLE} WHERE ${OF_OBJECT} AND revision <= ? ORDER BY revision DESC LIMIT 1`;
    const [last] = await t.rows(sql, [ref.kind, ref.namespace, ref.name, revision]);
    const hash = last?.['hash'] ?? null;
    states.push({ ref, content: hash === null ? null : await contentAt(t, String(hash)) });
  }
  return states;
}

/** The last revision that was recorded at a time or before; 0 without one. */
export async function lastUntil(t: Transaction, time: number): Promise<number> {
  const [row] = await t.rows(`SELECT revision FROM ${TABLE} WHERE at <= ? ORDER BY at DESC, revision DESC LIMIT 1`, [time]);
  return Number(row?.['revision'] ?? 0);
}

/** Which revisions are wanted. Members that are absent are no condition. */
export interface RevisionFilter {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly actor?: string;
  readonly origin?: string;
  /** Recorded at this time or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Recorded before this time. */
  readonly until?: number;
}

const CONDITIONS: Readonly<Record<keyof RevisionFilter, string>> = {
  ...{ kind: 'a.kind = ?', namespace: 'a.namespace = ?', name: 'a.name = ?', actor: 'a.actor_name = ?', origin: 'a.origin = ?' },
  ...{ since: 'a.at >= ?', until: 'a.at < ?' },
};

/** The newest revisions that meet the filter, among those with numbers below `before`. */
export async function select(t: Transaction, filter: RevisionFilter, before: number | null, limit: number): Promise<readonly Revision[]> {
  const conditions: (readonly [string, SqlValue])[] = (Object.keys(CONDITIONS) as (keyof RevisionFilter)[]).flatMap((member) => {
    const value = filter[member];
    return value === undefined ? [] : [[CONDITIONS[member], value] as const];
  });
  if (before !== null) conditions.push(['a.revision < ?', before]);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`;
  const rows = await t.rows(`${SELECT} FROM ${TABLE} a ${where} ORDER BY a.revision DESC LIMIT ?`, [
    ...conditions.map(([, value]) => value),
    limit,
  ]);
  return rows.map(revisionOf);
}

/** The time of the revision at this place, counted from the newest one; null if there are fewer. */
export async function timeOfNewest(t: Transaction, place: number): Promise<number | null> {
  const [row] = await t.rows(`SELECT at FROM ${TABLE} ORDER BY revision DESC LIMIT 1 OFFSET ?`, [place]);
  return row === undefined ? null : Number(row['at']);
}

/**
 * Deletes revisions that were not in force any more at a time, up to a number of them. The newest one of an object that exists stays, and
 * so does all that was in force since. Returns how many there were.
 */
export async function removeSuperseded(t: Transaction, time: number, limit: number): Promise<number> {
  const newer = `SELECT 1 FROM ${TABLE} b WHERE b.kind = a.kind AND b.namespace = a.namespace AND b.name = a.name AND b.revision > a.revision AND b.at < ?`;
  const old = `SELECT a.revision FROM ${TABLE} a WHERE a.at < ? AND (a.hash IS NULL OR EXISTS (${newer})) ORDER BY a.revision LIMIT ?`;
  const removed = await t.run(`DELETE FROM ${TABLE} WHERE revision IN (${old})`, [time, time, limit]);
  const unused = `SELECT 1 FROM ${TABLE} a WHERE a.hash = ${CONTENTS}.hash`;
  if (removed > 0) await t.run(`DELETE FROM ${CONTENTS} WHERE NOT EXISTS (${unused})`);
  return removed;
}

function refIn(row: Row): ObjectRef {
  return { kind: String(row['kind']), namespace: String(row['namespace']), name: String(row['name']) };
}

function revisionOf(row: Row): Revision {
  const text = (column: string): string => String(row[column]);
  return {
    ...{ revision: Number(row['revision']), at: Number(row['at']), ref: refIn(row), hash: row['hash'] === null ? null : text('hash') },
    origin: text('origin') as RevisionOrigin,
    actor: { kind: text('actor_kind') as RevisionActor['kind'], id: text('actor_id'), name: text('actor_name') },
    ...{ reason: text('reason'), requestId: text('request_id') },
  };
}
