// The verification of an export finds the first entry that was changed, removed, inserted, moved or cut off.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { chainOf, facts } from '../../test/support/audit-entries.ts';
import { GENESIS, REMOVAL, type AuditEntry, type ChainPlace } from './entry.ts';
import { entryLine, headerLine, verifyExport } from './exported-log.ts';

const ENTRIES = chainOf([
  ...Array.from({ length: 6 }, () => facts()),
  facts({ outcome: 'refused', code: 'permission-missing', reason: 'tëst \u{1f600} \ufffd', changes: [] }),
  facts({ namespace: 'shop', changes: [{ object: 'HTTPRoute/shop/cart', before: null, after: { spec: { weight: 1.5 } } }] }),
]);

const textOf = (entries: readonly AuditEntry[], from: ChainPlace = GENESIS, to: ChainPlace = entries.at(-1) ?? from) =>
  headerLine({ from, to }) + entries.map(entryLine).join('');

const check = (text: string | Buffer, anchors = new Map<number, string>()) => verifyExport(Readable.from([Buffer.from(text)]), anchors);

/** The fault of an export, as text; null: none. */
async function faultOf(text: string | Buffer, anchors?: Map<number, string>): Promise<string | null> {
  const report = await check(text, anchors);
  return report.ok ? (report.value.broken?.reason ?? null) : report.error;
}

describe('an export', () => {
  test('is whole, however its bytes arrive', async () => {
    const bytes = Buffer.from(textOf(ENTRIES));
    const whole = { ok: true, value: { entries: 8, first: 1, last: { sequence: 8, hash: ENTRIES[7]!.hash }, removed: null, broken: null } };
    for (const size of [1, 7, 1_000, bytes.length]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      expect(await verifyExport(Readable.from(parts))).toEqual(whole);
    }
  });

  test('may have no entries', async () => {
    expect(await check(textOf([]))).toMatchObject({ ok: true, value: { entries: 0, first: null, broken: null } });
  });

  test('with a changed entry is broken there, also if the hash of this entry is computed again', async () => {
    const changed = ENTRIES.map((entry) => (entry.sequence === 4 ? { ...entry, reason: 'another' } : entry));
    expect(await faultOf(textOf(changed))).toBe('entry 4 was changed: its content does not have its hash');
    const [again] = chainOf([{ ...facts(), reason: 'another' }], ENTRIES[2]);
    const replaced = ENTRIES.map((entry) => (entry.sequence === 4 ? again! : entry));
    expect(await faultOf(textOf(replaced))).toBe('entry 5 does not follow its predecessor: one of both was replaced');
  });

  test('without some entries is broken at the first of them', async () => {
    expect(await faultOf(textOf(ENTRIES.filter(({ sequence }) => sequence !== 3)))).toBe('entry 3 is missing');
    expect(await faultOf(textOf(ENTRIES.filter(({ sequence }) => sequence > 2)))).toBe('entries 1 to 2 are missing');
    expect(await faultOf(textOf(ENTRIES.slice(0, 6), GENESIS, ENTRIES[7]))).toBe('entries 7 to 8 are missing');
  });

  test('with an inserted, a repeated or a moved entry is broken there', async () => {
    const twice = ENTRIES.flatMap((entry) => (entry.sequence === 5 ? [entry, entry] : [entry]));
    expect(await faultOf(textOf(twice))).toBe('entry 5 was inserted, or stands behind entry 5');
    const [a, b, c, ...rest] = ENTRIES;
    expect(await faultOf(textOf([a!, c!, b!, ...rest]))).toBe('entry 2 is missing');
    const more = chainOf([facts()], ENTRIES.at(-1));
    expect(await faultOf(textOf([...ENTRIES, ...more], GENESIS, ENTRIES.at(-1)))).toBe('entry 9 was added behind the end of the chain');
  });

  test('that was forged from some entry on is broken at the anchor', async () => {
    const anchors = new Map([[6, ENTRIES[5]!.hash]]);
    expect(await faultOf(textOf(ENTRIES), anchors)).toBeNull();
    const forged = [
      ...ENTRIES.slice(0, 3),
      ...chainOf(
        Array.from({ length: 5 }, () => facts()),
        ENTRIES[2],
      ),
    ];
    expect(await faultOf(textOf(forged))).toBeNull();
    expect(await faultOf(textOf(forged), anchors)).toBe(`entry 6 was replaced: it had the hash ${ENTRIES[5]!.hash}`);
    expect(await faultOf(textOf(ENTRIES.slice(0, 4)), anchors)).toBe('entries 5 to 6 are missing');
  });

  test('that begins late needs the entry about the removal of the earlier ones', async () => {
    const late = ENTRIES.slice(3);
    expect(await faultOf(textOf(late, ENTRIES[2]))).toBe('entries 1 to 3 are missing');
    const { sequence, hash } = ENTRIES[2]!;
    const told = facts({ operation: REMOVAL, changes: [{ object: 'audit/entries', before: null, after: { sequence, hash, entries: 3 } }] });
    const all = [...late, ...chainOf([told], ENTRIES.at(-1))];
    expect(await check(textOf(all, ENTRIES[2]))).toMatchObject({ ok: true, value: { entries: 6, first: 4, removed: 3, broken: null } });
    expect(await faultOf(textOf(all.slice(1), ENTRIES[3]))).toBe('entry 4 is missing');
  });

  test('is told from other files', async () => {
    expect(await faultOf('')).toBe('is empty');
    expect(await faultOf('{"a":1}\n')).toMatch('is no export of the audit log');
    expect(await faultOf('\u0000\u0000\n')).toMatch('is no export of the audit log');
    expect(await faultOf('{"auditLog":2}\n')).toMatch('has format 2, and this release reads format 1: use a later release');
    expect(await faultOf(textOf(ENTRIES) + '['.repeat(1_000_000) + '\n')).toMatch('entry 9 was changed');
    expect(await faultOf(Buffer.concat([Buffer.from(textOf(ENTRIES)), Buffer.alloc(10_000_000, 'a')]))).toMatch('entry 9 was changed');
  });
});

test('any single change of an export is found', async () => {
  const bytes = Buffer.from(textOf(ENTRIES));
  const place = fc.nat({ max: bytes.length - 1 });
  const edit = fc.oneof(
    fc.record({ at: place, cut: fc.constant(1), put: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
    fc.record({ at: place, cut: fc.constant(0), put: fc.uint8Array({ minLength: 1, maxLength: 5 }) }),
    fc.record({ at: place, cut: fc.integer({ min: 1, max: 400 }), put: fc.constant(new Uint8Array()) }),
    fc.record({ at: place, cut: fc.constant(bytes.length), put: fc.constant(new Uint8Array()) }),
  );
  await fc.assert(
    fc.asyncProperty(edit, async ({ at, cut, put }) => {
      const edited = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
      fc.pre(!edited.equals(bytes));
      expect(await faultOf(edited)).not.toBeNull();
    }),
    { numRuns: 800 },
  );
});

test('any change of whole lines of an export is found', async () => {
  const lines = textOf(ENTRIES).split(/(?<=\n)/);
  const order = fc.array(fc.nat({ max: lines.length - 1 }), { maxLength: lines.length + 2 });
  await fc.assert(
    fc.asyncProperty(order, async (places) => {
      const edited = places.map((at) => lines[at]).join('');
      fc.pre(edited !== lines.join(''));
      expect(await faultOf(edited)).not.toBeNull();
    }),
    { numRuns: 200 },
  );
});
