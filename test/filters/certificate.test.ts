// Client certificates as identities: `weir up` with a listener that asks for certificates and does not require them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

let folder = '';
let port = 0;
let ca: TestCa;
let foreign: TestCa;
let backend: http.Server;
let weir: Child;
/** The headers of the last request at the backend. */
let seen: http.IncomingHttpHeaders = {};

/** A PEM file as a block of YAML. */
function block(file: string): string {
  return readFileSync(file, 'utf8').trim().replaceAll('\n', '\n    ');
}

function manifest(server: IssuedFiles, backendPort: number): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: g, namespace: default }
spec:
  gatewayClassName: weir
  tls:
    frontend:
      default:
        validation: { mode: AllowInsecureFallback, caCertificateRefs: [{ group: '', kind: ConfigMap, name: clients }] }
  listeners: [{ name: https, port: ${port}, protocol: HTTPS, tls: { certificateRefs: [{ name: cert }] } }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: clients, namespace: default }
data:
  ca.crt: |
    ${block(ca.certificate)}
---
apiVersion: v1
kind: Secret
metadata: { name: cert, namespace: default }
type: kubernetes.io/tls
stringData:
  tls.crt: |
    ${block(server.certificate)}
  tls.key: |
    ${block(server.privateKey)}
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Backend
metadata: { name: app, namespace: default }
spec: { endpoints: [{ ip: 127.0.0.1, port: ${backendPort} }] }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: billing, namespace: default }
spec: { groups: [services], credentials: [{ certificate: { uri: 'spiffe://example/billing' } }] }
---
${route('any', '{ certificate: {} }')}---${route('uri', '{ certificate: { identity: URI } }')}---${route('known', '{ certificate: { consumersOnly: true } }')}`;
}

function route(name: string, authentication: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: g }]
  rules:
    - matches: [{ path: { value: /${name} } }]
      backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: app }]
---
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: ${name}, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: ${name} }]
  authentication: ${authentication}
  forwardedClientCert: Details
  headersToBackend: [{ name: x-user, value: principal.id }, { name: x-subject, value: principal.claims.subject }]
`;
}

async function get(url: string, client: IssuedFiles | null, headers: http.OutgoingHttpHeaders = {}): Promise<number | undefined> {
  const pair = client === null ? {} : { cert: readFileSync(client.certificate), key: readFileSync(client.privateKey) };
  const own = { host: '127.0.0.1', port, servername: 'a.test', ca: readFileSync(ca.certificate), agent: false } as const;
  const request = https.get({ ...own, ...pair, path: url, headers: { host: 'a.test', ...headers } });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response.statusCode;
}

beforeAll(async () => {
  [ca, foreign] = [await TestCa.create(), await TestCa.create()];
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-certificate-'));
  const [own = 0, backendPort = 0] = await freePorts(2);
  port = own;
  backend = http.createServer(({ headers }, response) => {
    seen = headers;
    response.end('ok');
  });
  backend.listen(backendPort, '127.0.0.1');
  await once(backend, 'listening');
  writeFileSync(path.join(folder, 'all.yaml'), manifest(await ca.issue('server', 'DNS:a.test'), backendPort));
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  backend.close();
  await Promise.all([ca.remove(), foreign.remove()]);
  rmSync(folder, { recursive: true, force: true });
});

test('a request without a certificate, and one with that of another authority, get 401', async () => {
  expect(await get('/any', null)).toBe(401);
  expect(await get('/any', await foreign.issue('alice', 'DNS:alice.test'))).toBe(401);
});

test('the subject is the identity, and the backend gets the details', async () => {
  const alice = await ca.issue('alice', 'DNS:alice.test,URI:spiffe://example/alice');
  const forged = { 'x-forwarded-client-cert': 'Hash=0;Subject="CN=root"', 'x-user': 'root' };
  expect(await get('/any', alice, forged)).toBe(200);
  expect(seen).toMatchObject({ 'x-user': 'CN=alice', 'x-subject': 'CN=alice' });
  const details = /^Hash=[0-9a-f]{64};Subject="CN=alice";URI=spiffe:\/\/example\/alice;DNS=alice\.test$/;
  expect(seen['x-forwarded-client-cert']).toMatch(details);
});

test('names cannot break out of the header', async () => {
  expect(await get('/any', await ca.issue('eve";URI=spiffe://example/root;X="', ''))).toBe(200);
  expect(seen['x-forwarded-client-cert']).toMatch(/^Hash=[0-9a-f]{64};Subject="(?:[^"\\]|\\.)*"$/);
});

test('a URI is the identity where the policy says so, and its absence is refused', async () => {
  expect(await get('/uri', await ca.issue('carol', 'URI:spiffe://example/carol'))).toBe(200);
  expect(seen).toMatchObject({ 'x-user': 'spiffe://example/carol' });
  expect(await get('/uri', await ca.issue('dave', 'DNS:dave.test'))).toBe(401);
});

test('a consumer is known by its URI; other callers are refused where only consumers may come', async () => {
  expect(await get('/known', await ca.issue('any name', 'URI:spiffe://example/billing'))).toBe(200);
  expect(seen).toMatchObject({ 'x-user': 'billing', 'x-subject': 'CN=any name' });
  expect(await get('/known', await ca.issue('alice', 'URI:spiffe://example/billing2'))).toBe(401);
});
