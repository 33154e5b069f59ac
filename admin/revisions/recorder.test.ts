// What the recorder makes of changes by the API and by other programs, and what retention leaves, in real stores.
import { expect, test } from '@jest/globals';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { createLog } from '#lib/log.ts';
import { ok } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import type { ObservedObject, StoredObject } from '../configuration/configuration-store.ts';
import type { ChangeContext } from '../configuration/configuration-writer.ts';
import { RevisionRecorder } from './recorder.ts';
import { retain } from './retention.ts';
import { contentOf } from './revision.ts';
import { changedSince, contentAt, headOf, lastOf, record, select, setKnown } from './revision-table.ts';

const SILENT = createLog('silent');
const CART: ObjectRef = { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' };
const CERT: ObjectRef = { kind: 'Secret', namespace: 'shop', name: 'cert' };
const ANA = { caller: { kind: 'user', id: 'u1', name: 'ana' }, reason: 'sale', requestId: 'r1' } as unknown as ChangeContext;

function routeOf(team: string): JsonObject {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'cart', namespace: 'shop', labels: { team } } };
}

function stored(ref: ObjectRef, object: JsonObject, etag = JSON.stringify(object)): StoredObject {
  return { ref, object, etag, place: { file: 'shop.yaml', line: 1 } };
}

function seen(team: string | null, manager = ''): ObservedObject {
  return { ref: CART, manager, stored: team === null ? null : stored(CART, routeOf(team)) };
}

/** Records a change by ana. */
function change(recorder: RevisionRecorder, before: string | null, after: string | null) {
  const state = (team: string | null): StoredObject | null => (team === null ? null : stored(CART, routeOf(team)));
  return recorder.around(CART, ANA, () => Promise.resolve(ok({ ref: CART, before: state(before), after: state(after) })));
}

/** `revision actor reason team` of each revision of the route, the oldest first. */
async function history(store: Store): Promise<readonly string[]> {
  const lines = await store.read(async (t) => {
    const all = await select(t, { kind: 'HTTPRoute' }, null, 100);
    const contents = await Promise.all(all.map(({ hash }) => (hash === null ? Promise.resolve(null) : contentAt(t, hash))));
    return all.map(({ revision, actor, reason }, i) => {
      const { metadata } = (contents[i] ?? {}) as { readonly metadata?: { readonly labels: { readonly team: string } } };
      return [revision, actor.name, reason, metadata?.labels.team ?? 'gone'].join(' ').replaceAll('  ', ' ');
    });
  });
  return lines.ok ? lines.value.toReversed() : [lines.error];
}

const FOUND = 'found when the admin program began to look';

describeAdminStores({ revisions: testRevisions });

function testRevisions(open: OpenAdminStore): void {
  test('have the author of a change by the API, and the file of one by hand', async () => {
    const store = open();
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    recorder.synced([seen('a')], null);
    await change(recorder, 'a', 'b');
    recorder.changed([seen('b')]);
    recorder.changed([seen('c')]);
    await change(recorder, 'c', null);
    recorder.changed([seen(null)]);
    await recorder.close();
    expect(await history(store)).toEqual([`1 shop.yaml ${FOUND} a`, '2 ana sale b', '3 shop.yaml c', '4 ana sale gone']);
    expect(await store.read((t) => lastOf(t, CART))).toMatchObject({ ok: true, value: { origin: 'api', requestId: 'r1', hash: null } });
  });

  test('a change that is seen while the API changes the object is recorded in its order', async () => {
    const store = open();
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    recorder.synced([seen('a')], null);
    await recorder.around(CART, ANA, () => {
      recorder.changed([seen('c')]);
      return Promise.resolve(ok({ ref: CART, before: stored(CART, routeOf('b')), after: stored(CART, routeOf('c')) }));
    });
    await recorder.close();
    expect(await history(store)).toEqual([`1 shop.yaml ${FOUND} a`, '2 shop.yaml b', '3 ana sale c']);
  });

  test('what has changed while the program was away is found at its next start', async () => {
    const store = open();
    const first = new RevisionRecorder(store, 'kubernetes', SILENT);
    first.synced([seen('a', 'kubectl')], null);
    await first.close();
    const second = new RevisionRecorder(store, 'kubernetes', SILENT);
    second.synced([], null);
    await second.close();
    const third = new RevisionRecorder(store, 'kubernetes', SILENT);
    third.synced([seen('a', 'helm')], null);
    third.changed([seen('a', 'helm')]);
    await third.close();
    expect(await history(store)).toEqual([`1 kubectl ${FOUND} a`, `2 ${FOUND} gone`, `3 helm ${FOUND} a`]);
  });

  test('a refused change leaves none', async () => {
    const store = open();
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    recorder.synced([seen('a')], null);
    const refusal = { ok: false, error: { status: 409, code: 'file-changed', detail: 'no' } } as const;
    expect(await recorder.around(CART, ANA, () => Promise.resolve(refusal))).toEqual(refusal);
    await recorder.close();
    expect(await history(store)).toHaveLength(1);
  });

  test('Secrets are recorded without their data, and each change of it is a revision', async () => {
    const store = open();
    const secret = (data: string): JsonObject => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cert', namespace: 'shop', annotations: { note: data } } },
      data: { 'tls.key': data },
    });
    const see = (data: string): ObservedObject => ({ ref: CERT, manager: '', stored: stored(CERT, secret(data), `etag-${data}`) });
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    recorder.synced([see('aHVzaA==')], null);
    recorder.changed([see('aHVzaA==')]);
    await recorder.close();
    const next = new RevisionRecorder(store, 'folder', SILENT);
    next.synced([see('aHVzaA==')], null);
    const done = { ref: CERT, before: stored(CERT, secret('aHVzaA=='), 'x'), after: stored(CERT, secret('bmV3'), 'y') };
    await next.around(CERT, ANA, () => Promise.resolve(ok(done)));
    await next.close();
    const rows = await store.read(async (t) => [
      await select(t, {}, null, 10),
      await t.rows('SELECT content FROM weir_admin_revision_contents'),
    ]);
    expect(rows).toMatchObject({ ok: true, value: [[{ revision: 2, actor: { name: 'ana' } }, { revision: 1 }], [{}]] });
    expect(JSON.stringify(rows)).not.toMatch(/aHVzaA|bmV3/);
    expect(JSON.stringify(rows)).toContain('tls.key');
  });

  test('the state at a moment is what the later changes have changed', async () => {
    const store = open();
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    for (const [before, after] of [
      [null, 'a'],
      ['a', 'b'],
      ['b', null],
    ] as const)
      await change(recorder, before, after);
    await recorder.close();
    const statesAfter = async (revision: number) => {
      const states = await store.read((t) => changedSince(t, revision));
      return states.ok ? states.value.map(({ content }) => content) : states.error;
    };
    expect(await statesAfter(0)).toEqual([null]);
    expect(await statesAfter(2)).toEqual([contentOf(routeOf('b'))]);
    expect(await statesAfter(3)).toEqual([]);
  });

  test('retention removes what is out of force, and never the newest version of an object', async () => {
    const store = open();
    const base = { actor: { kind: 'program', id: '', name: 'x' }, reason: '', origin: 'folder', requestId: '', isCertain: false } as const;
    const write = (ref: ObjectRef, team: string | null) =>
      store.write((t) => record(t, [{ ...base, ref, content: team === null ? null : routeOf(team) }]));
    const pay = { ...CART, name: 'pay' };
    for (const team of ['a', 'b', 'c']) await write(CART, team);
    for (const team of ['a', null]) await write(pay, team);
    await store.write(setKnown);
    await store.write((t) => t.run('UPDATE weir_admin_revisions SET at = revision * 1000'));
    const keep = (maxEntries: number, maxAge = Number.MAX_SAFE_INTEGER) => store.write((t) => retain(t, { maxAge, maxEntries }));
    const left = async () => {
      const rows = await store.read((t) => select(t, {}, null, 10));
      return rows.ok ? rows.value.map(({ revision }) => revision) : [];
    };
    expect(await keep(3)).toEqual(ok(1));
    expect(await left()).toEqual([5, 4, 3, 2]);
    expect(await store.read((t) => t.rows('SELECT COUNT(*) AS count FROM weir_admin_revision_contents'))).toMatchObject({
      ok: true,
      value: [{ count: 3 }],
    });
    expect(await keep(1_000, 0)).toEqual(ok(3));
    expect(await left()).toEqual([3]);
    expect(await keep(1_000, 0)).toEqual(ok(0));
    const head = await store.read(headOf);
    expect(head.ok && head.value.knownSince > 0).toBe(true);
  });

  test('hostile texts are texts', async () => {
    const store = open();
    const hostile = "'; DROP TABLE weir_admin_revisions; --";
    const recorder = new RevisionRecorder(store, 'folder', SILENT);
    const object = { ...routeOf('\0\ud800'), [hostile]: hostile };
    const done = { ref: CART, before: null, after: stored(CART, object) };
    await recorder.around(CART, { ...ANA, reason: `${hostile}\0\ud800` }, () => Promise.resolve(ok(done)));
    await recorder.close();
    const last = await store.read(async (t) => [await select(t, { reason: 1, name: hostile } as never, null, 1), await lastOf(t, CART)]);
    expect(last).toMatchObject({ ok: true, value: [[], { reason: `${hostile}\ufffd\ufffd` }] });
  });
}
