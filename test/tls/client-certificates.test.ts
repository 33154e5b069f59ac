// Client certificates from Kubernetes objects to the backend: a Gateway that requests them, and CAs that change under traffic.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type * as ir from '#api/ir/ir.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Worker } from '../../proxy/worker.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, openUpstream } from '../support/fixture.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

let [ca, next]: TestCa[] = [];
let [server, alice, bob]: IssuedFiles[] = [];
beforeAll(async () => {
  [ca, next] = [await TestCa.create(), await TestCa.create()];
  server = await ca.issue('server', 'DNS:a.test');
  alice = await ca.issue('alice', 'DNS:alice.test');
  bob = await next.issue('bob', 'DNS:bob.test');
});
afterAll(async () => {
  await ca?.remove();
  await next?.remove();
});

const text = (file: string | undefined) => readFileSync(file ?? '', 'utf8');
const meta = (name: string) => ({ name, namespace: 'default', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' });

function clients(...authorities: (TestCa | undefined)[]): object {
  const data = { 'ca.crt': authorities.map((authority) => text(authority?.certificate)).join('') };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('clients'), data };
}

function objects(upstreamPort: number): object[] {
  const gatewayApi = 'gateway.networking.k8s.io/v1';
  const tls = { certificateRefs: [{ name: 'cert' }] };
  const validation = { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'clients' }] };
  return [
    { apiVersion: gatewayApi, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
    {
      apiVersion: gatewayApi,
      kind: 'Gateway',
      metadata: meta('web'),
      spec: {
        gatewayClassName: 'weir',
        tls: { frontend: { default: { validation } } },
        listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', tls }],
      },
    },
    {
      apiVersion: gatewayApi,
      kind: 'HTTPRoute',
      metadata: meta('route'),
      spec: { parentRefs: [{ name: 'web' }], rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }] },
    },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'Backend',
      metadata: meta('app'),
      spec: { endpoints: [{ ip: '127.0.0.1', port: upstreamPort }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta('cert'),
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': text(server?.certificate), 'tls.key': text(server?.privateKey) },
    },
    clients(ca),
  ];
}

/** A controller's compiler and a proxy's worker, without a network in between. */
class Weir {
  readonly #compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
  readonly #worker = new Worker({
    limits: DEFAULT_LIMITS,
    accessLog: 'off',
    via: '',
    reusePort: false,
    drainTimeout: 1_000,
    bindPort: () => 0,
  });

  constructor() {
    closeLater(() => this.#worker.stop(1));
  }

  /** The resources compiled from a change of these objects. */
  async apply(...changed: object[]): Promise<string[]> {
    const delta = this.#compiler.apply(changed.map((object) => ({ type: 'upsert', object }) as never));
    const resources = delta.changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    expect(await this.#worker.apply(resources, delta.removed)).toEqual([]);
    return resources.map(({ kind, key }) => `${kind} ${key}`);
  }

  /** The status of a request, or the code of the failed connection. */
  get(agent: https.Agent): Promise<number | string> {
    const { promise, resolve } = Promise.withResolvers<number | string>();
    const request = https.get({
      port: this.#worker.boundPort(443),
      host: '127.0.0.1',
      servername: 'a.test',
      headers: { host: 'a.test' },
      agent,
    });
    request.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)));
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    return promise;
  }
}

function agent(client: IssuedFiles | undefined, options: https.AgentOptions = {}): https.Agent {
  const certificate = client === undefined ? {} : { cert: text(client.certificate), key: text(client.privateKey) };
  const made = new https.Agent({ keepAlive: true, ca: text(ca?.certificate), ...certificate, ...options });
  closeLater(() => made.destroy());
  return made;
}

test('authorities change under traffic: only the bundle travels, and no request fails', async () => {
  const upstream = await openUpstream(() => ok('served'));
  const weir = new Weir();
  await weir.apply(...objects(upstream.port));
  const [kept, fresh] = [agent(alice), agent(alice, { keepAlive: false })];
  const seen = new Set<number | string>();
  let going = true;
  const traffic = [kept, fresh].map(async (each) => {
    while (going) seen.add(await weir.get(each));
  });
  for (let round = 0; round < 10; round++) {
    expect(await weir.apply(clients(ca, next))).toEqual(['TrustBundle ConfigMap/default/clients']);
    expect(await weir.get(agent(bob))).toBe(200);
    expect(await weir.apply(clients(ca))).toEqual(['TrustBundle ConfigMap/default/clients']);
    expect(await weir.get(agent(bob, { maxCachedSessions: 0 }))).not.toBe(200);
  }
  going = false;
  await Promise.all(traffic);
  expect([...seen]).toEqual([200]);
  expect(await weir.get(agent(undefined))).not.toBe(200);
});
