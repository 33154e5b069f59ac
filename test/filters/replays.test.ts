// A signature counts once for all workers of a proxy: `weir up` with worker processes of its own, of which any gets any connection.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { ProtectedApp, type AppRequest } from '../support/protected-app.ts';
import { ALICE, hmacOf, SECRET, signatureHeaders } from '../support/signed-request.ts';

const WORKERS = 3;

function policy(authentication: string): string {
  return `
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication: ${authentication}
`;
}

let app: ProtectedApp;

beforeAll(async () => {
  const tree = '{ anyOf: [{ allOf: [{ signature: {} }, { apiKey: {} }] }, { signature: {} }, { hmac: {} }] }';
  app = await ProtectedApp.open(ALICE + policy(tree), ['--access-log', 'off', '--workers', String(WORKERS)]);
});
afterAll(() => app.close());

let count = 0;

/** A signature of RFC 9421. Each has another nonce. */
function signature(): AppRequest {
  const components = { '@method': 'GET', '@authority': 'shop.example', '@path': '/' };
  const headers = signatureHeaders({ components, keyId: 'alice', sign: hmacOf(SECRET), more: `;nonce="${++count}"` });
  return { headers: { host: 'shop.example', ...headers } };
}

/** An HMAC in Authorization. Each has another value of a signed header. */
function hmac(): AppRequest {
  const values: Record<string, string> = { host: 'shop.example', date: new Date().toUTCString(), 'x-request': String(++count) };
  const names = ['@request-target', ...Object.keys(values)];
  const text = names.map((name) => `${name}: ${values[name] ?? 'get /'}`).join('\n');
  const mac = createHmac('sha256', SECRET).update(text).digest('base64');
  const authorization = `hmac username="alice", algorithm="hmac-sha256", headers="${names.join(' ')}", signature="${mac}"`;
  return { headers: { ...values, authorization } };
}

async function statuses(request: AppRequest, times: number): Promise<readonly (number | undefined)[]> {
  return (await Promise.all(Array.from({ length: times }, () => app.status(request)))).toSorted();
}

test.each([
  ['of RFC 9421', signature],
  ['in Authorization', hmac],
])('of equal requests at the same time one passes, at whichever worker they arrive: a signature %s', async (_, make) => {
  for (let round = 0; round < 3; round++) {
    const request = make();
    const expected = [200, ...Array.from({ length: 24 }, () => 401)];
    expect(await statuses(request, 25)).toEqual(expected);
    expect(new Set(await statuses(request, 10))).toEqual(new Set([401]));
  }
});

test('different requests all pass', async () => {
  const all = await Promise.all(Array.from({ length: 25 }, (_, i) => app.status(i % 2 === 0 ? signature() : hmac())));
  expect(new Set(all)).toEqual(new Set([200]));
});

test('a worker that dies forgets nothing', async () => {
  const request = signature();
  expect(await app.status(request)).toBe(200);
  const before = app.weir.output.length;
  app.weir.killWorker();
  await app.weir.printed(/a worker serves/, before);
  expect(new Set(await statuses(request, 25))).toEqual(new Set([401]));
});

test('a changed policy forgets nothing', async () => {
  const request = signature();
  expect(await app.status(request)).toBe(200);
  app.write('policy.yaml', ALICE + policy('{ signature: { maxAge: 1m } }'));
  while ((await app.status(hmac())) !== 401);
  expect(new Set(await statuses(request, 25))).toEqual(new Set([401]));
});
