// Transformations tried on a sample by the admin API, with the configuration of a folder and with changes of it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FolderStore } from '../../admin/configuration/folder-store.ts';
import { trialArea } from '../../admin/trial/operation.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';

const OBJECTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw, namespace: shop }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: 8080, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app, namespace: shop }
spec:
  parentRefs: [{ name: gw }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /v1 } }]
      filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { remove: [x-debug] } }]
---
apiVersion: gateway.weir.dev/v1alpha1
kind: HTTPPolicy
metadata: { name: users, namespace: shop }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  request:
    path: { match: "^/v1/users/(.+)$", replace: "/accounts/$1" }
    headers: { set: [{ name: x-caller, value: principal.id }, { name: x-tenant, value: 'principal.claims.tenant' }] }
    body: { remove: [/debug] }
  response:
    status: [{ when: response.status == 500, to: 502 }]
    body: { set: [{ path: /user, value: "path.captures[1]" }] }
`;
const JSON_TYPE = { name: 'Content-Type', value: 'application/json' };
const REQUEST = {
  ...{ url: 'http://shop.example:8080/v1/users/7?x=1', method: 'POST', body: '{"a":1,"debug":true}' },
  headers: [JSON_TYPE, { name: 'X-Debug', value: 'yes' }, { name: 'x-caller', value: 'forged' }],
};

let folder: string;
let store: FolderStore;
let api: TestApi;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-trials-'));
  writeFileSync(path.join(folder, 'all.yaml'), OBJECTS);
  store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller' });
  api = await startAdminApi([trialArea(store)], {
    ann: { permissions: ['configuration:read'] },
    tenant: { permissions: ['configuration:read'], namespace: 'shop' },
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await store.close();
  rmSync(folder, { recursive: true });
});

async function tried(body: object, caller = 'ann'): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${caller}`, 'content-type': 'application/json' };
  const answer = await fetch(`${api.url}/api/v1/trials`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('the rule and its policy change a request and the answer to it', async () => {
  const { status, body } = await tried({
    request: REQUEST,
    principal: { id: 'ann', claims: { tenant: 'north' } },
    answer: { status: 500, headers: [JSON_TYPE], body: '{"b":2}' },
  });
  expect({ status, body }).toMatchObject({ status: 200, body: { route: 'HTTPRoute/shop/app/0', refusal: null } });
  const { request, answer } = body as Record<'request' | 'answer', { readonly before: object; readonly after: object }>;
  expect(request.before).toMatchObject({ line: 'POST /v1/users/7?x=1', body: '{"a":1,"debug":true}' });
  expect(request.after).toMatchObject({ line: 'POST /accounts/7?x=1', body: '{"a":1}' });
  const { headers } = request.after as { readonly headers: readonly { readonly name: string; readonly value: string }[] };
  expect(Object.fromEntries(headers.map(({ name, value }) => [name, value]))).toMatchObject({ 'x-caller': 'ann', 'x-tenant': 'north' });
  expect(headers.map(({ name }) => name)).not.toContain('x-debug');
  expect(answer).toMatchObject({ before: { line: '500', body: '{"b":2}' }, after: { line: '502', body: '{"b":2,"user":"7"}' } });
});

test('changes are tried before they are made, and change nothing', async () => {
  const changes = [
    {
      ...{ operation: 'patch', kind: 'HTTPPolicy', namespace: 'shop', name: 'users' },
      merge: { spec: { request: { body: null, headers: { set: [{ name: 'x-new', value: "'yes'" }] } } } },
    },
  ];
  const line = { line: 'POST /accounts/7?x=1' };
  const changed = await tried({ request: REQUEST, changes });
  expect(changed.body['request']).toMatchObject({ after: { ...line, body: '{"a":1,"debug":true}' } });
  expect(JSON.stringify(changed.body['request'])).toContain('{"name":"x-new","value":"yes"}');
  const now = await tried({ request: REQUEST });
  expect(now.body['request']).toMatchObject({ after: { ...line, body: '{"a":1}' } });
  const invalid = await tried({ request: REQUEST, changes: [{ ...changes[0], merge: { spec: { request: { path: 7 } } } }] });
  expect(invalid).toMatchObject({ status: 422, body: { code: 'object-invalid' } });
});

test('a request that no rule gets, or that the policy refuses, says so', async () => {
  expect(await tried({ request: { url: 'http://shop.example:8080/other' } })).toMatchObject({
    status: 200,
    body: { route: null, request: null },
  });
  expect(await tried({ request: { ...REQUEST, body: '{"a":' } })).toMatchObject({
    status: 200,
    body: { route: 'HTTPRoute/shop/app/0', answer: null, refusal: { status: 400 } },
  });
});

test.each([
  ['a URL without a scheme', { url: '/v1' }],
  ['a path that leaves the root', { url: 'http://a:8080/../../etc/passwd' }],
  ['CONNECT', { ...REQUEST, method: 'CONNECT' }],
  ['a header with a line break', { ...REQUEST, headers: [{ name: 'a', value: 'b\r\nc: d' }] }],
  ['a name of a header with a colon', { ...REQUEST, headers: [{ name: 'a:', value: 'b' }] }],
  ['an address that is none', { ...REQUEST, from: 'localhost' }],
  ['a body without end', { ...REQUEST, body: 'a'.repeat(70_000) }],
])('refuses %s', async (_, request) => {
  expect((await tried({ request })).status).toBe(400);
});

test('members with special names do not reach the prototype', async () => {
  const claims = JSON.parse('{"__proto__":{"polluted":true},"tenant":"north"}') as object;
  expect((await tried({ request: REQUEST, principal: { id: 'a', claims } })).status).toBe(400);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('a caller of one namespace learns nothing of the configuration of others', async () => {
  expect(await tried({ request: REQUEST }, 'tenant')).toMatchObject({ status: 403, body: { code: 'permission-needed' } });
});
