// Makes a backup: the configuration without the data of Secrets, and the store with its audit log, as members of an archive.
import { hash } from 'node:crypto';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId } from '#api/k8s/object.ts';
import { canonicalJson, type JsonObject } from '#lib/canonical-json.ts';
import type { Result } from '#lib/result.ts';
import { StoreError, type Row, type Store } from '#lib/store/store.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import { headOf as auditHeadOf } from '../audit/entry-table.ts';
import type { Query } from '../audit/entry-search.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore, ObjectPage, StoredObject } from '../configuration/configuration-store.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import { EVERYTHING } from '../configuration/label-selector.ts';
import { contentOf } from '../revisions/revision.ts';
import { headOf as revisionHeadOf } from '../revisions/revision-table.ts';
import { ADMIN_SCHEMA } from '../store/schema.ts';
import { ARCHIVE_VERSION, MANIFEST, type Manifest } from './manifest.ts';
import { AUDIT_TABLE, TABLES, type BackedUpTable } from './tables.ts';
import type { Member } from './tar.ts';

/** A member is closed once it has so many bytes. */
const MEMBER_BYTES = 1_048_576;
/** Rows in one query. A content of a revision may have a mebibyte. */
const PAGE = 100;
const CONTENT_PAGE = 8;
/** Objects that Kubernetes makes itself, and kinds that are no configuration. */
const MADE_KINDS: ReadonlySet<KindName> = new Set<KindName>(['EndpointSlice', 'Namespace', 'CustomResourceDefinition']);

/** The members of a backup. An exception ends it, so that its reader sees that it is not whole. */
export async function* backupOf(store: Store, configuration: ConfigurationStore | null): AsyncIterable<Member> {
  const heads = valueOf(await store.read(async (t) => ({ audit: await auditHeadOf(t), revisions: await revisionHeadOf(t) })));
  const limits: Readonly<Record<string, number>> = {
    [AUDIT_TABLE.name]: heads.audit.sequence,
    weir_admin_revisions: heads.revisions.revision,
  };
  const members: Manifest['members'] = [];
  const told: Told = { objects: 0, secrets: [] };
  for await (const member of contentOfBackup(store, configuration, limits, told)) {
    members.push({ name: member.name, bytes: member.bytes.length, sha256: hash('sha256', member.bytes, 'hex') });
    yield member;
  }
  const manifest: Manifest = {
    ...{ format: 'weir-backup', version: ARCHIVE_VERSION, release: WEIR_VERSION, schema: ADMIN_SCHEMA.migrations.length },
    ...{ created: new Date().toISOString(), ...told, audit: { sequence: heads.audit.sequence, hash: heads.audit.hash }, members },
  };
  yield { name: MANIFEST, bytes: Buffer.from(`${JSON.stringify(manifest)}\n`) };
}

/** What the manifest tells about the configuration. */
interface Told {
  objects: number;
  readonly secrets: string[];
}

async function* contentOfBackup(
  store: Store,
  configuration: ConfigurationStore | null,
  limits: Readonly<Record<string, number>>,
  told: Told,
): AsyncIterable<Member> {
  const objects = new Packer('configuration');
  for await (const { ref, object } of configuration === null ? [] : objectsOf(configuration)) {
    if (hidesData(ref)) told.secrets.push(objectId(ref));
    else {
      told.objects++;
      yield* objects.add(contentOf(object));
    }
  }
  yield* objects.end();
  for (const table of [...TABLES, AUDIT_TABLE]) {
    const rows = new Packer(`store/${table.name}`);
    for await (const row of rowsOf(store, table, limits[table.name] ?? null)) yield* rows.add(row);
    yield* rows.end();
  }
}

/** All objects of the configuration, kind by kind. */
export async function* objectsOf(configuration: ConfigurationStore, namespace: string | null = null): AsyncIterable<StoredObject> {
  for (const { kind, namespaced } of Object.values(KINDS) as readonly { readonly kind: KindName; readonly namespaced: boolean }[]) {
    if (configuration.origin === 'kubernetes' && MADE_KINDS.has(kind)) continue;
    if (namespace !== null && !namespaced) continue;
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: Result<ObjectPage, AdminProblem> = await configuration.list(kind, {
        ...{ namespace, selector: EVERYTHING, limit: PAGE, cursor: cursor ?? null },
      });
      if (!page.ok) throw new StoreError(`${kind} cannot be read: ${page.error.detail}`);
      yield* page.value.items;
      cursor = page.value.next;
    }
  }
}

/** The rows of a table in the order of its key. `limit`: up to this number, if the key is one. */
async function* rowsOf(store: Store, table: BackedUpTable, limit: number | null): AsyncIterable<Row> {
  let last: Row | null = null;
  for (;;) {
    const { sql, values } = pageOf(table, last, limit);
    const rows: readonly Row[] = valueOf(await store.read((t) => t.rows(sql, values)));
    for (const row of rows) {
      const isCut = table === AUDIT_TABLE && last !== null && Number(row['sequence']) !== Number(last['sequence']) + 1;
      if (isCut) throw new StoreError('entries of the audit log were removed during the backup: make it again');
      last = row;
      yield row;
    }
    if (rows.length === 0) return;
  }
}

function pageOf({ name, columns, key }: BackedUpTable, last: Row | null, limit: number | null): Query {
  const conditions = [
    ...(last === null ? [] : [`(${key.join(', ')}) > (${key.map(() => '?').join(', ')})`]),
    ...(limit === null ? [] : [`${key.join(', ')} <= ?`]),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const page = columns.includes('content') ? CONTENT_PAGE : PAGE;
  return {
    sql: `SELECT ${columns.join(', ')} FROM ${name} ${where} ORDER BY ${key.join(', ')} LIMIT ${page}`,
    values: [...(last === null ? [] : key.map((column) => last[column] ?? null)), ...(limit === null ? [] : [limit])],
  };
}

/** Packs lines of JSON into members of a moderate size. */
class Packer {
  readonly #folder: string;
  #lines: string[] = [];
  #bytes = 0;
  #members = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Adds a line. Returns the member that is full with it. */
  add(value: JsonObject): readonly Member[] {
    const line = `${canonicalJson(value)}\n`;
    this.#lines.push(line);
    this.#bytes += line.length;
    return this.#bytes < MEMBER_BYTES ? [] : this.end();
  }

  /** The rest. */
  end(): readonly Member[] {
    if (this.#lines.length === 0) return [];
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#bytes = 0;
    return [{ name: `${this.#folder}/${String(++this.#members).padStart(6, '0')}.jsonl`, bytes }];
  }
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new StoreError(result.error);
  return result.value;
}
