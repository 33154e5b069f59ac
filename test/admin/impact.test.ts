// The impact of a change on the requests of the last hour, in `weir up`: real requests through a real proxy, replayed for a change.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { gateway, gatewayClass } from '../support/objects.ts';

let folder: string;
let port: number;
let weir: Child;
let ask: (body: object) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;

const rule = (value: string, backend: string, more: object = {}): object => ({
  matches: [{ path: { type: 'PathPrefix', value }, ...more }],
  backendRefs: [{ name: backend, port: 80 }],
});

function route(rules: readonly object[]): object {
  const metadata = { name: 'shop', namespace: 'default' };
  const spec = { parentRefs: [{ name: 'gw' }], hostnames: ['shop.example'], rules };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata, spec };
}

function service(name: string): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { ports: [{ name: 'http', port: 80 }] } };
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-impact-'));
  [port = 0] = await freePorts(1);
  const secret = rule('/', 'a', { headers: [{ name: 'x-secret-tenant', value: 'one' }] });
  const items = [
    gatewayClass(),
    gateway('gw', [{ name: 'http', port }]),
    service('a'),
    service('b'),
    route([rule('/cart', 'a'), rule('/orders', 'a'), secret]),
  ];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const flags = ['--access-log', 'off', '--store', 'off', '--admin-api-address', '127.0.0.1:0', '--recent-requests', 'all'];
  weir = new Child(['up', folder, ...flags]);
  await weir.printed(/serving; stop with/);
  const [, url = ''] = await weir.printed(/admin API on (http:\/\/127\.0\.0\.1:\d+)\/api\/v1\/docs/);
  const [, password = ''] = await weir.printed(/log in as admin with the password (\S+) \(/);
  const json = { 'content-type': 'application/json' };
  const login = await fetch(`${url}/api/v1/login`, { method: 'POST', headers: json, body: JSON.stringify({ user: 'admin', password }) });
  const { csrfToken } = (await login.json()) as { readonly csrfToken: string };
  const headers = { ...json, cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '', origin: url, 'weir-csrf-token': csrfToken };
  ask = async (body) => {
    const answer = await fetch(`${url}/api/v1/impact`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  for (const [target, times] of Object.entries({ '/cart/1': 3, '/orders?id=7': 2, '/other': 1 }))
    for (let i = 0; i < times; i++) await requested(target, {});
  await requested('/any', { 'x-secret-tenant': 'one' });
});

afterAll(async () => {
  await weir.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function requested(target: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const request = http.get({ host: '127.0.0.1', port, path: target, headers: { ...headers, host: 'shop.example' }, agent: false });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  answer.resume();
  await once(answer, 'close');
}

const CHANGED = { kind: 'HTTPRoute', namespace: 'default', name: 'shop', operation: 'replace' };

test('requests that go to another rule, to other backends, or to none, are counted with examples', async () => {
  const rules = [rule('/cart', 'b'), rule('/other', 'b')];
  const { status, body } = await ask({ changes: [{ ...CHANGED, object: route(rules) }] });
  expect({ status, body }).toMatchObject({ status: 200 });
  expect(body).toMatchObject({
    requests: 7,
    replayed: 6,
    // The header that decided is not in the line.
    unknown: 1,
    effects: { same: 0, 'other-rule': 0, 'other-backends': 3, refused: 2, accepted: 1 },
    ways: [
      {
        effect: 'other-backends',
        before: { route: 'HTTPRoute/default/shop/0', refusal: '' },
        after: { route: 'HTTPRoute/default/shop/0', refusal: '' },
        requests: 3,
        examples: [{ method: 'GET', host: 'shop.example', path: '/cart/1' }, { path: '/cart/1' }, { path: '/cart/1' }],
      },
      {
        effect: 'refused',
        after: { route: '', backends: '', refusal: 'no rule matches' },
        requests: 2,
        examples: [{ path: '/orders' }, {}],
      },
      { effect: 'accepted', before: { refusal: 'no rule matches' }, requests: 1, examples: [{ path: '/other' }] },
    ],
  });
});

test('a deleted route and another host refuse its requests; a change without effect has none', async () => {
  const deleted = await ask({ changes: [{ ...CHANGED, operation: 'delete' }] });
  expect(deleted.body).toMatchObject({ effects: { refused: 5, same: 1 } });
  const merge = { metadata: { labels: { team: 'shop' } } };
  const labelled = await ask({ changes: [{ ...CHANGED, operation: 'patch', merge }] });
  expect(labelled.body).toMatchObject({ effects: { same: 6, refused: 0 }, ways: [] });
  const refused = await ask({ changes: [{ ...CHANGED, operation: 'patch', merge: { spec: { rules: 7 } } }] });
  expect(refused).toMatchObject({ status: 422, body: { code: 'object-invalid' } });
});
