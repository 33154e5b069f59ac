// Client certificates as identities: `weir up` with a listener that asks for certificates and does not require them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { gateway, type Manifest } from '../support/objects.ts';
import { consumer, ended, protectedRoute, secret, FolderSite } from '../support/folder-site.ts';

let site: FolderSite;
let ca: TestCa;
let foreign: TestCa;

function gatewayAt(port: number): Manifest {
  const validation = { mode: 'AllowInsecureFallback', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'clients' }] };
  const made = gateway('gw', [{ name: 'https', port, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } }]);
  return { ...made, spec: { ...(made['spec'] as object), tls: { frontend: { default: { validation } } } } };
}

function routeFor(name: string, certificate: object): readonly object[] {
  const headersToBackend = [
    { name: 'x-user', value: 'principal.id' },
    { name: 'x-subject', value: 'principal.claims.subject' },
  ];
  return protectedRoute(name, { authentication: { certificate }, forwardedClientCert: 'Details', headersToBackend });
}

async function get(url: string, client: IssuedFiles | null, headers: http.OutgoingHttpHeaders = {}): Promise<number | undefined> {
  const pair = client === null ? {} : { cert: readFileSync(client.certificate), key: readFileSync(client.privateKey) };
  const own = { host: '127.0.0.1', port: site.port, servername: 'a.test', ca: readFileSync(ca.certificate), agent: false } as const;
  return (await ended(https.get({ ...own, ...pair, path: url, headers: { host: 'a.test', ...headers } }))).statusCode;
}

beforeAll(async () => {
  [ca, foreign] = [await TestCa.create(), await TestCa.create()];
  const server = await ca.issue('server', 'DNS:a.test');
  const pair = { 'tls.crt': readFileSync(server.certificate, 'utf8'), 'tls.key': readFileSync(server.privateKey, 'utf8') };
  const authorities = { 'ca.crt': readFileSync(ca.certificate, 'utf8') };
  const objects = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'clients' }, data: authorities },
    secret('cert', pair, 'kubernetes.io/tls'),
    consumer('billing', { groups: ['services'], credentials: [{ certificate: { uri: 'spiffe://example/billing' } }] }),
    ...routeFor('any', {}),
    ...routeFor('uri', { identity: 'URI' }),
    ...routeFor('known', { consumersOnly: true }),
  ];
  site = await FolderSite.open(objects, { gateway: gatewayAt });
});

afterAll(async () => {
  await site.close();
  await Promise.all([ca.remove(), foreign.remove()]);
});

test('a request without a certificate, and one with that of another authority, get 401', async () => {
  expect(await get('/any', null)).toBe(401);
  expect(await get('/any', await foreign.issue('alice', 'DNS:alice.test'))).toBe(401);
});

test('the subject is the identity, and the backend gets the details', async () => {
  const alice = await ca.issue('alice', 'DNS:alice.test,URI:spiffe://example/alice');
  const forged = { 'x-forwarded-client-cert': 'Hash=0;Subject="CN=root"', 'x-user': 'root' };
  expect(await get('/any', alice, forged)).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-user': 'CN=alice', 'x-subject': 'CN=alice' });
  const details = /^Hash=[0-9a-f]{64};Subject="CN=alice";URI=spiffe:\/\/example\/alice;DNS=alice\.test$/;
  expect(site.seen.headers['x-forwarded-client-cert']).toMatch(details);
});

test('names cannot break out of the header', async () => {
  expect(await get('/any', await ca.issue('eve";URI=spiffe://example/root;X="', ''))).toBe(200);
  expect(site.seen.headers['x-forwarded-client-cert']).toMatch(/^Hash=[0-9a-f]{64};Subject="(?:[^"\\]|\\.)*"$/);
});

test('a URI is the identity where the policy says so, and its absence is refused', async () => {
  expect(await get('/uri', await ca.issue('carol', 'URI:spiffe://example/carol'))).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-user': 'spiffe://example/carol' });
  expect(await get('/uri', await ca.issue('dave', 'DNS:dave.test'))).toBe(401);
});

test('a consumer is known by its URI; other callers are refused where only consumers may come', async () => {
  expect(await get('/known', await ca.issue('any name', 'URI:spiffe://example/billing'))).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-user': 'billing', 'x-subject': 'CN=any name' });
  expect(await get('/known', await ca.issue('alice', 'URI:spiffe://example/billing2'))).toBe(401);
});
