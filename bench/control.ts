// The control plane: HTTPRoutes in a real kube-apiserver, one controller and two proxies. Cold start until every route answers, then single
// new routes: from the API server's answer to the first 200 at every proxy, and the CPU time of all processes.
import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, Pool, request } from 'undici';
import { startCluster } from '../test/cluster/cluster.ts';
import type { Cluster } from '../test/cluster/cluster.ts';
import { cpuMicros, end, freePort, quit, residentMiB, startPinned } from './process.ts';
import { median } from './proxy.ts';

/** EndpointSlices refuse loopback addresses, so the origin has another address on the loopback device. */
const ORIGIN = '100.64.77.1';
const HOSTS = 100;
const CHANGES = 20;
/** Time after a change for status writes, whose CPU time counts too. */
const SETTLE_MS = 400;
const WRITERS = 16;
/** Settled: this number of seconds in a row with less CPU time than this, milliseconds. */
const QUIET_SECONDS = 3;
const QUIET_CPU_MS = 30;
const MAIN = path.resolve(import.meta.dirname, '..', 'cli', 'weir.ts');
const GATEWAY_API = '/apis/gateway.networking.k8s.io/v1';

/** One size. Times in milliseconds, CPU in milliseconds per change, bytes as pushed to one proxy per change. */
export interface ControlResult {
  readonly routes: number;
  readonly coldStart: number;
  readonly changeMedian: number;
  readonly changeP90: number;
  readonly cpuPerChange: number;
  readonly bytesPerChange: number;
  readonly recompiledPerChange: number;
  readonly endpointRecompiled: number;
  readonly controllerMiB: number;
  readonly proxyMiB: number;
}

interface Proxy {
  readonly child: ChildProcess;
  readonly pool: Pool;
}

interface Fleet {
  readonly controller: ChildProcess;
  readonly metricsPort: number;
  readonly originPort: number;
  readonly proxies: readonly Proxy[];
}

/** One run: number of routes, folder, ports. */
interface Run {
  readonly folder: string;
  readonly ports: Ports;
  readonly routes: number;
}

/** Runs all sizes in one cluster, one after another. Needs root, for the address of the origin. */
export async function benchControl(sizes: readonly number[]): Promise<readonly ControlResult[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-control-'));
  const cluster = await startCluster();
  address('add');
  const origin = http.createServer((_, response) => response.end('ok')).listen(0, ORIGIN);
  await once(origin, 'listening');
  try {
    const api = new Api(cluster);
    const ports = { listen: await freePort(), origin: (origin.address() as net.AddressInfo).port };
    await prepare(api, ports);
    const results: ControlResult[] = [];
    for (const routes of sizes) results.push(await measure(api, cluster, { folder, ports, routes }));
    return results;
  } finally {
    origin.close();
    address('del');
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function address(verb: 'add' | 'del'): void {
  const { status, stderr } = spawnSync('ip', ['address', verb, `${ORIGIN}/32`, 'dev', 'lo'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip address ${verb}: ${stderr}`);
}

/** A client of the API server with the rights of an administrator. */
class Api {
  readonly #cluster: Cluster;
  readonly #agent = new Agent({ connections: WRITERS, connect: { rejectUnauthorized: false } });

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async write(method: 'POST' | 'PUT', target: string, object: object): Promise<void> {
    const headers = { authorization: `Bearer ${this.#cluster.adminToken}`, 'content-type': 'application/json' };
    const { statusCode, body } = await request(`${this.#cluster.url}${target}`, {
      method,
      headers,
      body: JSON.stringify(object),
      dispatcher: this.#agent,
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${method} ${target}: ${statusCode} ${text}`);
  }
}

interface Ports {
  readonly listen: number;
  readonly origin: number;
}

async function prepare(api: Api, { listen, origin }: Ports): Promise<void> {
  const meta = { apiVersion: 'gateway.networking.k8s.io/v1', metadata: { name: 'bench' } };
  await api.write('POST', `${GATEWAY_API}/gatewayclasses`, {
    ...meta,
    kind: 'GatewayClass',
    spec: { controllerName: 'gateway.weir.dev/controller' },
  });
  const listeners = [{ name: 'http', protocol: 'HTTP', port: listen }];
  await api.write('POST', `${GATEWAY_API}/namespaces/default/gateways`, {
    ...meta,
    kind: 'Gateway',
    spec: { gatewayClassName: 'bench', listeners },
  });
  const ports = [{ name: 'http', port: 80 }];
  await api.write('POST', '/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'origin' },
    spec: { ports },
  });
  await api.write('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', endpointSlice(origin, [ORIGIN]));
}

function endpointSlice(port: number, addresses: readonly string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'origin', labels: { 'kubernetes.io/service-name': 'origin' } },
    addressType: 'IPv4',
    endpoints: addresses.map((each) => ({ addresses: [each], conditions: { ready: true } })),
    ports: [{ name: 'http', port }],
  };
}

async function createRoutes(api: Api, from: number, to: number): Promise<void> {
  let next = from;
  const writer = async (): Promise<void> => {
    while (next < to) await createRoute(api, next++);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

function createRoute(api: Api, i: number): Promise<void> {
  const rule = { matches: [{ path: { type: 'PathPrefix', value: `/route-${i}` } }], backendRefs: [{ name: 'origin', port: 80 }] };
  const spec = { parentRefs: [{ name: 'bench' }], hostnames: [hostOf(i)], rules: [rule] };
  const object = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: `r${i}` }, spec };
  return api.write('POST', `${GATEWAY_API}/namespaces/default/httproutes`, object);
}

function hostOf(i: number): string {
  return `host-${i % HOSTS}.example.com`;
}

/** Number of routes so far, over all sizes: they are never removed. */
let created = 0;

async function measure(api: Api, cluster: Cluster, run: Run): Promise<ControlResult> {
  await createRoutes(api, created, run.routes);
  created = run.routes;
  const started = performance.now();
  const fleet = await startFleet(cluster, run);
  for (const i of [0, Math.floor(run.routes / 2), run.routes - 1]) await Promise.all(fleet.proxies.map((proxy) => answers(proxy, i)));
  const coldStart = performance.now() - started;
  await settled(fleet);
  const result = {
    routes: run.routes,
    coldStart,
    ...(await change(api, fleet)),
    controllerMiB: residentMiB(fleet.controller.pid ?? 0),
    proxyMiB: residentMiB(fleet.proxies[0]?.child.pid ?? 0),
  };
  for (const { child, pool } of fleet.proxies) await Promise.all([pool.destroy(), end(child)]);
  await quit(fleet.controller);
  return result;
}

async function startFleet(cluster: Cluster, { folder, ports }: Run): Promise<Fleet> {
  const [pushPort, metricsPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const controller = startPinned(0, process.execPath, [
    ...[MAIN, 'controller', '--kubeconfig', cluster.kubeconfig, '--namespace', 'default', '--log-level', 'warn'],
    ...['--push-address', `127.0.0.1:${pushPort}`, '--metrics-address', `127.0.0.1:${metricsPort}`],
    ...['--admin-address', `127.0.0.1:${adminPort}`, '--addresses', '127.0.0.1'],
  ]);
  const proxies: Proxy[] = [];
  for (const id of ['a', 'b']) proxies.push(await startProxy(id, { folder, pushPort, listenPort: ports.listen }));
  return { controller, metricsPort, originPort: ports.origin, proxies };
}

/** Both proxies bind the listener's port, each on its own address, so that each can be tested separately. */
async function startProxy(id: string, of: { folder: string; pushPort: number; listenPort: number }): Promise<Proxy> {
  const [probePort, adminPort] = [await freePort(), await freePort()];
  const bindAddress = id === 'a' ? '127.0.0.2' : '127.0.0.3';
  const child = startPinned(0, process.execPath, [
    ...[MAIN, 'proxy', '--controller', `127.0.0.1:${of.pushPort}`, '--node-id', id, '--workers', '1', '--access-log', 'off'],
    ...[
      '--log-level',
      'warn',
      '--last-good',
      path.join(mkdtempSync(path.join(of.folder, 'proxy-')), 'last-good'),
      '--bind-address',
      bindAddress,
    ],
    ...['--probe-port', String(probePort), '--admin-port', String(adminPort)],
  ]);
  return { child, pool: new Pool(`http://${bindAddress}:${of.listenPort}`, { connections: 1 }) };
}

/** Resolves to the time at which a route answers at a proxy; sends a request every millisecond. */
async function answers(proxy: Proxy, i: number, deadlineMs = 120_000): Promise<number> {
  const deadline = performance.now() + deadlineMs;
  let status: number | null = null;
  while (performance.now() < deadline) {
    status = await ask(proxy, i);
    if (status === 200) return performance.now();
    if (status !== null && status !== 404) throw new Error(`route ${i} answered ${status}`);
    await wait(1);
  }
  throw new Error(`route ${i} did not answer but ${status}`);
}

async function ask({ pool }: Proxy, i: number): Promise<number | null> {
  try {
    const { statusCode, body } = await pool.request({ method: 'GET', path: `/route-${i}/x`, headers: { host: hostOf(i) } });
    await body.dump();
    return statusCode;
  } catch {
    return null;
  }
}

/** Resolves once statuses are written and garbage is collected, so that changes do not include work of the start. */
async function settled(fleet: Fleet): Promise<void> {
  for (let quiet = 0, before = cpuOf(fleet); quiet < QUIET_SECONDS;) {
    await wait(1_000);
    const after = cpuOf(fleet);
    quiet = after - before < QUIET_CPU_MS ? quiet + 1 : 0;
    before = after;
  }
}

type Changes = Omit<ControlResult, 'routes' | 'coldStart' | 'controllerMiB' | 'proxyMiB'>;

async function change(api: Api, fleet: Fleet): Promise<Changes> {
  const times: number[] = [];
  const before = await counters(fleet);
  let cpu = 0;
  for (let i = 0; i < CHANGES; i++) {
    const cpuBefore = cpuOf(fleet);
    const route = created++;
    await createRoute(api, route);
    const accepted = performance.now();
    const answered = await Promise.all(fleet.proxies.map((proxy) => answers(proxy, route)));
    times.push(Math.max(...answered) - accepted);
    await wait(SETTLE_MS);
    cpu += cpuOf(fleet) - cpuBefore;
  }
  const after = await counters(fleet);
  const sorted = times.sort((a, b) => a - b);
  return {
    changeMedian: median(sorted),
    changeP90: sorted[Math.floor(sorted.length * 0.9)] ?? Number.NaN,
    cpuPerChange: cpu / CHANGES,
    bytesPerChange: (after.bytes - before.bytes) / CHANGES / fleet.proxies.length,
    recompiledPerChange: (after.recompiled - before.recompiled) / CHANGES,
    endpointRecompiled: await recompiledByEndpoints(api, fleet),
  };
}

/** CPU time of controller and one proxy, milliseconds. */
function cpuOf(fleet: Fleet): number {
  const proxies = fleet.proxies.reduce((sum, { child }) => sum + cpuMicros(child.pid ?? 0), 0);
  return (cpuMicros(fleet.controller.pid ?? 0) + proxies / fleet.proxies.length) / 1_000;
}

async function counters({ metricsPort }: Fleet): Promise<{ bytes: number; recompiled: number }> {
  const { body } = await request(`http://127.0.0.1:${metricsPort}/metrics`);
  const text = await body.text();
  const sum = (name: string): number => {
    const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
    if (lines.length === 0) throw new Error(`the controller has no metric ${name}`);
    return lines.reduce((total, [, value]) => total + Number(value), 0);
  };
  return { bytes: sum('weir_push_bytes_total'), recompiled: sum('weir_compile_units_total') };
}

/** An endpoint change must recompile only the endpoints of one cluster. */
async function recompiledByEndpoints(api: Api, fleet: Fleet): Promise<number> {
  const before = await counters(fleet);
  const target = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/origin';
  await api.write('PUT', target, endpointSlice(fleet.originPort, [ORIGIN, '100.64.77.2']));
  await wait(SETTLE_MS);
  const { recompiled } = await counters(fleet);
  await api.write('PUT', target, endpointSlice(fleet.originPort, [ORIGIN]));
  return recompiled - before.recompiled;
}
