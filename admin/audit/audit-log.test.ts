// The audit log in real stores: one chain of several writers, pages, the check of the chain, retention, outages.
import { afterEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Store } from '#lib/store/store.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { auditRecord } from '../../test/support/audit-entries.ts';
import { createLog } from '#lib/log.ts';
import { auditFacts } from './audit-facts.ts';
import { AuditLog } from './audit-log.ts';
import { AuditWriter } from './audit-writer.ts';
import { csvRow } from './csv.ts';
import { select } from './entry-search.ts';
import { append } from './entry-table.ts';
import { verifyExport } from './exported-log.ts';
import { AuditRetention, retain } from './retention.ts';

const SILENT = createLog('silent');
const PAGE = { after: null, before: null, limit: 10, isNewestFirst: true };
const writers: AuditWriter[] = [];
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.close();
});

function writerOf(store: Store): AuditWriter {
  const writer = new AuditWriter(store, SILENT);
  writers.push(writer);
  return writer;
}

/** Writes entries one after the other, so that each has a batch of its own. */
async function write(store: Store, records: readonly Parameters<typeof auditRecord>[0][]): Promise<void> {
  const writer = writerOf(store);
  for (const record of records) expect(await writer.record(auditRecord(record))).toEqual({ ok: true, value: undefined });
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

async function brokenIn(store: Store): Promise<string | null> {
  const report = await new AuditLog(store).verify();
  return report.ok ? (report.value.broken?.reason ?? null) : report.error;
}

describeAdminStores({ 'the audit log': testAuditLog });

function testAuditLog(open: OpenAdminStore): void {
  test('a search for what many entries meet in part ends early, and goes on at the next page', async () => {
    const store = open();
    const records = Array.from({ length: 60 }, (_, i) => ({
      requestId: `request-${i}`,
      caller: { name: i % 2 === 0 ? 'ana' : 'bob' },
      operation: i === 10 ? 'tokens.create' : 'users.update',
      outcome: i % 2 === 1 || i === 2 ? ('refused' as const) : ('success' as const),
    }));
    const filled = await store.write((t) =>
      append(
        t,
        records.map((each) => auditFacts(auditRecord(each), randomUUID())),
      ),
    );
    expect(filled.ok).toBe(true);
    const log = new AuditLog(store);
    // Of the three conditions, one has one entry.
    const rare = await log.list({ outcome: 'success', actor: 'ana', operation: 'tokens.create' }, null, 10);
    expect(rare).toMatchObject({ ok: true, value: { items: [{ requestId: 'request-10' }], next: null } });
    const looked = await store.read((t) => select(t, { outcome: 'refused', actor: 'ana' }, PAGE, 20));
    // The last 20 of the 30 entries of ana.
    expect(looked).toEqual({ ok: true, value: { entries: [], reached: 21 } });
    const rest = await store.read((t) => select(t, { outcome: 'refused', actor: 'ana' }, { ...PAGE, before: 21 }, 20));
    expect(rest).toMatchObject({ ok: true, value: { entries: [{ requestId: 'request-2' }], reached: null } });
    expect(await log.list({ outcome: 'refused', actor: 'ana' }, null, 1)).toMatchObject({ ok: true, value: { items: [{}], next: null } });
    const lines = await textOf(log.exportJson({ outcome: 'refused', actor: 'ana' }));
    expect(lines.match(/request-\d+/g)).toEqual(['request-2']);
    const ended = await log.verify(new Map(), AbortSignal.abort());
    expect(ended).toMatchObject({ ok: false, error: 'the check was ended before the end of the log' });
  });

  test('is one unbroken chain of two programs that write at the same time', async () => {
    const [one, two] = [open(), open()];
    const both = [writerOf(one), writerOf(two)];
    const results = await Promise.all(
      Array.from({ length: 120 }, (_, i) => both[i % 2]!.record(auditRecord({ requestId: `request-${i}` }))),
    );
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    const log = new AuditLog(one);
    expect(await log.verify()).toMatchObject({ ok: true, value: { entries: 120, first: 1, broken: null } });
    const exported = await textOf(log.exportJson());
    expect(await verifyExport(Readable.from([Buffer.from(exported)]))).toEqual(await log.verify());
    const written = Array.from({ length: 120 }, (_, i) => `request-${i}`);
    expect(new Set(exported.match(/request-\d+/g))).toEqual(new Set(written));
  });

  test('comes in pages by number, with filters', async () => {
    const store = open();
    await write(store, [
      { caller: { name: 'ana', id: 'u1' } },
      { caller: { name: 'bob', id: 'u2' }, operation: 'users.create', changes: [{ object: 'user/eve', before: null, after: {} }] },
      { caller: { name: 'ana', id: 'u1' }, outcome: 'refused', status: 403, code: 'permission-missing', changes: [] },
      {
        namespace: 'shop',
        changes: [
          { object: 'HTTPRoute/shop/cart', before: null, after: {} },
          { object: 'HTTPRoute/shop/pay', before: {}, after: null },
        ],
      },
      { caller: { name: 'ana', id: 'u1' }, requestId: 'x-1' },
    ]);
    const log = new AuditLog(store);
    const found = async (filter: Parameters<AuditLog['list']>[0], before: number | null = null, limit = 10) => {
      const page = await log.list(filter, before, limit);
      return page.ok ? [page.value.items.map(({ sequence }) => sequence), page.value.next] : page.error;
    };
    expect(await found({}, null, 2)).toEqual([[5, 4], 4]);
    expect(await found({}, 4, 2)).toEqual([[3, 2], 2]);
    expect(await found({}, 2, 2)).toEqual([[1], null]);
    expect(await found({ actor: 'ana' })).toEqual([[5, 3, 1], null]);
    expect(await found({ actorId: 'u1', outcome: 'refused' })).toEqual([[3], null]);
    expect(await found({ actor: 'ana' }, null, 2)).toEqual([[5, 3], 3]);
    expect(await found({ operation: 'users.create' })).toEqual([[2], null]);
    expect(await found({ namespace: 'shop' })).toEqual([[4], null]);
    expect(await found({ requestId: 'x-1' })).toEqual([[5], null]);
    expect(await found({ object: 'HTTPRoute/shop/cart' })).toEqual([[4], null]);
    expect(await found({ object: 'HTTPRoute/shop' })).toEqual([[4], null]);
    expect(await found({ object: 'HTTPRoute' })).toEqual([[4], null]);
    expect(await found({ object: 'user', actor: 'bob' })).toEqual([[2], null]);
    expect(await found({ actor: "ana' OR 1=1 --" })).toEqual([[], null]);
    expect(await log.entry(2)).toMatchObject({
      ok: true,
      value: { sequence: 2, changes: [{ object: 'user/eve', before: null, after: {} }] },
    });
    expect(await log.entry(6)).toEqual({ ok: true, value: null });
  });

  test('is searched by time', async () => {
    const store = open();
    await write(store, [{}, {}, {}, {}]);
    const log = new AuditLog(store);
    const second = await log.entry(2);
    const at = second.ok && second.value !== null ? Date.parse(second.value.stored) : 0;
    const all = await log.list({ since: at - 60_000, until: at + 60_000 }, null, 10);
    expect(all).toMatchObject({ ok: true, value: { items: [{ sequence: 4 }, { sequence: 3 }, { sequence: 2 }, { sequence: 1 }] } });
    expect(await log.list({ since: at + 60_000 }, null, 10)).toEqual({ ok: true, value: { items: [], next: null } });
    expect(await log.list({ until: at - 60_000 }, null, 10)).toEqual({ ok: true, value: { items: [], next: null } });
    const since = await log.list({ since: at, actor: 'bob' }, null, 10);
    expect(since.ok && since.value.items.every(({ stored }) => Date.parse(stored) >= at)).toBe(true);
  });

  test('takes hostile texts as texts, and the same facts come back', async () => {
    const store = open();
    const hostile = '\0\ud800\u202e\r\n=cmd|"\u{1f600}';
    await write(store, [
      {
        userAgent: hostile,
        reason: hostile,
        caller: { name: hostile },
        changes: [{ object: `user/${hostile}`, before: hostile, after: { [hostile]: [hostile, 1.5e-7] } }],
      },
    ]);
    expect(await brokenIn(store)).toBeNull();
    expect(await new AuditLog(store).entry(1)).toMatchObject({ ok: true, value: { reason: '\ufffd\ufffd\u202e\r\n=cmd|"\u{1f600}' } });
    await write(store, [{ reason: 'x'.repeat(5_000) }]);
    expect(await new AuditLog(store).entry(2)).toMatchObject({ ok: true, value: { reason: `${'x'.repeat(1_024)}…` } });
  });

  const attacks: readonly (readonly [string, string, string])[] = [
    [
      'a changed column',
      "UPDATE weir_admin_audit SET actor_name = 'eve' WHERE sequence = 3",
      'entry 3 was changed: its content does not have its hash',
    ],
    [
      'changes that are no JSON',
      "UPDATE weir_admin_audit SET changes = '[' WHERE sequence = 2",
      'entry 2 was changed: its content does not have its hash',
    ],
    ['a removed entry', 'DELETE FROM weir_admin_audit WHERE sequence = 3', 'entry 3 is missing'],
    ['removed first entries', 'DELETE FROM weir_admin_audit WHERE sequence < 3', 'entries 1 to 2 are missing'],
    ['removed last entries', 'DELETE FROM weir_admin_audit WHERE sequence > 3', 'entries 4 to 5 are missing'],
    ['all entries removed', 'DELETE FROM weir_admin_audit', 'entries 1 to 5 are missing'],
    [
      'entries in another order',
      'UPDATE weir_admin_audit SET sequence = CASE sequence WHEN 2 THEN 1002 ELSE sequence END',
      'entry 2 is missing',
    ],
    [
      'an object that no search finds',
      "DELETE FROM weir_admin_audit_objects WHERE sequence = 4 AND object = 'user'",
      'entry 4 was changed: a search for its objects does not find it',
    ],
    ['a changed end', "UPDATE weir_admin_audit_head SET hash = 'x'", 'entry 5, the last one, was replaced'],
  ];
  test.each(attacks)('is broken by %s', async (_, sql, reason) => {
    const store = open();
    await write(store, [{}, {}, {}, {}, {}]);
    expect(await brokenIn(store)).toBeNull();
    await store.write((t) => t.run(sql));
    expect(await brokenIn(store)).toBe(reason);
    await write(store, [{}]);
    expect(await brokenIn(store)).not.toBeNull();
  });

  test('loses old and surplus entries by retention only, and can be verified without them', async () => {
    const store = open();
    await write(
      store,
      Array.from({ length: 12 }, () => ({})),
    );
    const settings = { maxAge: 3_600_000, maxEntries: 8 };
    const keep = (step?: number) => store.write((t) => retain(t, settings, step));
    expect(await keep(3)).toMatchObject({ ok: true, value: { sequence: 3, entries: 3 } });
    expect(await brokenIn(store)).toBeNull();
    expect(await keep()).toMatchObject({ ok: true, value: { sequence: 6, entries: 3 } });
    expect(await keep()).toEqual({ ok: true, value: null });
    expect(await new AuditLog(store).verify()).toMatchObject({ ok: true, value: { first: 7, removed: 6, entries: 8, broken: null } });
    expect(await verifyExport(Readable.from([Buffer.from(await textOf(new AuditLog(store).exportJson()))]))).toMatchObject({
      ok: true,
      value: { first: 7, broken: null },
    });
    await store.write((t) => t.run('DELETE FROM weir_admin_audit WHERE sequence = 7'));
    expect(await brokenIn(store)).toBe('entry 7 is missing');
    expect(await store.write((t) => retain(t, { maxAge: -60_000, maxEntries: 1_000 }))).toMatchObject({
      ok: true,
      value: { sequence: 14 },
    });
    expect(await new AuditLog(store).verify()).toMatchObject({ ok: true, value: { first: 15, removed: 14, entries: 1, broken: null } });
    expect(await keep()).toEqual({ ok: true, value: null });
  });

  test('is held to its limits while the program runs, which logs the last entry as an anchor', async () => {
    const store = open();
    await write(store, [{}, {}, {}, {}]);
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => void lines.push(line) });
    const retention = new AuditRetention(store, { maxAge: 3_600_000, maxEntries: 3 }, log);
    retention.start();
    await retention.close();
    const head = await new AuditLog(store).verify();
    expect(head).toMatchObject({ ok: true, value: { first: 3, removed: 2, entries: 3, last: { sequence: 5 } } });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { event: 'audit_entries_removed', sequence: 2, entries: 2 },
      { event: 'audit_anchor', sequence: 5, hash: head.ok && head.value.last.hash },
    ]);
  });

  test('is exported in pieces, with filters as an extract', async () => {
    const store = open();
    const writer = writerOf(store);
    await Promise.all(Array.from({ length: 250 }, (_, i) => writer.record(auditRecord({ caller: { name: i % 2 === 0 ? 'ana' : 'bob' } }))));
    const log = new AuditLog(store);
    expect((await textOf(log.exportJson())).split('\n')).toHaveLength(252);
    const extract = await textOf(log.exportJson({ actor: 'ana' }));
    expect(extract.split('\n')).toHaveLength(127);
    expect(await verifyExport(Readable.from([Buffer.from(extract)]))).toEqual({
      ok: false,
      error: expect.stringContaining('has only the entries that a filter'),
    });
    const csv = await textOf(log.exportCsv({ actor: 'bob' }));
    expect(csv.trimEnd().split('\r\n')).toHaveLength(126);
    const last = await log.entry(250);
    expect(last.ok && last.value !== null && csv.endsWith(csvRow(last.value))).toBe(true);
  });
}
