// A real worker in the test's process, with resources from a test, or compiled from Kubernetes objects.
import type * as ir from '#api/ir/ir.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import type { MetricJson } from '#lib/metric.ts';
import { Worker, type WorkerOptions } from '../../proxy/worker.ts';
import { until } from './until.ts';

/** The configured port of test listeners; the bound port differs. */
export const LISTENER_PORT = 80;

/** Proxies of tests refuse nothing for overload: the machine may be busy with other things. */
const UNSHED: Partial<Limits> = { shedLoopDelay: 0, shedMemoryPercent: 0, shedCpuPercent: 0 };

export interface Proxy {
  readonly port: number;
  readonly worker: Worker;
  /** A metric by name, the sum over its labels. */
  metric(name: string): number;
  /** Resolves once no request is in flight and no connection is open downstream. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Options of the worker that tests set. */
type ProxyOptions = Partial<
  Pick<
    WorkerOptions,
    | 'via'
    | 'overloadSignals'
    | 'filterKinds'
    | 'redis'
    | 'allowedServices'
    | 'documentTimes'
    | 'securityLog'
    | 'accessLogSettings'
    | 'otlp'
    | 'tracing'
  >
>;

/** Starts a worker with these resources; rejects if one has a problem. */
export async function startProxy(
  resources: readonly ir.Resource[],
  limits: Partial<Limits> = {},
  accessLog = 'off',
  more: ProxyOptions = {},
): Promise<Proxy> {
  const worker = new Worker({
    limits: { ...DEFAULT_LIMITS, ...UNSHED, ...limits },
    ...more,
    accessLog,
    reusePort: false,
    drainTimeout: 1_000,
    bindPort: () => 0,
  });
  const errors = await worker.apply(resources, []);
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  const metric = (name: string): number => {
    const family = worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson } | undefined;
    if (family === undefined) throw new Error(`no metric ${name}`);
    return family.get().values.reduce((sum, { value }) => sum + value, 0);
  };
  let stopped: Promise<boolean> | null = null;
  return {
    port: worker.boundPort(LISTENER_PORT) as number,
    worker,
    metric,
    quiet: () => until(() => metric('weir_requests_active') === 0 && metric('weir_downstream_connections_active') === 0, 'quiet'),
    close: async () => void (await (stopped ??= worker.stop(1))),
  };
}

/** Starts a worker with resources compiled from Kubernetes objects. */
export function startProxyFor(objects: readonly unknown[], limits: Partial<Limits> = {}): Promise<Proxy> {
  const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true, bindAddresses: true });
  const { changed, rejected } = compiler.apply(objects.map((object) => ({ type: 'upsert', object }) as never));
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  return startProxy(
    changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource),
    limits,
  );
}

/** The metric labels of traffic to `listener()` and `route()`. */
export const ORIGIN = 'gateway="default/gateway",listener="default/gateway/http",route="HTTPRoute/default/route/0"';

/** A listener for every host on the port. */
export function listener(fields: Partial<ir.Listener> = {}): ir.Listener {
  return {
    kind: 'Listener',
    key: 'default/gateway/http',
    gateway: 'default/gateway',
    addresses: [],
    port: LISTENER_PORT,
    protocol: 'HTTP',
    hostname: '',
    tls: null,
    ...fields,
  };
}

/** A cluster with endpoints on these ports of 127.0.0.1. */
export function cluster(name: string, ports: readonly number[], protocol: ir.ClusterProtocol = 'http1'): ir.Resource[] {
  const key = `Service/default/${name}/80`;
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port, draining: false }));
  return [
    { kind: 'Cluster', key, protocol },
    { kind: 'Endpoints', key, endpoints },
  ];
}

/** A weighted reference of a route to a cluster of `cluster`. */
export function backend(name: string, weight = 1, filters: ir.Filter[] = []): ir.RouteBackend {
  return { cluster: `Service/default/${name}/80`, weight, filters };
}

/** A route for every path under `/` to the cluster `app`. */
export function route(fields: Partial<ir.Route> = {}): ir.Route {
  const name = fields.name ?? 'route';
  return {
    kind: 'Route',
    key: `HTTPRoute/default/${name}/0`,
    objectKind: 'HTTPRoute',
    namespace: 'default',
    name,
    ruleIndex: 0,
    ruleName: '',
    createdAt: 0,
    attachments: [{ listener: 'default/gateway/http', hostnames: [''] }],
    matches: [pathMatch('PathPrefix', '/')],
    filters: [],
    backends: [backend('app')],
    timeouts: { request: null, backendRequest: null },
    retry: null,
    ...fields,
  };
}

/** A stream route for every connection of the listener, to the cluster `app`. */
export function streamRoute(fields: Partial<ir.StreamRoute> = {}): ir.StreamRoute {
  const name = fields.name ?? 'stream';
  return {
    kind: 'StreamRoute',
    key: `TCPRoute/default/${name}/0`,
    objectKind: 'TCPRoute',
    namespace: 'default',
    name,
    ruleIndex: 0,
    ruleName: '',
    createdAt: 0,
    attachments: [{ listener: 'default/gateway/http', hostnames: [''] }],
    backends: [streamBackend('app')],
    ...fields,
  };
}

/** A weighted reference of a stream route to a cluster of `cluster`. */
export function streamBackend(name: string, weight = 1): ir.StreamBackend {
  return { cluster: `Service/default/${name}/80`, weight };
}

export function pathMatch(type: ir.PathMatch['type'], value: string): ir.Match {
  return { path: { type, value }, method: null, headers: [], queryParams: [] };
}

/** All resources to proxy `/` to one backend. */
export function toUpstream(port: number, fields: Partial<ir.Route> = {}): ir.Resource[] {
  return [listener(), ...cluster('app', [port]), route(fields)];
}
