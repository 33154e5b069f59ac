// Revisions of a folder through the API: changes by callers and by hand, differences with their effects, rollback of one object and of all.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { transferOperations } from '../../admin/backup/transfer-operations.ts';
import { ChangeSets } from '../../admin/configuration/change-sets.ts';
import { ConfigurationWriter } from '../../admin/configuration/configuration-writer.ts';
import { FolderStore } from '../../admin/configuration/folder-store.ts';
import { configurationArea } from '../../admin/configuration/operations.ts';
import { revisionArea } from '../../admin/revisions/operations.ts';
import { RevisionRecorder } from '../../admin/revisions/recorder.ts';
import { Revisions } from '../../admin/revisions/revisions.ts';
import { makeAdminStore } from '../../admin/store/admin-store.ts';
import { createLog } from '#lib/log.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';

const PERMISSIONS = ['configuration:read', 'configuration:write', 'revisions:read', 'revisions:rollback'] as const;
const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: 8080, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
`;
const route = (name: string, prefix: string): string => `# ${name} of the shop
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [ { name: edge } ]
  rules:
    - matches: [ { path: { type: PathPrefix, value: ${prefix} } } ]
      backendRefs: [ { name: ${name}, port: 80 } ]
`;
const SECRET = `apiVersion: v1
kind: Secret
metadata: { name: key, namespace: shop }
stringData: { key: hush }
`;

let folder: string;
let store: FolderStore;
let recorder: RevisionRecorder;
let api: TestApi;
let database: ReturnType<typeof makeAdminStore>;
const write = (name: string, text: string): Promise<void> => writeFile(path.join(folder, name), text);
const file = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'weir-revisions-'));
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  await rm(folder, { recursive: true });
  folder = await mkdtemp(path.join(os.tmpdir(), 'weir-revisions-'));
  await write('edge.yaml', GATEWAY);
  await write('cart.yaml', route('cart', '/cart'));
  database = makeAdminStore({ kind: 'sqlite', file: path.join(folder, '.weir', 'admin.sqlite') });
  store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
  recorder = new RevisionRecorder(database, 'folder', createLog('silent'));
  const writer = new ConfigurationWriter(store, recorder);
  const sets = new ChangeSets(store, writer);
  const transfer = { name: 'transfer', summary: '', operations: transferOperations(store, sets) };
  const areas = [configurationArea(store, writer), revisionArea(new Revisions(database, recorder), store, sets), transfer];
  api = await startAdminApi(areas, {
    ana: { permissions: PERMISSIONS },
    eve: { permissions: PERMISSIONS, namespace: 'other' },
  });
});
afterEach(async () => {
  await recorder.close();
  await store.close();
  await api[Symbol.asyncDispose]();
  await database.close();
});

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: Readonly<Record<string, never>> & {
    readonly items: readonly { readonly revision: number; readonly name: string }[];
    readonly refused: readonly unknown[];
    readonly code: string;
    readonly etag: string;
  };
}

async function call(method: string, at: string, body?: unknown, headers: Record<string, string> = {}, caller = 'ana'): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(`${api.url}/api/v1${at}`, {
    method,
    headers: { authorization: `Bearer ${caller}`, 'if-match': '*', 'weir-reason': 'sale', ...type, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    etag: answer.headers.get('etag') ?? '',
    body: JSON.parse((await answer.text()) || '{}') as Answer['body'],
  };
}

/** The revisions of an object, the newest first. */
async function revisionsOf(name: string) {
  return (await call('GET', `/revisions?name=${name}`)).body.items;
}

/** Resolves once an object has so many revisions. */
async function recorded(name: string, count: number): Promise<void> {
  while ((await revisionsOf(name)).length < count) await pause(10);
}

const patched = (prefix: string) => ({ json: [{ op: 'replace', path: '/spec/rules/0/matches/0/path/value', value: prefix }] });
const change = (prefix: string) => call('PATCH', '/configuration/HTTPRoute/shop/cart', patched(prefix));

test('each version has its author, its reason and its object', async () => {
  await recorder.start(store);
  await recorded('cart', 1);
  await change('/basket');
  await write('cart.yaml', route('cart', '/trolley'));
  await recorded('cart', 3);
  expect(await revisionsOf('cart')).toMatchObject([
    { origin: 'folder', actor: { kind: 'program', name: 'cart.yaml' }, reason: '' },
    { origin: 'api', actor: { kind: 'token', name: 'ana' }, reason: 'sale' },
    { origin: 'folder', reason: 'found when the admin program began to look' },
  ]);
  const [, second] = await revisionsOf('cart');
  const { body } = await call('GET', `/revisions/${second?.revision}`);
  expect(JSON.stringify(body)).toContain('"/basket"');
  expect((await call('GET', '/revisions?actor=ana&kind=HTTPRoute&namespace=shop&limit=1')).body.items).toHaveLength(1);
  expect((await call('GET', '/revisions?since=yesterday')).body).toMatchObject({ code: 'invalid-fields' });
  expect((await call('GET', '/revisions?namespace=shop', undefined, {}, 'eve')).status).toBe(403);
  expect((await call('GET', `/revisions/${second?.revision}`, undefined, {}, 'eve')).body).toMatchObject({ code: 'revision-unknown' });
});

test('differences have fields and effects', async () => {
  await recorder.start(store);
  await recorded('cart', 1);
  await change('/basket');
  await change('/trolley');
  const [third, second, first] = await revisionsOf('cart');
  const between = await call('GET', `/revisions/${first?.revision}/diff?to=${second?.revision}`);
  const field = 'spec.rules[0].matches[0].path.value';
  expect(between.body).toMatchObject({
    fields: [{ path: field, before: '/cart', after: '/basket' }],
    effects: { resources: [{ kind: 'Route', change: 'changed' }], listeners: ['shop/edge/http'] },
  });
  expect((await call('GET', `/revisions/${first?.revision}/diff`)).body).toMatchObject({
    to: null,
    fields: [{ path: field, before: '/cart', after: '/trolley' }],
    effects: { resources: [{ kind: 'Route', change: 'changed' }] },
  });
  expect((await call('GET', `/revisions/${third?.revision}/diff`)).body).toMatchObject({ fields: [], effects: { resources: [] } });
  const [edge] = await revisionsOf('edge');
  expect((await call('GET', `/revisions/${edge?.revision}/diff?to=${first?.revision}`)).body).toMatchObject({
    code: 'revisions-of-two-objects',
  });
});

test('an object goes back to a revision, with the comments of its file', async () => {
  await recorder.start(store);
  await recorded('cart', 1);
  await change('/basket');
  const [, first] = await revisionsOf('cart');
  const at = `/revisions/${first?.revision}/rollback`;
  const { body: now } = await call('GET', '/configuration/HTTPRoute/shop/cart');
  expect((await call('POST', at, {}, { 'if-match': '"stale"' })).body).toMatchObject({ code: 'changed-meanwhile', currentETag: now.etag });
  expect((await call('POST', at, {}, {}, 'eve')).body).toMatchObject({ code: 'revision-unknown' });
  expect((await call('POST', at, { dryRun: true })).body).toMatchObject({ dryRun: true, objects: [{ change: 'changed' }], refused: [] });
  expect(await file('cart.yaml')).toContain('/basket');
  expect((await call('POST', at, {}, { 'if-match': `"${now.etag}"` })).body).toMatchObject({
    dryRun: false,
    listeners: ['shop/edge/http'],
  });
  expect(await file('cart.yaml')).toBe(route('cart', '/cart'));
  expect(await revisionsOf('cart')).toMatchObject([{ origin: 'api', reason: 'sale' }, {}, {}]);
  expect(api.auditor.entries.at(-1)).toMatchObject({
    operation: 'revisions.rollback',
    changes: [{ object: 'HTTPRoute/shop/cart', before: { kind: 'HTTPRoute' }, after: { kind: 'HTTPRoute' } }],
  });
});

test('all objects go back to a moment: changed, deleted and new ones', async () => {
  await write('pay.yaml', route('pay', '/pay'));
  await recorder.start(store);
  await recorded('pay', 1);
  const { items } = (await call('GET', '/revisions')).body;
  const revision = items[0]?.revision;
  await change('/basket');
  await call('DELETE', '/configuration/HTTPRoute/shop/pay');
  await write('search.yaml', route('search', '/search'));
  await recorded('search', 1);
  const tried = await call('POST', '/rollbacks', { revision, dryRun: true });
  expect(tried.body).toMatchObject({
    objects: [
      { ref: { name: 'cart' }, change: 'changed' },
      { ref: { name: 'pay' }, change: 'created' },
      { ref: { name: 'search' }, change: 'deleted' },
    ],
    refused: [],
  });
  const seenByEve = await call('POST', '/rollbacks', { revision, dryRun: true }, {}, 'eve');
  expect(seenByEve.body).toMatchObject({ objects: [], refused: [] });
  expect((await call('POST', '/rollbacks', { revision, namespaces: ['shop'] }, {}, 'eve')).status).toBe(403);
  await change('/trolley');
  expect((await call('POST', '/rollbacks', { revision }, { 'if-match': tried.etag })).body).toMatchObject({ code: 'changed-meanwhile' });
  expect((await call('POST', '/rollbacks', { revision })).body).toMatchObject({ dryRun: false });
  expect(await file('cart.yaml')).toBe(route('cart', '/cart'));
  expect(await file('httproute.shop.pay.yaml')).toContain('/pay');
  await expect(file('search.yaml')).rejects.toThrow('ENOENT');
  expect((await call('POST', '/rollbacks', { revision, dryRun: true })).body).toMatchObject({ objects: [] });
});

test('an object that cannot go back is named, and stops the rest unless it is left out', async () => {
  await write('key.yaml', SECRET);
  await recorder.start(store);
  await recorded('key', 1);
  const revision = (await call('GET', '/revisions')).body.items[0]?.revision;
  await call('PATCH', '/configuration/Secret/shop/key', { merge: { stringData: { key: 'other' } } });
  await change('/basket');
  const refused = await call('POST', '/rollbacks', { revision });
  expect(refused).toMatchObject({ status: 409, body: { code: 'rollback-refused', errors: [{ field: 'Secret/shop/key' }] } });
  expect(await file('cart.yaml')).toContain('/basket');
  const done = await call('POST', '/rollbacks', { revision, skipRefused: true });
  expect(done.body).toMatchObject({ refused: [{ ref: { name: 'key' }, code: 'secret-not-kept' }], objects: [{ ref: { name: 'cart' } }] });
  expect(await file('cart.yaml')).toBe(route('cart', '/cart'));
  expect(JSON.stringify([refused, done, (await call('GET', '/revisions')).body])).not.toMatch(/hush|"other"/);
});

test('a moment that is not known is refused', async () => {
  await recorder.start(store);
  await recorded('cart', 1);
  expect((await call('POST', '/rollbacks', { time: '2001-01-01T00:00:00Z' })).body).toMatchObject({ code: 'moment-unknown' });
  expect((await call('POST', '/rollbacks', { revision: 1 })).body).toMatchObject({ code: 'moment-unknown' });
  expect((await call('POST', '/rollbacks', { revision: 99 })).body).toMatchObject({ code: 'revision-unknown' });
  expect((await call('POST', '/rollbacks', {})).body).toMatchObject({ code: 'invalid-fields' });
  expect((await call('POST', '/rollbacks', { revision: 1, time: '2026-01-01T00:00:00Z' })).body).toMatchObject({ code: 'invalid-fields' });
});

/** Sends a file of YAML. */
async function importFile(text: string, query = '', caller = 'ana') {
  const headers = { authorization: `Bearer ${caller}`, 'content-type': 'application/yaml' };
  const answer = await fetch(`${api.url}/api/v1/configuration-import${query}`, { method: 'POST', headers, body: text });
  return { status: answer.status, body: (await answer.json()) as unknown };
}

test('the configuration is exported as YAML without Secrets, and imported as a whole', async () => {
  await write('key.yaml', SECRET);
  const exported = await (await fetch(`${api.url}/api/v1/configuration-export`, { headers: { authorization: 'Bearer ana' } })).text();
  expect(exported.split('---\n').slice(1)).toHaveLength(3);
  expect(exported).not.toMatch(/Secret|hush/);
  expect((await call('GET', '/configuration-export', undefined, {}, 'eve')).status).toBe(403);
  await write('cart.yaml', route('cart', '/trolley'));
  const tried = await importFile(exported, '?dryRun=true');
  expect(tried).toMatchObject({
    status: 200,
    body: { dryRun: true, objects: [{ ref: { name: 'cart' }, change: 'changed' }], refused: [] },
  });
  expect(await file('cart.yaml')).toContain('/trolley');
  expect(await importFile([exported, route('pay', '/pay'), SECRET.replace('hush', 'new')].join('---\n'))).toMatchObject({ status: 200 });
  expect(await file('cart.yaml')).toBe(route('cart', '/cart'));
  expect(await file('httproute.shop.pay.yaml')).toContain('/pay');
  expect(await file('key.yaml')).toContain('new');
});

test('an import with a mistake, another kind or an object of another namespace changes nothing', async () => {
  const right = route('cart', '/other');
  const attempts = [
    `${right}---\nkind: [`,
    `${right}---\n${route('pay', '/pay').replace('rules:', 'rule:')}`,
    `${right}---\napiVersion: v1\nkind: Pod\nmetadata: { name: x }\n`,
  ];
  for (const attempt of attempts) expect(await importFile(attempt)).toMatchObject({ status: 422, body: { code: 'import-invalid' } });
  expect(await importFile(right, '', 'eve')).toMatchObject({ status: 403, body: { code: 'permission-needed' } });
  expect(await importFile(`a: &a [x]\n${'b: [*a, *a]\n'.repeat(3)}`)).toMatchObject({ status: 422 });
  expect((await call('POST', '/configuration-import', {})).status).toBe(415);
  expect(await file('cart.yaml')).toBe(route('cart', '/cart'));
});
