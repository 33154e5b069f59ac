// Authentication and headers to backends as clients and backends see them: `weir up` with a folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

const KEY = { 'x-api-key': 'k-alice-0123456789' };

let folder = '';
let port = 0;
let backend: http.Server;
let weir: Child;
/** The request that the backend saw last. */
let seen: { readonly url: string; readonly headers: http.IncomingHttpHeaders } = { url: '', headers: {} };

function basic(pair: string): http.OutgoingHttpHeaders {
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function get(headers: http.OutgoingHttpHeaders | readonly string[], url = '/'): Promise<http.IncomingMessage> {
  const request = http.get({ host: '127.0.0.1', port, path: url, headers, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response;
}

async function statusOf(headers: http.OutgoingHttpHeaders, url?: string): Promise<number | undefined> {
  return (await get(headers, url)).statusCode;
}

function consumer(disabled: boolean): string {
  return `
apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: alice, namespace: default }
spec: { groups: [customers], plan: gold, disabled: ${disabled}, credentials: [{ apiKey: { secretRef: { name: alice-key }, key: key } }] }
`;
}

function manifest(backendPort: number): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: g, namespace: default }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: ${port}, protocol: HTTP }] }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Backend
metadata: { name: app, namespace: default }
spec: { endpoints: [{ ip: 127.0.0.1, port: ${backendPort} }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app, namespace: default }
spec: { parentRefs: [{ name: g }], rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: app }] }] }
---
apiVersion: v1
kind: Secret
metadata: { name: alice-key, namespace: default }
stringData: { key: k-alice-0123456789 }
---
apiVersion: v1
kind: Secret
metadata: { name: staff, namespace: default }
stringData: { htpasswd: "bob:$2b$10$PS94oWTG59qNs2r6gBB25uU/APgQwXh.gDKD21y2ShlcmU.sHoQx6" }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication:
    anyOf:
      - apiKey: { from: [{ header: x-api-key }, { query: key }, { cookie: key }, { header: authorization, prefix: Bearer }] }
      - basic: { users: { secretRef: { name: staff }, key: htpasswd }, realm: Staff "only" }
  headersToBackend:
    - { name: x-consumer, value: principal.id }
    - { name: x-plan, value: principal.plan }
    - { name: x-team, value: 'principal.claims.team' }
`;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-authentication-'));
  const [own = 0, backendPort = 0] = await freePorts(2);
  port = own;
  backend = http.createServer(({ url = '', headers }, response) => {
    seen = { url, headers };
    response.end('ok');
  });
  backend.listen(backendPort, '127.0.0.1');
  await once(backend, 'listening');
  writeFileSync(path.join(folder, 'all.yaml'), manifest(backendPort));
  writeFileSync(path.join(folder, 'alice.yaml'), consumer(false));
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  backend.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a request without credentials gets 401 and every challenge', async () => {
  const { statusCode, rawHeaders } = await get({});
  const challenges = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'www-authenticate');
  expect([statusCode, challenges]).toEqual([401, ['ApiKey', 'Basic realm="Staff \\"only\\"", charset="UTF-8"']]);
});

describe('an API key is accepted, and removed,', () => {
  test.each([
    ['in a header', KEY, '/'],
    ['in the query', {}, '/?a=1&key=k-alice-0123456789&b=2'],
    ['in the query, with an escaped name', {}, '/?a=1&k%65y=k-alice-0123456789&b=2'],
    ['in a cookie', { cookie: 'a=1; key=k-alice-0123456789; b=2' }, '/'],
    ['in a header with a prefix', { authorization: 'bearer k-alice-0123456789' }, '/'],
  ])('%s', async (_, headers, url) => {
    expect(await statusOf(headers, url)).toBe(200);
    expect(seen.headers).toMatchObject({ 'x-consumer': 'alice', 'x-plan': 'gold' });
    expect(seen.headers).not.toHaveProperty('x-team');
    expect(JSON.stringify(seen)).not.toContain('k-alice');
    expect(seen.url).toBe(url === '/' ? '/' : '/?a=1&b=2');
  });
});

describe('credentials are refused with 401:', () => {
  test.each([
    ['a part of a key', { 'x-api-key': 'k-alice-012345678' }],
    ['a longer key', { 'x-api-key': 'k-alice-01234567890' }],
    ['a key and another in one header', { 'x-api-key': 'k-alice-0123456789, k-bob' }],
    ['a key in the wrong case', { 'x-api-key': 'K-ALICE-0123456789' }],
    ['a huge key', { 'x-api-key': 'k'.repeat(4_000) }],
    ['a wrong password', basic('bob:wrong')],
    ['an unknown user', basic('eve:secret')],
    ['an empty password', basic('bob:')],
    ['no user', basic(':secret')],
    ['no colon', basic('bob')],
    ['other bytes than UTF-8', { authorization: 'Basic Ym9iOv//' }],
    ['no base64', { authorization: 'Basic bob:secret' }],
    ['another scheme', { authorization: 'Negotiate YWJj' }],
  ])('%s', async (_, headers) => {
    expect(await statusOf(headers)).toBe(401);
  });
});

test('a wrong key does not keep a right password from being accepted', async () => {
  expect(await statusOf({ 'x-api-key': 'wrong', ...basic('bob:secret') })).toBe(200);
  expect(seen.headers).toMatchObject({ 'x-consumer': 'bob' });
  expect(seen.headers).not.toHaveProperty('x-api-key');
  expect(seen.headers).not.toHaveProperty('authorization');
});

test('an identity that a client claims never reaches the backend, in no spelling', async () => {
  const claims = ['X-Consumer', 'admin', 'X_Consumer', 'admin', 'x-plan', 'free', 'x_plan', 'free', 'x-team', 'admins', 'X_TEAM', 'admins'];
  expect((await get(['Host', 'a', ...Object.entries(KEY).flat(), ...claims])).statusCode).toBe(200);
  expect(seen.headers).toMatchObject({ 'x-consumer': 'alice', 'x-plan': 'gold' });
  expect(JSON.stringify(seen.headers)).not.toMatch(/admin|free/);
});

test('a disabled consumer is refused, and an enabled one accepted again', async () => {
  writeFileSync(path.join(folder, 'alice.yaml'), consumer(true));
  while ((await statusOf(KEY)) !== 401);
  writeFileSync(path.join(folder, 'alice.yaml'), consumer(false));
  while ((await statusOf(KEY)) !== 200);
});

test('an invalid policy of the Gateway refuses the requests until it is mended', async () => {
  const policy = (range: string): string => `
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: all, namespace: default }
spec: { targetRefs: [{ kind: Gateway, name: g }], ipAccess: { deny: [${range}] } }
`;
  writeFileSync(path.join(folder, 'deny.yaml'), policy('999.0.0.0/8'));
  while ((await statusOf(KEY)) !== 500);
  writeFileSync(path.join(folder, 'deny.yaml'), policy('192.0.2.0/24'));
  while ((await statusOf(KEY)) !== 200);
});
