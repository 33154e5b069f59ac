// Backups of real stores: whole, checked, restored; and archives whose content is forged.
import { expect, test } from '@jest/globals';
import { hash } from 'node:crypto';
import { createLog } from '#lib/log.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { auditRecord } from '../../test/support/audit-entries.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { AuditWriter } from '../audit/audit-writer.ts';
import { record } from '../revisions/revision-table.ts';
import { ADMIN_SCHEMA } from '../store/schema.ts';
import { checkArchive, type CheckedArchive } from './archive.ts';
import { backupOf } from './backup.ts';
import { auditMergeOf, entryIn, restoreStore } from './restored-store.ts';
import { AUDIT_TABLE, EMPTIED_TABLES, KEPT_TABLES, TABLES } from './tables.ts';
import { packedAtOnce, packed, unpacked, type Member } from './tar.ts';

const CREATED = ADMIN_SCHEMA.migrations.flat().flatMap((statement) => /^CREATE TABLE (\w+) \(([^]*)\)$/.exec(statement.trim()) ?? []);

test('each table is in backups, is emptied, or is kept', () => {
  const known = new Set([...TABLES, AUDIT_TABLE].map(({ name }) => name).concat(EMPTIED_TABLES));
  const names = CREATED.filter((_, i) => i % 3 === 1);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !known.has(name) && !KEPT_TABLES.some((kept) => name.startsWith(kept)))).toEqual([]);
});

async function archiveOf(store: Store): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packed(backupOf(store, null))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function checked(archive: Uint8Array): Promise<CheckedArchive> {
  const result = await checkArchive(archive);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

async function write(store: Store, work: (t: Transaction) => Promise<unknown>): Promise<void> {
  const done = await store.write(work);
  if (!done.ok) throw new Error(done.error);
}

/** Adds entries to the audit log. */
async function audit(store: Store, count: number): Promise<void> {
  const writer = new AuditWriter(store, createLog('silent'));
  for (let i = 0; i < count; i++) await writer.record(auditRecord({}));
  await writer.close();
}

/** A role, a revision and entries of the audit log. */
async function fill(store: Store): Promise<void> {
  await audit(store, 3);
  const ref = { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' };
  const base = {
    ref,
    actor: { kind: 'program', id: '', name: 'x' },
    reason: '',
    origin: 'folder',
    requestId: '',
    isCertain: false,
  } as const;
  await write(store, async (t) => {
    await t.run("INSERT INTO weir_admin_roles (name, description, permissions, version) VALUES ('own', 'ünd', '[]', 4)");
    await record(t, [
      { ...base, content: { kind: 'HTTPRoute' } },
      { ...base, content: null },
    ]);
  });
}

/** All rows that a backup has. */
async function rows(store: Store): Promise<unknown> {
  return store.read(async (t) => {
    const all: unknown[] = [];
    for (const { name, key } of [...TABLES, AUDIT_TABLE])
      all.push([name, await t.rows(`SELECT * FROM ${name} ORDER BY ${key.join(', ')}`)]);
    return all;
  });
}

async function restore(store: Store, archive: Uint8Array): Promise<string> {
  const given = await checked(archive);
  const merge = await store.read((t) => auditMergeOf(t, given.manifest.audit, (sequence) => entryIn(archive, sequence)));
  if (!merge.ok || merge.value === 'impossible') return 'impossible';
  const { value } = merge;
  await write(store, (t) => restoreStore(t, archive, given, value));
  return value;
}

async function lose(store: Store): Promise<void> {
  await write(store, async (t) => {
    for (const { name } of [...TABLES, AUDIT_TABLE]) await t.run(`DELETE FROM ${name}`);
    await t.run('DELETE FROM weir_admin_audit_objects');
    await t.run(`UPDATE weir_admin_audit_head SET sequence = 0, hash = '${'0'.repeat(64)}', stored = 0`);
    await t.run('INSERT INTO weir_admin_revisions_head (revision, at, known_revision, known_since) VALUES (0, 0, 0, 0)');
  });
}

async function verified(store: Store): Promise<unknown> {
  const report = await new AuditLog(store).verify();
  return report.ok ? [report.value.entries, report.value.broken] : report.error;
}

describeAdminStores({ backups: testBackups });

function testBackups(open: OpenAdminStore): void {
  test('an empty store gets back all that was in the backup', async () => {
    const store = open();
    await fill(store);
    const before = await rows(store);
    const archive = await archiveOf(store);
    expect((await checked(archive)).rows).toEqual({
      ...{
        weir_admin_roles: 1,
        weir_admin_revision_contents: 1,
        weir_admin_revisions: 2,
        weir_admin_revisions_head: 1,
        weir_admin_audit: 3,
      },
    });
    await lose(store);
    expect(await restore(store, archive)).toBe('replaced');
    expect(await rows(store)).toEqual(before);
    expect(await verified(store)).toEqual([3, null]);
    await audit(store, 1);
    expect(await verified(store)).toEqual([4, null]);
  });

  test('no entry of an audit log is lost', async () => {
    const store = open();
    await fill(store);
    const archive = await archiveOf(store);
    await audit(store, 2);
    expect(await restore(store, archive)).toBe('kept');
    expect(await verified(store)).toEqual([5, null]);
    await lose(store);
    await audit(store, 2);
    expect(await restore(store, archive)).toBe('appended');
    expect(await verified(store)).toEqual([5, null]);
  });

  test('a restore that fails changes nothing', async () => {
    const store = open();
    await fill(store);
    const archive = await archiveOf(store);
    const given = await checked(archive);
    const before = await rows(store);
    const members: Member[] = [];
    for await (const member of unpacked(archive)) members.push(member);
    const broken = packedAtOnce(
      members
        .filter(({ name }) => !name.includes('audit'))
        .concat(
          members.filter(({ name }) => name.includes('roles')).map(({ bytes }) => ({ name: 'store/weir_admin_roles/000009.jsonl', bytes })),
        ),
    );
    const failed = await store.write((t) => restoreStore(t, broken, given, 'replaced')).catch(() => ({ ok: false }));
    expect(failed).toMatchObject({ ok: false });
    expect(await rows(store)).toEqual(before);
  });

  test('forged archives are refused', async () => {
    const store = open();
    await fill(store);
    const members: Member[] = [];
    for await (const member of unpacked(await archiveOf(store))) members.push(member);
    const reasonOf = async (all: readonly Member[]): Promise<string> => {
      const result = await checkArchive(packedAtOnce(all));
      return result.ok ? '' : result.error;
    };
    const changed = (part: string, change: (text: string) => string): readonly Member[] =>
      members.map((member) => (member.name.includes(part) ? { ...member, bytes: Buffer.from(change(member.bytes.toString())) } : member));
    /** With checksums that are right again. */
    const sealed = (all: readonly Member[]): readonly Member[] =>
      all.map((member) => {
        if (member.name !== 'manifest.json') return member;
        const manifest = JSON.parse(member.bytes.toString()) as object;
        const list = all
          .filter((each) => each !== member)
          .map(({ name, bytes }) => ({ name, bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') }));
        return { ...member, bytes: Buffer.from(JSON.stringify({ ...manifest, members: list })) };
      });
    const manifest = (change: object) => changed('manifest', (text) => JSON.stringify({ ...(JSON.parse(text) as object), ...change }));
    const object = (value: object): readonly Member[] =>
      sealed([{ name: 'configuration/000001.jsonl', bytes: Buffer.from(`${JSON.stringify(value)}\n`) }, ...members]);
    expect(await reasonOf(members)).toBe('');
    expect(await reasonOf(changed('roles', (text) => text.replace('own', 'owm')))).toContain('does not have its checksum');
    expect(await reasonOf(members.slice(1))).toContain('is missing');
    expect(await reasonOf(members.slice(0, -1))).toContain('has no manifest');
    expect(await reasonOf(manifest({ schema: 99 }))).toContain('use the release that made it');
    expect(await reasonOf(manifest({ version: 2 }))).toContain('later release');
    expect(await reasonOf(manifest({ secrets: ['Secret/../x'] }))).toContain('valid kind, namespace and name');
    expect(await reasonOf(sealed(changed('roles', (text) => text.replace('"name"', '"name) VALUES (1); --"'))))).toContain('does not take');
    expect(await reasonOf(sealed(changed('roles', (text) => text.replace('4', '{}'))))).toContain('does not take');
    expect(await reasonOf(sealed(changed('weir_admin_audit', (text) => text.replace('"status":', '"status":1'))))).toContain('is broken');
    expect(await reasonOf(sealed(changed('contents', (text) => text.replace('HTTPRoute', 'GRPCRoute'))))).toContain('without its hash');
    expect(await reasonOf(sealed(changed('roles', () => 'x')))).toContain('not lines of JSON');
    const metadata = { namespace: 'shop', name: 'cart' };
    expect(await reasonOf(object({ kind: 'HTTPRoute', metadata }))).toBe('');
    expect(await reasonOf(object({ kind: 'Secret', metadata }))).toContain('an object that no backup has');
    expect(await reasonOf(object({ kind: 'HTTPRoute', metadata: { ...metadata, name: '../../x' } }))).toContain('valid kind');
    expect(await reasonOf(object({ kind: 'HTTPRoute', metadata: { ...metadata, namespace: '../x' } }))).toContain('valid kind');
    expect(await reasonOf(object({ kind: 'constructor', metadata }))).toContain('valid kind');
  });
}
