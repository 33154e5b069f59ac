// Reads an archive twice: first all of it is checked, and only then used. Nothing of it reaches a disk.
import { hash } from 'node:crypto';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { isDeeperThan, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Row } from '#lib/store/store.ts';
import { ChainCheck } from '../audit/chain.ts';
import { jsonOf } from '../audit/entry.ts';
import { entryOf } from '../audit/entry-table.ts';
import { checkedRef } from '../configuration/planned-change.ts';
import { ADMIN_SCHEMA } from '../store/schema.ts';
import { MANIFEST, parseManifest, type Manifest } from './manifest.ts';
import { AUDIT_TABLE, TABLES, type BackedUpTable } from './tables.ts';
import { ArchiveError, unpacked, type Member } from './tar.ts';

/** An archive that is what its manifest says. */
export interface CheckedArchive {
  readonly manifest: Manifest;
  /** The SHA-256 of the archive. */
  readonly sha256: string;
  readonly objects: readonly { readonly ref: ObjectRef; readonly content: JsonObject }[];
  /** Secrets, whose data it does not have. */
  readonly secrets: readonly ObjectRef[];
  /** The number of rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Levels of objects; the deepest schema has fewer than 30. */
const MAX_DEPTH = 64;
const TABLE_OF: ReadonlyMap<string, BackedUpTable> = new Map([...TABLES, AUDIT_TABLE].map((table) => [table.name, table]));

/** Checks all of an archive. The error is a sentence. */
export async function checkArchive(archive: Uint8Array): Promise<Result<CheckedArchive>> {
  try {
    const check = new ArchiveCheck();
    for await (const member of unpacked(archive)) check.take(member);
    return ok({ ...check.end(), sha256: hash('sha256', archive, 'hex') });
  } catch (error) {
    if (error instanceof ArchiveError) return err(error.message);
    throw error;
  }
}

/** The rows of the store in a checked archive. */
export async function* rowsIn(archive: Uint8Array): AsyncIterable<{ readonly table: BackedUpTable; readonly rows: readonly Row[] }> {
  for await (const member of unpacked(archive)) {
    const table = tableOf(member);
    if (table !== undefined) yield { table, rows: linesOf(member) as readonly Row[] };
  }
}

class ArchiveCheck {
  readonly #members: Manifest['members'] = [];
  readonly #chain = new ChainCheck(new Map(), null);
  readonly #objects: { readonly ref: ObjectRef; readonly content: JsonObject }[] = [];
  readonly #rows: Record<string, number> = {};
  #manifest: Manifest | null = null;

  take(member: Member): void {
    const { name, bytes } = member;
    if (this.#manifest !== null) throw new ArchiveError(`${name} comes after the manifest`);
    if (name === MANIFEST) return this.#takeManifest(bytes);
    this.#members.push({ name, bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') });
    const table = tableOf(member);
    if (table !== undefined) this.#takeRows(table, member);
    else if (name.startsWith('configuration/')) for (const line of linesOf(member)) this.#objects.push(objectOf(line, name));
    else throw new ArchiveError(`the archive has a member that no backup has: ${name}`);
  }

  end(): Omit<CheckedArchive, 'sha256'> {
    const manifest = this.#manifest;
    if (manifest === null) throw new ArchiveError('the archive is not whole: it has no manifest');
    const { broken } = this.#chain.end(manifest.audit);
    if (broken !== null) throw new ArchiveError(`the audit log of the archive is broken: ${broken.reason}`);
    return { manifest, objects: this.#objects, secrets: manifest.secrets.map(secretOf), rows: this.#rows };
  }

  #takeManifest(bytes: Buffer): void {
    const manifest = parseManifest(bytes);
    if (!manifest.ok) throw new ArchiveError(manifest.error);
    const { schema, members } = manifest.value;
    if (schema > ADMIN_SCHEMA.migrations.length) {
      const known = ADMIN_SCHEMA.migrations.length;
      throw new ArchiveError(
        `the archive has tables of version ${schema}, and this release knows up to ${known}: use the release that made it`,
      );
    }
    const listed = new Map(members.map((each) => [each.name, each]));
    for (const { name, bytes: size, sha256 } of this.#members) {
      const expected = listed.get(name);
      if (expected?.sha256 !== sha256 || expected.bytes !== size) throw new ArchiveError(`${name} does not have its checksum`);
      listed.delete(name);
    }
    const [missing] = listed.keys();
    if (missing !== undefined) throw new ArchiveError(`${missing} is missing`);
    this.#manifest = manifest.value;
  }

  #takeRows(table: BackedUpTable, member: Member): void {
    const rows = linesOf(member);
    for (const row of rows) {
      if (!isRow(table, row)) throw new ArchiveError(`${member.name} has a row that its table does not take`);
      if (!hasItsHash(table, row as Row)) throw new ArchiveError(`${member.name} has a content of a revision without its hash`);
      if (table === AUDIT_TABLE) this.#chain.take(jsonOf(entryOf(row as Row)));
    }
    this.#rows[table.name] = (this.#rows[table.name] ?? 0) + rows.length;
  }
}

function tableOf({ name }: Member): BackedUpTable | undefined {
  const [folder, table = ''] = name.split('/');
  return folder === 'store' ? TABLE_OF.get(table) : undefined;
}

function isRow({ columns }: BackedUpTable, row: JsonValue): boolean {
  return (
    isObject(row) &&
    Object.entries(row).every(
      ([name, value]) => columns.includes(name) && (value === null || typeof value === 'string' || Number.isSafeInteger(value)),
    )
  );
}

function hasItsHash({ columns }: BackedUpTable, row: Row): boolean {
  return !columns.includes('content') || hash('sha256', String(row['content']), 'hex') === row['hash'];
}

function linesOf({ name, bytes }: Member): readonly JsonValue[] {
  try {
    const lines = bytes.toString().split('\n');
    if (lines.pop() !== '') throw new SyntaxError('the last line has no end');
    return lines.map((line) => JSON.parse(line) as JsonValue);
  } catch {
    throw new ArchiveError(`${name} is not lines of JSON`);
  }
}

function objectOf(line: JsonValue, member: string): { readonly ref: ObjectRef; readonly content: JsonObject } {
  const isPlain = isObject(line) && !isDeeperThan(line, MAX_DEPTH) && isObject(line['metadata']);
  const { kind, metadata } = (isPlain ? line : {}) as { readonly kind?: unknown; readonly metadata?: JsonObject };
  if (kind === 'Secret' || !isPlain) throw new ArchiveError(`${member} has an object that no backup has`);
  return { ref: checked(kind, metadata?.['namespace'] ?? '', metadata?.['name'], member), content: line };
}

function secretOf(id: string): ObjectRef {
  const [kind, namespace, name, more] = id.split('/');
  if (kind !== 'Secret' || more !== undefined) throw new ArchiveError('the manifest names a Secret that is none');
  return checked(kind, namespace, name, MANIFEST);
}

/** A name that no path and no file can be made to misread. */
function checked(kind: unknown, namespace: unknown, name: unknown, member: string): ObjectRef {
  const isNamed = typeof kind === 'string' && Object.hasOwn(KINDS, kind) && typeof namespace === 'string' && typeof name === 'string';
  const ref = isNamed ? checkedRef(kind as KindName, namespace, name) : null;
  if (ref === null || !ref.ok) throw new ArchiveError(`${member} has an object without a valid kind, namespace and name`);
  return ref.value;
}
