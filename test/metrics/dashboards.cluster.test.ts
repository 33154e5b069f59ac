// Every query of the dashboards has data in a real Prometheus that scrapes a controller, proxies and `weir up` with traffic of every
// kind, with errors, retries, refused configuration and failed handshakes; and promtool finds nothing wrong with what they expose.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { Agent, request } from 'undici';
import { TestCa } from '../support/certificates.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import { backendWithRoute, gateway, gatewayClass, httpRoute, serviceOf } from '../support/objects.ts';
import { Site } from '../support/site.ts';
import { TrafficBackends, TRAFFIC_LISTENERS } from '../support/traffic-backends.ts';
import { traffic } from '../support/traffic.ts';
import { checkMetrics, CHART, Prometheus, queriesOf } from './prometheus.ts';

const [HOST, OTHER_HOST] = ['127.0.0.41', '127.0.0.42'] as const;
const [HTTPS, PASSED] = [8443, 9443] as const;
const DATA_MS = 60_000;
const SLOW_MS = 30;
/** Requests at once that are too many for one connection. */
const CROWD = 4;
const DASHBOARDS = readdirSync(path.join(CHART, 'dashboards'));

describeWith(['cluster', 'root', 'ip', 'prometheus', 'promtool'], 'the dashboards', () => {
  let site: Site;
  let ca: TestCa;
  let backends: TrafficBackends;
  let failing: http.Server;
  /** Answers after SLOW_MS. */
  let slow: http.Server;
  /** Has the port that a listener wants. */
  let taken: net.Server;
  let folder = '';
  let up: Child;
  let addresses: { readonly controller: string; readonly proxies: readonly string[]; readonly up: string };
  let prometheus: Prometheus;
  let round = 0;

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST, OTHER_HOST], backends: ['app'], prepare: withoutUdpRoutes });
    ca = await TestCa.create();
    backends = await TrafficBackends.start(site.address);
    failing = http.createServer((_, response) => response.writeHead(503).end('no')).listen(0, site.address);
    slow = http.createServer((_, response) => void setTimeout(() => response.end('late'), SLOW_MS)).listen(0, site.address);
    taken = net.createServer().listen(0, HOST);
    await Promise.all([failing, slow, taken].map((server) => once(server, 'listening')));
    await site.weir.controller.printed(/proxies are served/);
    await site.apply(...(await objects()));
    await site.cluster.until('the routes', async () => (await fetch(`http://${HOST}/app`).catch(() => null))?.status === 200);
    folder = await writeFolder();
    up = new Child(['up', folder, '--access-log', 'off', '--admin-port', 'off', '--probe-port', '0', '--workers', '2']);
    const [, port = ''] = await up.printed(/metrics on http:\/\/127\.0\.0\.1:(\d+)/);
    addresses = { ...(await site.weir.metricAddresses()), up: `127.0.0.1:${port}` };
    prometheus = await Prometheus.start([
      { name: 'weir-controller', addresses: [addresses.controller] },
      { name: 'weir-proxy', addresses: addresses.proxies },
      { name: 'weir-up', addresses: [addresses.up] },
    ]);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await up?.stop('SIGKILL');
    failing?.close();
    slow?.close();
    taken?.close();
    await backends?.stop();
    await ca?.remove();
    await site?.stop();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  /** A Gateway with traffic of every kind, and what makes errors, retries and refusals. */
  async function objects(): Promise<readonly object[]> {
    const { certificate, privateKey } = await ca.issue('web', 'DNS:web.test');
    const pair = { 'tls.crt': readFileSync(certificate, 'utf8'), 'tls.key': readFileSync(privateKey, 'utf8') };
    const port = (server: net.Server) => (server.address() as net.AddressInfo).port;
    const listeners = [
      ...TRAFFIC_LISTENERS,
      { name: 'https', port: HTTPS, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'pair' }] } },
      { name: 'passed', port: PASSED, protocol: 'TLS', tls: { mode: 'Passthrough' } },
      { name: 'taken', port: port(taken) },
    ];
    const retried = httpRoute('failing', 'failing', ['gw/http']);
    return [
      gatewayClass(),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pair' }, type: 'kubernetes.io/tls', stringData: pair },
      gateway('gw', listeners),
      ...backends.objects,
      ...serviceOf('failing', { address: site.address, port: port(failing) }),
      ...serviceOf('dead', { address: site.address, port: 1 }),
      retried,
      httpRoute('dead', 'dead', ['gw/http']),
      httpRoute('nowhere', 'nowhere', ['gw/http']),
      httpRoute('secured', 'app', ['gw/https']),
      {
        ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'BackendTrafficPolicy', metadata: { name: 'retries' } },
        spec: {
          targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'failing' }],
          retry: { attempts: 1, codes: [503], backoff: '1ms' },
        },
      },
      ...protectedBackends(port),
      ...['app', 'dead'].map((name) => ({
        ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'TLSRoute', metadata: { name: `passed-${name}` } },
        spec: {
          ...{ parentRefs: [{ name: 'gw', sectionName: 'passed' }], hostnames: [`${name}.test`] },
          rules: [{ backendRefs: [{ name, port: 80 }] }],
        },
      })),
    ];
  }

  /** Backends with breakers, ejections, adaptive limits, hedges, a retry budget and a queue, and routes of their names. */
  function protectedBackends(portOf: (server: net.Server) => number): readonly object[] {
    const to = (name: string, servers: readonly number[], settings: object): readonly object[] => [
      ...backendWithRoute(
        name,
        { endpoints: servers.map((each) => ({ ip: site.address, port: each })) },
        { matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }] },
      ),
      {
        ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'BackendTrafficPolicy', metadata: { name } },
        spec: { targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name }], ...settings },
      },
    ];
    const app = site.backend('app').port;
    return [
      ...to('shaky', [portOf(failing), app], { healthCheck: { passive: { consecutive5xx: 1, baseEjectionTime: '1s' } } }),
      ...to('tripping', [portOf(failing)], { circuitBreaker: { consecutiveFailures: 1, openFor: '1s' } }),
      ...to('adapting', [app], { circuitBreaker: { adaptive: { minRequests: 5 } } }),
      ...to('hedged', [portOf(slow), app], { hedge: { delay: '2ms' } }),
      ...to('poor', [portOf(failing)], { retry: { attempts: 1, codes: [503], budget: { percent: 0, minRetriesPerSecond: 0 } } }),
      ...to('queued', [portOf(slow)], { connectionPool: { perEndpoint: { maxConnections: 1 } }, queue: { timeout: '1ms' } }),
    ];
  }

  /** For `weir up`: a Gateway, a route whose backend does not exist, a Backend that needs the store, and a file that is no YAML. */
  async function writeFolder(): Promise<string> {
    const made = mkdtempSync(path.join(os.tmpdir(), 'weir-dashboards-'));
    const [port = 0] = await freePorts(1);
    writeFileSync(
      path.join(made, 'site.yaml'),
      [gatewayClass(), gateway('gw', [{ name: 'http', port }]), httpRoute('app', 'app'), ...backendWithRoute('kept', { registered: {} })]
        .map((object) => JSON.stringify(object))
        .join('\n---\n'),
    );
    writeFileSync(path.join(made, 'broken.yaml'), 'kind: [');
    return made;
  }

  /** A kind that the controller cannot follow. */
  async function withoutUdpRoutes(cluster: Cluster): Promise<void> {
    await cluster.kubectl(['delete', 'crd', 'udproutes.gateway.networking.k8s.io']);
  }

  /** Requests and connections that fail, or that no flow makes. */
  async function provoke(): Promise<void> {
    const insecure = new Agent({ connect: { rejectUnauthorized: false, servername: 'web.test' } });
    const ask = async (url: string, options: object = {}) => (await request(url, options)).body.dump();
    await Promise.all([
      // A change to compile.
      site.apply({ ...httpRoute('other', 'app', ['gw/http']), metadata: { name: 'other', labels: { round: String(++round) } } }),
      ...['app', 'failing', 'dead', 'nowhere', 'none'].map((name) => ask(`http://${HOST}/${name}`)),
      ...['shaky', 'shaky', 'tripping', 'adapting', 'hedged', 'hedged', 'poor'].map((name) => ask(`http://${HOST}/${name}`)),
      ...Array.from({ length: CROWD }, () => ask(`http://${HOST}/queued`)),
      ask(`http://${HOST}/app`, { method: 'POST', body: 'body' }),
      ask(`https://${HOST}:${HTTPS}/secured`, { dispatcher: insecure }),
      ask(`http://${HOST}:${HTTPS}/`).catch(() => undefined),
      connectTo(PASSED, 'app.test'),
      connectTo(PASSED, 'dead.test'),
      sendTo(TRAFFIC_LISTENERS[0].port, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n000000000000000000')),
    ]);
    await insecure.close();
  }

  /** A handshake whose bytes are passed on, to a backend that does not speak TLS or is not there. */
  async function connectTo(port: number, servername: string): Promise<void> {
    const socket = tls.connect({ host: HOST, port, servername, rejectUnauthorized: false });
    await closed(socket);
  }

  /** Resolves when a connection has ended, for any reason. */
  function closed(socket: net.Socket): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('error', () => undefined).once('close', resolve);
    return promise;
  }

  async function sendTo(port: number, bytes: Buffer): Promise<void> {
    const socket = net.connect({ host: HOST, port });
    socket.resume().write(bytes);
    await closed(socket);
  }

  test('have data for every panel', async () => {
    const queries = DASHBOARDS.flatMap(queriesOf);
    expect(queries.length).toBeGreaterThan(80);
    let missing = queries;
    await traffic(
      backends.flows(HOST),
      async () => {
        const deadline = performance.now() + DATA_MS;
        while (missing.length > 0 && performance.now() < deadline) {
          await provoke();
          const results = await Promise.all(missing.map(async (query) => ({ query, series: await prometheus.query(query.expression) })));
          missing = results
            .filter(({ series }) => !series.some(({ value }) => Number.isFinite(Number(value[1]))))
            .map(({ query }) => query);
        }
      },
      20,
    );
    expect(missing).toEqual([]);
    expect(await prometheus.troubles()).toEqual([]);
    expect(await prometheus.badRules()).toEqual([]);
  });

  test.each(['controller', 'proxy', 'up'] as const)('read metrics of a %s that promtool finds no fault with', async (program) => {
    const address = program === 'proxy' ? addresses.proxies[0] : addresses[program];
    const { body } = await request(`http://${address}/metrics`);
    const text = await body.text();
    expect(text).toContain('\nweir_build_info{');
    expect(checkMetrics(text)).toBe('');
  });

  test('tell proxies apart that serve different configurations, and not those that serve the same', async () => {
    // A port that one of them cannot bind.
    const revisions = (await prometheus.query('weir_config_info{job="weir-proxy"}')).map(({ metric }) => metric['revision']);
    expect(new Set(revisions).size).toBe(2);
    taken.close();
    await site.cluster.until('one revision', async () => {
      const now = (await prometheus.query('weir_config_info{job="weir-proxy"}')).map(({ metric }) => metric['revision']);
      return now.length === 2 && new Set(now).size === 1;
    });
  });

  test('count what weir up leaves out', async () => {
    const problems = await prometheus.query('weir_problems{job="weir-up"}');
    expect(Object.fromEntries(problems.map(({ metric, value }) => [metric['kind'], value[1]]))).toEqual({
      Backend: '1',
      HTTPRoute: '1',
      unknown: '1',
    });
  });
});
