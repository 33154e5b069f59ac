// The largest objects that an API server accepts (etcd: 1.5 MiB; Secrets and ConfigMaps: 1 MiB of data; 1,000 endpoints in a slice): they
// are served like others, and do not affect others.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { addRange } from '../support/address.ts';
import type { AddressRange } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import type { TestListener } from '../support/objects.ts';
import { traffic } from '../support/traffic.ts';

const HOST = '127.0.0.8';
const PAUSE_MS = 5;
const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
const CORE = '/api/v1/namespaces/default';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
/** The Gateway API allows 128 matches in all rules, 16 headers in each, 4,096 characters in a value. */
const RULES = 16;
const MATCHES = 8;
const LONG = 'v'.repeat(3_500);
const ENDPOINTS = 1_000;

describeWith(['cluster', 'root', 'ip'], 'the largest objects', () => {
  const backend = new Backend('app');
  let range: AddressRange;
  let ca: TestCa;
  let cluster: Cluster;
  let weir: Installation;
  let port: number;
  let securePort: number;

  beforeAll(async () => {
    range = addRange();
    await backend.start(0, '0.0.0.0');
    [port = 0, securePort = 0] = await freePorts(2);
    [cluster, ca] = await Promise.all([startCluster({ channel: 'standard' }), TestCa.create()]);
    weir = await Installation.start(cluster, [HOST]);
    const listeners = [{ name: 'http', port }];
    await apply(gatewayClass(), gateway('gw', listeners), httpRoute('app', 'app'), ...serviceOf('app', target()));
    await serves('/app');
  });

  afterAll(async () => {
    await weir?.stop();
    await cluster?.stop();
    await ca?.remove();
    await backend.stop();
    range?.remove();
  });

  const target = () => ({ address: range.addresses[0] ?? '', port: backend.port });
  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));

  async function create(target: string, body: object): Promise<void> {
    const answer = await cluster.send('POST', target, { body });
    if (answer.status !== 201) throw new Error(answer.body.slice(0, 500));
  }

  async function ask(target: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const { statusCode, body } = await request(`http://${HOST}:${port}${target}`, { headers });
    await body.dump();
    return statusCode;
  }

  function serves(target: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    return cluster
      .until(target, async () => (await ask(target, headers)) === 200)
      .catch((error: unknown) => {
        throw new Error(`${String(error)}\n${weir.tails()}`);
      });
  }

  /** Traffic to another route continues meanwhile. */
  async function unharmed(during: () => Promise<unknown>): Promise<void> {
    const url = `http://${HOST}:${port}/app`;
    const { failures } = await traffic([keptConnection(url), newConnections(url), http2Streams(url)], during, PAUSE_MS);
    expect(failures).toEqual([]);
  }

  test('a route of 1.4 MB', async () => {
    const header = (name: string) => ({ name, value: LONG });
    const match = (rule: number, i: number) => ({
      path: { type: 'PathPrefix', value: `/large/${rule}/${i}` },
      headers: [header('x-one'), header('x-two'), header('x-three')],
    });
    const rules = Array.from({ length: RULES }, (_, rule) => ({
      matches: Array.from({ length: MATCHES }, (__, i) => match(rule, i)),
      backendRefs: [{ name: 'app', port: 80 }],
    }));
    const route = { ...httpRoute('large', 'app'), spec: { parentRefs: [{ name: 'gw' }], rules } };
    expect(JSON.stringify(route).length).toBeGreaterThan(1_300_000);
    await unharmed(async () => {
      await create(ROUTES, route);
      const headers = { 'x-one': LONG, 'x-two': LONG, 'x-three': LONG };
      await serves(`/large/${RULES - 1}/${MATCHES - 1}`, headers);
      expect(await ask(`/large/0/0`)).toBe(404);
    });
  }, 120_000);

  test('a Service with a thousand endpoints in a slice, and that slice three times over', async () => {
    const [service, slice] = serviceOf('wide', target()) as [object, object];
    await unharmed(async () => {
      await apply(service, httpRoute('wide', 'wide'));
      for (const number of [1, 2, 3]) {
        const metadata = { name: `wide-${number}`, labels: { 'kubernetes.io/service-name': 'wide' } };
        const endpoints = range.addresses.slice(0, ENDPOINTS).map((address) => ({ addresses: [address], conditions: { ready: true } }));
        await create(SLICES, { ...slice, metadata, endpoints });
      }
      await serves('/wide');
    });
  }, 120_000);

  test('a Secret and a ConfigMap of 1 MB with certificates in use', async () => {
    const { certificate, privateKey } = await ca.issue('large', 'DNS:large.test');
    const comment = (bytes: number) => `# ${'comment '.repeat(bytes / 8)}\n`;
    const text = (file: string) => readFileSync(file, 'utf8');
    const stringData = { 'tls.crt': text(certificate) + comment(900_000), 'tls.key': text(privateKey) };
    const listener: TestListener = { name: 'https', port: securePort, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'large' }] } };
    const frontend = {
      default: { validation: { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'large' }], mode: 'AllowInsecureFallback' } },
    };
    const own = gateway('gw', [{ name: 'http', port }, listener]);
    await unharmed(async () => {
      await create(`${CORE}/secrets`, {
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/tls',
        metadata: { name: 'large' },
        stringData,
      });
      await create(`${CORE}/configmaps`, {
        ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' } },
        data: { 'ca.crt': comment(900_000) + text(ca.certificate) },
      });
      await apply({ ...own, spec: { ...(own['spec'] as object), tls: { frontend } } });
      const agent = new Agent({ connect: { ca: text(ca.certificate), servername: 'large.test' } });
      await cluster.until('HTTPS', async () => {
        const { statusCode, body } = await request(`https://${HOST}:${securePort}/app`, { dispatcher: agent });
        await body.dump();
        return statusCode === 200;
      });
      await agent.close();
    });
  }, 120_000);
});
