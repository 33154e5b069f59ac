// The statements for registered endpoints. Each writer increases the revision, and its rows carry the new number.
import type { Row, Transaction } from '#lib/store/store.ts';
import type { EndpointAddress, EndpointAttributes, NewRegistration, Registration } from './registration.ts';

const COLUMNS = 'backend, address, port, attributes, ttl, expires, added, renewed, origin';
const TABLE = 'weir_registered_endpoints';

/** A row that replaces or adds an endpoint. */
export interface NewRow extends NewRegistration {
  readonly backend: string;
  readonly origin: string;
  /** The clock of the store. */
  readonly now: number;
  readonly revision: number;
}

/** The state of the table: the revision of the last change, and of the last change that removed rows. */
export interface Revisions {
  readonly revision: number;
  readonly removal: number;
}

export async function revisionsOf(t: Transaction): Promise<Revisions> {
  const [row] = await t.rows('SELECT revision, removal FROM weir_revision');
  return { revision: Number(row?.['revision'] ?? 0), removal: Number(row?.['removal'] ?? 0) };
}

/** The revision for the rows of this writer. */
export async function nextRevision(t: Transaction): Promise<number> {
  await t.run('UPDATE weir_revision SET revision = revision + 1');
  return (await revisionsOf(t)).revision;
}

async function removed(t: Transaction, rows: number): Promise<number> {
  if (rows > 0) await t.run('UPDATE weir_revision SET removal = revision');
  return rows;
}

/** The rows that later writers than that of `revision` have written. */
export async function changedSince(t: Transaction, revision: number): Promise<readonly Registration[]> {
  return (await t.rows(`SELECT ${COLUMNS} FROM ${TABLE} WHERE revision > ?`, [revision])).map(registrationOf);
}

export async function allOf(t: Transaction, backend: string): Promise<readonly Registration[]> {
  return (await t.rows(`SELECT ${COLUMNS} FROM ${TABLE} WHERE backend = ?`, [backend])).map(registrationOf);
}

/** The number of endpoints of each Backend that has some. */
export async function countsOf(t: Transaction): Promise<ReadonlyMap<string, number>> {
  const rows = await t.rows(`SELECT backend, COUNT(*) AS count FROM ${TABLE} GROUP BY backend`);
  return new Map(rows.map(({ backend, count }) => [String(backend), Number(count)]));
}

/** The numbers of endpoints of a Backend, and of all. */
export async function totalsOf(t: Transaction, backend: string): Promise<{ readonly ofBackend: number; readonly all: number }> {
  const [own] = await t.rows(`SELECT COUNT(*) AS count FROM ${TABLE} WHERE backend = ?`, [backend]);
  const [all] = await t.rows(`SELECT COUNT(*) AS count FROM ${TABLE}`);
  return { ofBackend: Number(own?.['count']), all: Number(all?.['count']) };
}

/** Whether an endpoint is registered. */
export async function has(t: Transaction, backend: string, { address, port }: EndpointAddress): Promise<boolean> {
  const rows = await t.rows(`SELECT 1 AS one FROM ${TABLE} WHERE backend = ? AND address = ? AND port = ?`, [backend, address, port]);
  return rows.length > 0;
}

export async function put(t: Transaction, { backend, address, port, attributes, ttl, origin, now, revision }: NewRow): Promise<void> {
  const expires = ttl === null ? null : now + ttl;
  await t.run(
    `INSERT INTO ${TABLE} (${COLUMNS}, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (backend, address, port) DO UPDATE SET attributes = excluded.attributes, ttl = excluded.ttl, expires = excluded.expires,
       renewed = excluded.renewed, origin = excluded.origin, revision = excluded.revision`,
    [backend, address, port, JSON.stringify(attributes), ttl, expires, now, now, origin, revision],
  );
}

/** Whether the endpoint was registered. */
export async function remove(t: Transaction, backend: string, { address, port }: EndpointAddress): Promise<boolean> {
  const rows = await t.run(`DELETE FROM ${TABLE} WHERE backend = ? AND address = ? AND port = ?`, [backend, address, port]);
  return (await removed(t, rows)) > 0;
}

/** Deletes endpoints whose time is over. Returns their number. */
export async function expire(t: Transaction, now: number): Promise<number> {
  return removed(t, await t.run(`DELETE FROM ${TABLE} WHERE expires <= ?`, [now]));
}

/** Gives endpoints whose time is over their time again. Returns their number. */
export function revive(t: Transaction, now: number, revision: number): Promise<number> {
  return t.run(`UPDATE ${TABLE} SET expires = ? + ttl, revision = ? WHERE expires <= ?`, [now, revision, now]);
}

function registrationOf(row: Row): Registration {
  const number = (name: string): number => Number(row[name]);
  const orNull = (name: string): number | null => (row[name] === null ? null : number(name));
  return {
    backend: String(row['backend']),
    address: String(row['address']),
    port: number('port'),
    attributes: JSON.parse(String(row['attributes'])) as EndpointAttributes,
    ttl: orNull('ttl'),
    expires: orNull('expires'),
    added: number('added'),
    renewed: number('renewed'),
    origin: String(row['origin']),
  };
}
