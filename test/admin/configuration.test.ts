// The operations on configuration, over HTTP, on a real folder: success, rights, bad input, unknown names, concurrent writes, Secrets.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { configurationArea } from '../../admin/configuration/operations.ts';
import { ConfigurationWriter } from '../../admin/configuration/configuration-writer.ts';
import { FolderStore } from '../../admin/configuration/folder-store.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';

const PERMISSIONS = ['configuration:read', 'configuration:write'] as const;
const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-configuration-'));
const store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
let api: TestApi;

beforeAll(async () => {
  api = await startAdminApi([configurationArea(store, new ConfigurationWriter(store, { around: (_ref, _context, apply) => apply() }))], {
    admin: { permissions: PERMISSIONS },
    shop: { permissions: PERMISSIONS, namespace: 'shop' },
    viewer: { permissions: ['configuration:read'] },
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await store.close();
  rmSync(folder, { recursive: true });
});

const FILE = `# Kept.
apiVersion: v1
kind: ConfigMap
metadata: { name: page, namespace: shop }
data: { title: Shop } # shown
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
  namespace: shop
  annotations: { kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"token":"hush-hush"}}' }
stringData: { token: hush-hush }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other, namespace: bank }
data: { x: "1" }
`;

beforeEach(() => {
  for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
  writeFileSync(path.join(folder, 'shop.yaml'), FILE);
  api.auditor.entries.length = 0;
});

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly text: string;
  // The form of an answer is what the tests are about.
  readonly body: Readonly<Record<string, unknown>>;
}

interface Call {
  readonly caller?: string | null;
  readonly body?: unknown;
  readonly ifMatch?: string;
}

async function call(method: string, target: string, { caller = 'admin', body, ifMatch }: Call = {}): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (caller !== null) headers['authorization'] = `Bearer ${caller}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (ifMatch !== undefined) headers['if-match'] = ifMatch;
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${api.url}/api/v1${target}`, init);
  const text = await answer.text();
  const parsed = text === '' ? {} : (JSON.parse(text) as Answer['body']);
  return { status: answer.status, etag: answer.headers.get('etag'), text, body: parsed };
}

function fileText(): string {
  return readFileSync(path.join(folder, 'shop.yaml'), 'utf8');
}

const PAGE = '/configuration/ConfigMap/shop/page';
const NEW = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, data: { a: 'b' } };

test('an object is read, changed in place with its ETag, and deleted; each change has its audit entry', async () => {
  const read = await call('GET', PAGE);
  expect(read.body).toMatchObject({ object: { data: { title: 'Shop' } }, place: { file: 'shop.yaml', line: 2 } });
  const patched = await call('PATCH', PAGE, { ifMatch: read.etag ?? '', body: { merge: { data: { title: 'Store' } } } });
  expect([patched.status, fileText()]).toEqual([200, FILE.replace('title: Shop', 'title: Store')]);
  const late = await call('PATCH', PAGE, { ifMatch: read.etag ?? '', body: { merge: { data: { title: 'Late' } } } });
  expect(late).toMatchObject({ status: 412, body: { code: 'changed-meanwhile', currentETag: patched.body['etag'] } });
  expect((await call('DELETE', PAGE, { ifMatch: patched.etag ?? '' })).status).toBe(204);
  expect((await call('GET', PAGE)).status).toBe(404);
  expect(api.auditor.entries.map(({ operation, status, changes }) => [operation, status, changes.map(({ object }) => object)])).toEqual([
    ['configuration.patch', 200, ['ConfigMap/shop/page']],
    ['configuration.patch', 412, []],
    ['configuration.delete', 204, ['ConfigMap/shop/page']],
  ]);
  expect(api.auditor.entries[0]?.changes[0]).toMatchObject({ before: { data: { title: 'Shop' } }, after: { data: { title: 'Store' } } });
});

test('an object is created in a file of its own, and replaced', async () => {
  const created = await call('POST', '/configuration/ConfigMap/shop', { body: { object: NEW } });
  expect([created.status, readdirSync(folder).sort()]).toEqual([201, ['configmap.shop.new.yaml', 'shop.yaml']]);
  const again = await call('POST', '/configuration/ConfigMap/shop', { body: { object: NEW } });
  expect([again.status, again.body['code']]).toEqual([409, 'object-exists']);
  const target = '/configuration/ConfigMap/shop/new';
  expect((await call('PUT', target, { body: { object: NEW } })).status).toBe(428);
  const replaced = await call('PUT', target, { ifMatch: created.etag ?? '', body: { object: { ...NEW, data: { a: 'c' } } } });
  expect(replaced.body).toMatchObject({ object: { data: { a: 'c' } } });
});

test('lists have pages and selectors', async () => {
  const first = await call('GET', '/configuration/ConfigMap?limit=1');
  expect(first.body['items']).toMatchObject([{ object: { metadata: { name: 'other' } } }]);
  const rest = await call('GET', `/configuration/ConfigMap?limit=1&cursor=${String(first.body['next'])}`);
  expect(rest.body).toMatchObject({ items: [{ object: { metadata: { name: 'page' } } }], next: null });
  expect((await call('GET', '/configuration/ConfigMap?labelSelector=a%20like%20b')).status).toBe(400);
  expect((await call('GET', '/configuration/ConfigMap?labelSelector=a%3Db')).body['items']).toEqual([]);
});

describe('rights', () => {
  test.each([
    ['GET', PAGE, undefined],
    ['GET', '/configuration/ConfigMap', undefined],
    ['GET', '/configuration', undefined],
    ['POST', '/configuration/ConfigMap/shop', { object: NEW }],
    ['PUT', PAGE, { object: NEW }],
    ['PATCH', PAGE, { merge: {} }],
    ['DELETE', PAGE, undefined],
    ['POST', '/dry-runs', { changes: [] }],
  ])('%s %s needs credentials', async (method, target, body) => {
    expect((await call(method, target, { caller: null, ifMatch: '*', body })).status).toBe(401);
  });

  test.each([
    ['shop', 'GET', '/configuration/ConfigMap/bank/other', undefined],
    ['shop', 'GET', '/configuration/ConfigMap', undefined],
    ['shop', 'GET', '/configuration/ConfigMap?namespace=bank', undefined],
    ['shop', 'GET', '/configuration/GatewayClass/-/weir', undefined],
    ['shop', 'DELETE', '/configuration/ConfigMap/bank/other', undefined],
    ['shop', 'POST', '/configuration/ConfigMap/bank', { object: NEW }],
    ['viewer', 'POST', '/configuration/ConfigMap/shop', { object: NEW }],
    ['viewer', 'DELETE', PAGE, undefined],
  ])('%s may not %s %s', async (caller, method, target, body) => {
    expect((await call(method, target, { caller, ifMatch: '*', body })).status).toBe(403);
    expect([fileText(), readdirSync(folder)]).toEqual([FILE, ['shop.yaml']]);
  });

  test('a namespace in the body does not lead out of that of the path', async () => {
    const object = { ...NEW, metadata: { name: 'new', namespace: 'bank' } };
    const created = await call('POST', '/configuration/ConfigMap/shop', { caller: 'shop', body: { object } });
    const patched = await call('PATCH', PAGE, { caller: 'shop', ifMatch: '*', body: { merge: { metadata: { namespace: 'bank' } } } });
    const changes = [{ operation: 'delete', kind: 'ConfigMap', namespace: 'bank', name: 'other' }];
    const tried = await call('POST', '/dry-runs', { caller: 'shop', body: { changes } });
    expect([created, patched, tried].map(({ status }) => status)).toEqual([422, 422, 403]);
    expect(readdirSync(folder)).toEqual(['shop.yaml']);
  });

  test('a dry run tells a caller nothing about other namespaces', async () => {
    const gateway = `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge, namespace: bank }\nspec:\n  gatewayClassName: weir\n  listeners:\n    - { name: http, port: 8080, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }\n`;
    const gatewayClass =
      'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }\n';
    writeFileSync(path.join(folder, 'edge.yaml'), `${gatewayClass}---\n${gateway}`);
    const object = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'r' },
      spec: { parentRefs: [{ name: 'edge', namespace: 'bank' }], rules: [{ matches: [{ path: { value: '/r' } }] }] },
    };
    const changes = [{ operation: 'create', kind: 'HTTPRoute', namespace: 'shop', name: 'r', object }];
    const [all, own] = [
      await call('POST', '/dry-runs', { body: { changes } }),
      await call('POST', '/dry-runs', { caller: 'shop', body: { changes } }),
    ];
    expect(all.body).toMatchObject({ resources: [{ kind: 'Route', change: 'added' }], objects: [{ change: 'created' }] });
    expect(all.body['listeners']).toHaveLength(1);
    expect(own.body['listeners']).toEqual([]);
    expect((own.body['conditions'] as { ref: { namespace: string } }[]).every(({ ref }) => ref.namespace === 'shop')).toBe(true);
  });
});

describe('Secrets', () => {
  test('come without data, annotations and audit entries of them', async () => {
    const target = '/configuration/Secret/shop/keys';
    const answers = [
      await call('GET', target),
      await call('GET', '/configuration/Secret'),
      await call('PATCH', target, { ifMatch: '*', body: { merge: { metadata: { labels: { a: 'b' } } } } }),
      await call('PATCH', target, { ifMatch: '*', body: { merge: { type: 7 } } }),
      await call('PATCH', target, { ifMatch: '*', body: { json: [{ op: 'test', path: '/stringData/token', value: 'guess' }] } }),
      await call('POST', '/dry-runs', {
        body: {
          changes: [{ operation: 'patch', kind: 'Secret', namespace: 'shop', name: 'keys', merge: { stringData: { token: null } } }],
        },
      }),
      await call('DELETE', target, { ifMatch: '*' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 422, 422, 200, 204]);
    expect(answers[0]?.body).toMatchObject({ entries: ['token'], object: { metadata: { name: 'keys' } } });
    const leaked = [...answers.map(({ text }) => text), JSON.stringify(api.auditor.entries), ...api.log].join('\n');
    expect(leaked).not.toContain('hush');
  });
});

test('a body with another form, and a change that is not valid, are refused field by field', async () => {
  const both = await call('PATCH', PAGE, { ifMatch: '*', body: { merge: {}, json: [] } });
  expect(both.status).toBe(400);
  expect((await call('PATCH', PAGE, { ifMatch: '*', body: { merge: {}, extra: 1 } })).status).toBe(400);
  expect((await call('GET', '/configuration/Pod/shop/page')).status).toBe(404);
  const invalid = await call('PATCH', PAGE, { ifMatch: '*', body: { merge: { data: { title: 5 } } } });
  expect(invalid).toMatchObject({ status: 422, body: { code: 'object-invalid', errors: [{ field: 'data.title' }] } });
  expect(
    (await call('POST', '/configuration/ConfigMap/shop', { body: { object: { ...NEW, data: { a: 'x'.repeat(1_200_000) } } } })).status,
  ).toBe(413);
});
