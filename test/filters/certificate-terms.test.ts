// Revocation lists, pins and permitted names of client certificates: `weir up`, real TLS clients, and lists of openssl.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { WebSocket, WebSocketServer } from 'ws';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { ended, FolderSite, protectedRoute, secret } from '../support/folder-site.ts';
import { gateway, type Manifest } from '../support/objects.ts';

let site: FolderSite;
let ca: TestCa;
let other: TestCa;
let alice: IssuedFiles;
let bob: IssuedFiles;
let carol: IssuedFiles;

function gatewayAt(port: number): Manifest {
  const validation = { mode: 'AllowInsecureFallback', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'clients' }] };
  const made = gateway('gw', [{ name: 'https', port, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } }]);
  return { ...made, spec: { ...(made['spec'] as object), tls: { frontend: { default: { validation } } } } };
}

function optionsOf(client: IssuedFiles) {
  const pair = { cert: readFileSync(client.certificate), key: readFileSync(client.privateKey) };
  return { ...pair, servername: 'a.test', ca: readFileSync(ca.certificate), headers: { host: 'a.test' } };
}

/** `client`: null for none. */
async function get(path: string, client: IssuedFiles | null, agent: https.Agent | false = false): Promise<number | undefined> {
  const options = client === null ? { ...optionsOf(alice), cert: undefined, key: undefined } : optionsOf(client);
  return (await ended(https.get({ ...options, host: '127.0.0.1', port: site.port, agent, path }))).statusCode;
}

function lists(name: string, crl: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { crl } };
}

/** A policy of the only listener. */
function atListener(security: object): object {
  const spec = { targetRefs: [{ kind: 'Gateway', name: 'gw', sectionName: 'https' }], ...security };
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'SecurityPolicy', metadata: { name: 'listener' }, spec };
}

function crlOf(name: string): object {
  return { crl: { configMapRef: { name }, key: 'crl' } };
}

function pinOf({ certificate }: IssuedFiles): string {
  const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

/** Resolves once requests get this status. */
async function becomes(path: string, client: IssuedFiles, status: number): Promise<void> {
  while ((await get(path, client)) !== status);
}

beforeAll(async () => {
  [ca, other] = [await TestCa.create(), await TestCa.create()];
  const server = await ca.issue('server', 'DNS:a.test');
  [alice, bob, carol] = [
    await ca.issue('alice', 'DNS:alice.example.com,URI:spiffe://example/team/alice'),
    await ca.issue('bob', 'DNS:bob.example.org,URI:spiffe://example/teamwork'),
    await ca.issue('carol', 'DNS:carol.example.net'),
  ];
  const pair = { 'tls.crt': readFileSync(server.certificate, 'utf8'), 'tls.key': readFileSync(server.privateKey, 'utf8') };
  site = await FolderSite.open(
    [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'clients' }, data: { 'ca.crt': readFileSync(ca.certificate, 'utf8') } },
      secret('cert', pair, 'kubernetes.io/tls'),
      lists('expired', await ca.revocationList([bob], -1)),
      lists('foreign', await other.revocationList([])),
      lists('garbage', 'no list'),
      ...protectedRoute('fresh', { authentication: { certificate: crlOf('fresh') }, revocation: { openRequests: 'Close' } }),
      ...protectedRoute('keep', { authentication: { certificate: crlOf('fresh') } }),
      ...protectedRoute('expired', { authentication: { certificate: crlOf('expired') } }),
      ...protectedRoute('accept', { authentication: { certificate: { ...crlOf('expired'), expiredCrl: 'Accept' } } }),
      ...protectedRoute('foreign', { authentication: { certificate: crlOf('foreign') } }),
      ...protectedRoute('garbage', { authentication: { certificate: crlOf('garbage') } }),
      ...protectedRoute('absent', { authentication: { certificate: crlOf('absent') } }),
      atListener({ clientCertificates: { allow: { dnsNames: ['*.example.com', '*.example.org'] } } }),
      ...protectedRoute('plain', { securityHeaders: { frameOptions: 'Deny' } }),
      ...protectedRoute('every', { clientCertificates: crlOf('every'), revocation: { openRequests: 'Close' } }),
      ...protectedRoute('every-pin', { clientCertificates: { pins: [pinOf(alice)] }, authentication: { anyOf: [{ certificate: {} }] } }),
      ...protectedRoute('every-garbage', { clientCertificates: crlOf('garbage') }),
      ...protectedRoute('every-absent', { clientCertificates: crlOf('absent') }),
      ...protectedRoute('pinned', { authentication: { certificate: { pins: [pinOf(alice)] } } }),
      ...protectedRoute('subject', { authentication: { certificate: { allow: { subjects: ['cn = alice'] } } } }),
      ...protectedRoute('dns', { authentication: { certificate: { allow: { dnsNames: ['*.example.com'] } } } }),
      ...protectedRoute('uri', { authentication: { certificate: { allow: { uris: ['spiffe://example/team/*'] } } } }),
    ],
    { gateway: gatewayAt },
  );
  site.write('crl', [lists('fresh', await ca.revocationList([]))]);
  await becomes('/fresh', alice, 200);
  new WebSocketServer({ server: site.backend }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
});

afterAll(async () => {
  await site.close();
  await Promise.all([ca.remove(), other.remove()]);
});

test.each(['pinned', 'subject', 'dns', 'uri'])('a certificate passes by its %s, another one does not', async (route) => {
  expect(await get(`/${route}`, alice)).toBe(200);
  expect(await get(`/${route}`, bob)).toBe(401);
});

test('an expired list refuses all certificates, unless it may count on', async () => {
  for (const client of [alice, bob]) expect(await get('/expired', client)).toBe(client === bob ? 401 : 503);
  expect(await get('/accept', alice)).toBe(200);
  expect(await get('/accept', bob)).toBe(401);
});

test('without a usable list of the authority no certificate passes', async () => {
  expect(await get('/foreign', alice)).toBe(503);
  expect(await get('/garbage', alice)).toBe(503);
  expect(await get('/absent', alice)).toBe(500);
});

test('the terms of a listener hold for all its routes, whatever these ask for; a nearer policy replaces them', async () => {
  for (const client of [alice, bob, null]) expect(await get('/plain', client)).toBe(200);
  expect(await get('/plain', carol)).toBe(401);
  expect(await get('/keep', carol)).toBe(401);
  await site.printed(/"authentication_failed","reason":"no name of the client certificate is permitted"/);
  expect(await get('/every-pin', alice)).toBe(200);
  for (const client of [bob, carol, null]) expect(await get('/every-pin', client)).toBe(401);
  await site.printed(/"authentication_failed","reason":"the key of the client certificate is not pinned"/);
});

test('the lists of a listener refuse what is revoked, and every certificate while they cannot be read', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  site.write('every', [lists('every', await ca.revocationList([]))]);
  await becomes('/every', bob, 200);
  expect(await get('/every', bob, agent)).toBe(200);
  const socket = new WebSocket(`wss://127.0.0.1:${site.port}/every`, optionsOf(bob));
  await once(socket, 'open');
  const closed = once(socket, 'close');
  site.write('every', [lists('every', await ca.revocationList([bob]))]);
  expect((await closed)[0]).toBe(1008);
  expect(await get('/every', bob, agent)).toBe(401);
  agent.destroy();
  for (const client of [alice, null]) expect(await get('/every', client)).toBe(200);
  expect(await get('/every-garbage', alice)).toBe(503);
  await site.printed(/"authentication_unavailable","reason":"the revocation list cannot be read"/);
  expect(await get('/every-absent', alice)).toBe(500);
});

test('a revocation holds at once: for new and open connections, and WebSockets where the policy says so', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  for (const route of ['fresh', 'keep']) expect(await get(`/${route}`, bob, agent)).toBe(200);
  const [closing, kept] = ['fresh', 'keep'].map((route) => new WebSocket(`wss://127.0.0.1:${site.port}/${route}`, optionsOf(bob))) as [
    WebSocket,
    WebSocket,
  ];
  await Promise.all([once(closing, 'open'), once(kept, 'open')]);
  const closed = once(closing, 'close');
  site.write('crl', [lists('fresh', await ca.revocationList([bob]))]);
  expect((await closed)[0]).toBe(1008);
  expect(await get('/fresh', bob, agent)).toBe(401);
  expect(await get('/fresh', bob)).toBe(401);
  expect(await get('/fresh', alice)).toBe(200);
  kept.send('still here');
  expect(String((await once(kept, 'message'))[0])).toBe('still here');
  kept.close();
  agent.destroy();
  await site.printed(/"authentication_failed","reason":"the client certificate is revoked"/);
  await site.printed(/"credential_revoked"/);
  site.write('crl', [lists('fresh', await ca.revocationList([]))]);
  await becomes('/fresh', bob, 200);
});
