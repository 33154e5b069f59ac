// BackendTLSPolicies from Kubernetes objects to the backend: a targeted backend never gets plain text.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import tls from 'node:tls';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, get, openClient } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { startProxyFor } from '../support/proxy.ts';

closeAfterEach();

let ca: TestCa;
let [server, gateway]: IssuedFiles[] = [];
beforeAll(async () => {
  ca = await TestCa.create();
  server = await ca.issue('app', 'DNS:app.test');
  gateway = await ca.issue('gateway', 'DNS:gateway.test');
});
afterAll(() => ca.remove());

const text = (file: string | undefined) => readFileSync(file ?? '', 'utf8');
const meta = (name: string, created = '2026-01-01T00:00:00Z') => ({
  name,
  namespace: 'default',
  generation: 1,
  creationTimestamp: created,
});
const apiVersion = 'gateway.networking.k8s.io/v1';

/** A server that requests a certificate and answers with its name; its port, and its received requests. */
async function backend(): Promise<{ readonly port: number; readonly heard: string[] }> {
  const heard: string[] = [];
  const listening = tls.createServer({
    cert: text(server?.certificate),
    key: text(server?.privateKey),
    requestCert: true,
    ca: text(ca.certificate),
  });
  listening.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    const name = `${socket.servername || 'nobody'} ${socket.getPeerX509Certificate()?.subject ?? 'nobody'}`;
    socket.on('data', (chunk: Buffer) => {
      heard.push(String(chunk));
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    });
  });
  listening.on('tlsClientError', () => undefined);
  listening.listen(0, '127.0.0.1');
  closeLater(() => listening.close());
  await once(listening, 'listening');
  return { port: (listening.address() as net.AddressInfo).port, heard };
}

function objects(port: number): object[] {
  return [
    { apiVersion, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
    {
      apiVersion,
      kind: 'Gateway',
      metadata: meta('web'),
      spec: {
        gatewayClassName: 'weir',
        listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
        tls: { backend: { clientCertificateRef: { name: 'gateway' } } },
      },
    },
    {
      apiVersion,
      kind: 'HTTPRoute',
      metadata: meta('route'),
      spec: { parentRefs: [{ name: 'web' }], rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }] },
    },
    { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: meta('app'), spec: { endpoints: [{ ip: '127.0.0.1', port }] } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('ca'), data: { 'ca.crt': text(ca.certificate) } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta('gateway'),
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': text(gateway?.certificate), 'tls.key': text(gateway?.privateKey) },
    },
  ];
}

function policy(name: string, validation: object, created?: string): object {
  const targetRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  const refs = { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] };
  return {
    apiVersion,
    kind: 'BackendTLSPolicy',
    metadata: meta(name, created),
    spec: { targetRefs, validation: { ...refs, ...validation } },
  };
}

async function ask(setup: readonly object[]): Promise<{ status: number; body: string }> {
  const proxy = await startProxyFor(setup);
  closeLater(() => proxy.close());
  const answer = await (await openClient(proxy.port)).ask(get('/', 'Connection: close\r\n'));
  return { status: status(answer), body: answer.body };
}

test('the backend gets the server name of the policy and the client certificate of the Gateway', async () => {
  const { port } = await backend();
  expect(await ask([...objects(port), policy('p', { hostname: 'app.test' })])).toEqual({ status: 200, body: 'app.test CN=gateway' });
});

test.each([
  ['an authority that is not there', { hostname: 'app.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'absent' }] }],
  ['a kind that cannot be', { hostname: 'app.test', caCertificateRefs: [{ group: '', kind: 'Service', name: 'ca' }] }],
  ['another name', { hostname: 'other.test' }],
  ['another subjectAltName', { hostname: 'app.test', subjectAltNames: [{ type: 'URI', uri: 'spiffe://test/app' }] }],
])('with %s requests get 502, and the backend gets no bytes', async (_, validation) => {
  const { port, heard } = await backend();
  const answer = await ask([...objects(port), policy('p', validation)]);
  expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([502, 'upstream_tls_failed']);
  expect(heard).toEqual([]);
});

test('of two policies the older is in force', async () => {
  const { port } = await backend();
  const [older, younger] = [{ hostname: 'app.test' }, { hostname: 'other.test' }];
  const policies = [policy('a', younger, '2026-02-01T00:00:00Z'), policy('b', older, '2026-01-01T00:00:00Z')];
  expect((await ask([...objects(port), ...policies])).status).toBe(200);
});
