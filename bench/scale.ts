// The cost of size: thousands of routes through the compiler and into a runtime, then single changes. Counters and bytes do not depend on
// the machine; times do.
import type * as ir from '#api/ir/ir.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { buildTable } from '#api/match/table.ts';
import type { MatchRequest, RouteTable } from '#api/match/table.ts';
import { Compiler } from '../controller/compile/compile.ts';
import type { CompileDelta } from '../controller/compile/result.ts';
import { DEFAULT_LIMITS } from '../proxy/exchange/limits.ts';
import { Worker } from '../proxy/worker.ts';
import { median } from './proxy.ts';

/** Number of changes of each kind per size; results are medians. */
const CHANGES = 50;
const FINDS = 500_000;
const CONTROLLER_NAME = 'gateway.weir.dev/controller';

/** The results for one size. Times in milliseconds unless noted. */
export interface ScaleResult {
  readonly routes: number;
  readonly compileAll: number;
  readonly applyAll: number;
  readonly allBytes: number;
  /** Heap per route, bytes: objects and compiled units in the controller; runtime in a proxy. */
  readonly controllerHeap: number;
  readonly proxyHeap: number;
  readonly findNanos: number;
  /** One HTTPRoute changes its backend. */
  readonly change: ChangeCost;
  /** One EndpointSlice changes an address. */
  readonly endpoints: ChangeCost;
}

/** The cost of one change from event to runtime. */
export interface ChangeCost {
  readonly recompiled: number;
  readonly bytes: number;
  readonly compile: number;
  readonly apply: number;
}

/** Runs one size. Needs `node --expose-gc`. */
export async function benchScale(routes: number): Promise<ScaleResult> {
  const worker = new Worker({ limits: DEFAULT_LIMITS, accessLog: 'off', via: '', reusePort: false, drainTimeout: 0, bindPort: () => 0 });
  const before = heap();
  const compiler = new Compiler({ controllerName: CONTROLLER_NAME });
  const objects = scenario(routes);
  const started = performance.now();
  const all = compiler.apply(objects.map((object) => ({ type: 'upsert', object })));
  const compiled = performance.now();
  const controllerHeap = (heap() - before) / routes;
  const applying = performance.now();
  await worker.apply(decode(all), all.removed);
  const applied = performance.now();
  const proxyHeap = (heap() - before) / routes - controllerHeap;
  const result: ScaleResult = {
    routes,
    compileAll: compiled - started,
    applyAll: applied - applying,
    allBytes: bytesOf(all),
    controllerHeap,
    proxyHeap,
    findNanos: findNanos(worker.resources(), routes),
    change: await costOf(compiler, worker, (i) => httpRoute((i * 37) % routes, 'b')),
    endpoints: await costOf(compiler, worker, (i) => endpointSlice('a', (i * 37) % hostsOf(routes), `10.1.${i}.1`)),
  };
  await worker.stop(0);
  return result;
}

async function costOf(compiler: Compiler, worker: Worker, change: (i: number) => KubernetesObject): Promise<ChangeCost> {
  const costs: ChangeCost[] = [];
  for (let i = 0; i < CHANGES; i++) {
    const object = change(i);
    const started = performance.now();
    const delta = compiler.apply([{ type: 'upsert', object }]);
    const compiled = performance.now();
    await worker.apply(decode(delta), delta.removed);
    const applied = performance.now();
    costs.push({ recompiled: delta.recompiled, bytes: bytesOf(delta), compile: compiled - started, apply: applied - compiled });
  }
  const middle = (pick: (cost: ChangeCost) => number): number => median(costs.map(pick));
  return {
    recompiled: middle((cost) => cost.recompiled),
    bytes: middle((cost) => cost.bytes),
    compile: middle((cost) => cost.compile),
    apply: middle((cost) => cost.apply),
  };
}

function decode(delta: CompileDelta): ir.Resource[] {
  return delta.changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
}

function bytesOf(delta: CompileDelta): number {
  return delta.changed.reduce((sum, { body }) => sum + body.length, 0);
}

function heap(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function findNanos({ listeners, routes }: { listeners: readonly ir.Listener[]; routes: readonly ir.Route[] }, count: number): number {
  const table: RouteTable = buildTable(listeners, routes);
  const requests = Array.from({ length: 1_000 }, (_, i) => ask((i * 7_919) % count));
  let found = 0;
  const started = performance.now();
  for (let i = 0; i < FINDS; i++) if (table.find(requests[i % requests.length] as MatchRequest) !== null) found++;
  const nanos = ((performance.now() - started) * 1e6) / FINDS;
  if (found !== FINDS) throw new Error(`${FINDS - found} requests found no route`);
  return nanos;
}

function ask(i: number): MatchRequest {
  return {
    method: 'GET',
    host: `api-${Math.floor(i / 50)}.example.com`,
    path: `/v1/things-${i % 50}/42`,
    query: '',
    headers: ['accept', '*/*'],
  };
}

/** Fifty routes a host name, and two Services with an EndpointSlice each. */
function scenario(routes: number): KubernetesObject[] {
  const services = Array.from({ length: hostsOf(routes) }, (_, i) =>
    ['a', 'b'].flatMap((name) => [service(name, i), endpointSlice(name, i, '10.0.0.1')]),
  );
  return [...frame(), ...services.flat(), ...Array.from({ length: routes }, (_, i) => httpRoute(i, 'a'))];
}

function hostsOf(routes: number): number {
  return Math.ceil(routes / 50);
}

function frame(): KubernetesObject[] {
  const gateway = { apiVersion: 'gateway.networking.k8s.io/v1', metadata: { name: 'bench' } };
  const listeners = [{ name: 'http', protocol: 'HTTP', port: 80 }];
  const objects: (KubernetesObject & { readonly spec: object })[] = [
    { ...gateway, kind: 'GatewayClass', spec: { controllerName: CONTROLLER_NAME } },
    {
      ...gateway,
      kind: 'Gateway',
      metadata: { name: 'bench', namespace: 'default', generation: 1 },
      spec: { gatewayClassName: 'bench', listeners },
    },
  ];
  return objects;
}

function httpRoute(i: number, backend: string): KubernetesObject {
  const rule = {
    matches: [{ path: { type: 'PathPrefix', value: `/v1/things-${i % 50}` } }],
    backendRefs: [{ name: `${backend}-${Math.floor(i / 50)}`, port: 80 }],
  };
  const spec = { parentRefs: [{ name: 'bench' }], hostnames: [`api-${Math.floor(i / 50)}.example.com`], rules: [rule] };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `r${i}`, namespace: 'default', generation: 1 },
    spec,
  } as KubernetesObject;
}

function service(name: string, i: number): KubernetesObject {
  const metadata = { name: `${name}-${i}`, namespace: 'default' };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: '', port: 80 }] } } as KubernetesObject;
}

function endpointSlice(name: string, i: number, address: string): KubernetesObject {
  const metadata = { name: `${name}-${i}`, namespace: 'default', labels: { 'kubernetes.io/service-name': `${name}-${i}` } };
  const endpoints = [{ addresses: [address] }, { addresses: ['10.0.0.2'] }];
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: '', port: 8080 }],
  } as KubernetesObject;
}
