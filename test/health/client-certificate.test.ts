// Active health checks of endpoints that require a client certificate: probes present that of the Gateway, as requests do.
import { beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type tls from 'node:tls';
import { createLog } from '#lib/log.ts';
import type * as ir from '#api/ir/ir.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { secretOf } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { listener, route, streamRoute } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const cert = certified('DNS:app.test');
const clients: Record<string, IssuedFiles> = {};
beforeAll(async () => {
  for (const name of ['one', 'two', 'three']) clients[name] = await cert.ca.issue(name, `DNS:${name}.test`);
});

const text = (file: string): string => readFileSync(file, 'utf8');

/** The Secret (key) with the certificate of a client. */
function pairOf(key: string, name: string): ir.Secret {
  return secretOf(key, clients[name] as IssuedFiles);
}

/** A backend that requires a client certificate; it notes the names in those of its probes. */
class Strict {
  readonly names: string[] = [];
  /** The only name that passes the check; '' for any. */
  accepts = '';
  port = 0;
  readonly #server: https.Server;

  constructor() {
    const { certificate, privateKey, ca } = cert.files;
    const terms = { cert: text(certificate), key: text(privateKey), ca: text(ca), requestCert: true, rejectUnauthorized: true };
    this.#server = https.createServer(terms, ({ socket, headers }, response) => {
      const name = String((socket as tls.TLSSocket).getPeerCertificate().subject.CN);
      if (headers['user-agent'] !== 'weir-health-check') return void response.end(name);
      this.names.push(name);
      return void response.writeHead(this.accepts === '' || this.accepts === name ? 200 : 503).end();
    });
  }

  async start(): Promise<this> {
    this.#server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as net.AddressInfo).port;
    closeLater(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return this;
  }
}

const KEY = 'Service/default/app/80';

function backendAt(port: number): readonly ir.Resource[] {
  const names = { serverName: 'app.test', subjectAltNames: [{ type: 'Hostname' as const, value: 'app.test' }] };
  return [
    { kind: 'TrustBundle', key: 'ConfigMap/default/ca', certificates: text(cert.files.ca) },
    { kind: 'Cluster', key: KEY, protocol: 'http1', tls: { ...names, authorities: ['ConfigMap/default/ca'] } },
    { kind: 'Endpoints', key: KEY, endpoints: [{ address: '127.0.0.1', port, draining: false }] },
    {
      ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/p', policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'p' },
      createdAt: 0,
      targets: [{ kind: 'Service', namespace: 'default', name: 'app', section: '' }],
      settings: { healthCheck: { active: { interval: 50, timeout: 20_000, unhealthyThreshold: 1 } } },
    },
  ];
}

async function serve(workers: number, resources: readonly ir.Resource[]): Promise<Supervisor> {
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1_000, processMetrics: false };
  const proxy = new Supervisor({ workers, log: createLog('silent'), ...settings });
  closeLater(() => proxy.stop(1));
  expect(await proxy.apply(resources, [])).toEqual([]);
  return proxy;
}

/** The numbers of targets by health, in order. */
async function targets(proxy: Supervisor): Promise<readonly string[]> {
  const found = [...(await proxy.metrics()).matchAll(/^weir_health_targets\{health="(\w+)"\} (\d+)$/gm)].map(
    ([, health, count]) => `${health} ${count}`,
  );
  return found.toSorted();
}

/** Resolves once the metrics show these numbers. */
async function targetsAre(proxy: Supervisor, expected: readonly string[]): Promise<void> {
  let found: readonly string[] = [];
  const deadline = performance.now() + 30_000;
  while (found.join() !== expected.join()) {
    if (performance.now() > deadline) throw new Error(`targets are ${found.join()}, and not ${expected.join()}`);
    await turn();
    found = await targets(proxy);
  }
}

test.each([1, 2])('%d workers: probes present the certificate of the Gateway, also a renewed one', async (workers) => {
  const backend = await new Strict().start();
  const [port = 0] = await freePorts(1);
  const gateway = listener({ port, clientCertificate: 'default/client' });
  const proxy = await serve(workers, [pairOf('default/client', 'one'), ...backendAt(backend.port), gateway, route()]);
  await targetsAre(proxy, ['healthy 1']);
  expect(new Set(backend.names)).toEqual(new Set(['one']));
  await proxy.apply([pairOf('default/client', 'two')], []);
  await until(() => backend.names.includes('two'), 'a probe with the renewed certificate');
  // The same target, with its history.
  expect(await targets(proxy)).toEqual(['healthy 1']);
});

test('the certificate of a Gateway counts from the time that it gets one, and until it has none', async () => {
  const backend = await new Strict().start();
  const [port = 0] = await freePorts(1);
  const proxy = await serve(1, [pairOf('default/client', 'one'), ...backendAt(backend.port), listener({ port }), route()]);
  await targetsAre(proxy, ['unhealthy 1']);
  await proxy.apply([listener({ port, clientCertificate: 'default/client' })], []);
  await until(() => backend.names.includes('one'), 'a probe with the certificate');
  await proxy.apply([], [{ kind: 'Secret', key: 'default/client' }]);
  await targetsAre(proxy, ['unhealthy 2']);
});

test('each Gateway learns with its own certificate whether it may use an endpoint', async () => {
  const backend = await new Strict().start();
  backend.accepts = 'two';
  const ports = await freePorts(2);
  const gateways = ['one', 'two'].map((name, i) =>
    listener({ key: `default/${name}/http`, gateway: `default/${name}`, port: ports[i] as number, clientCertificate: `default/${name}` }),
  );
  const attachments = gateways.map(({ key }) => ({ listener: key, hostnames: [''] }));
  const pairs = ['one', 'two'].map((name) => pairOf(`default/${name}`, name));
  const proxy = await serve(1, [...pairs, ...backendAt(backend.port), ...gateways, route({ attachments })]);
  await targetsAre(proxy, ['healthy 1', 'unhealthy 1']);
});

test('a stream route has the certificate of its Gateway too', async () => {
  const backend = await new Strict().start();
  const [port = 0] = await freePorts(1);
  const gateway = listener({ port, protocol: 'TCP', clientCertificate: 'default/client' });
  const proxy = await serve(1, [pairOf('default/client', 'three'), ...backendAt(backend.port), gateway, streamRoute()]);
  // Stream routes are planned at their first connection.
  await fetch(`http://127.0.0.1:${port}/`);
  await proxy.apply([route({ attachments: [] })], []);
  await targetsAre(proxy, ['healthy 1']);
  expect(backend.names[0]).toBe('three');
});
