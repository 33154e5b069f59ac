// Kubernetes objects for many tests, in the form for kubectl.

/** The controllerName of GatewayClasses that Weir serves by default. */
export const CONTROLLER_NAME = 'gateway.weir.dev/controller';
const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const WEIR_GROUP = 'gateway.weir.dev';

/** An object in the form for kubectl. */
export type Manifest = Readonly<Record<string, unknown>>;

/** JSON for `kubectl apply`: all the objects at once. */
export function listOf(...items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** A GatewayClass of Weir, or of another controller. */
export function gatewayClass(name = 'weir', controllerName = CONTROLLER_NAME): Manifest {
  return { apiVersion: GATEWAY_API, kind: 'GatewayClass', metadata: { name }, spec: { controllerName } };
}

/** A listener; its default protocol is HTTP. */
export interface TestListener {
  readonly name: string;
  readonly port: number;
  readonly protocol?: string;
  readonly tls?: object;
  readonly hostname?: string;
}

/** A Gateway of a class, Weir's unless given. */
export function gateway(name: string, listeners: readonly TestListener[], gatewayClassName = 'weir'): Manifest {
  const spec = { gatewayClassName, listeners: listeners.map((listener) => ({ protocol: 'HTTP', ...listener })) };
  return { apiVersion: GATEWAY_API, kind: 'Gateway', metadata: { name }, spec };
}

/** A route of paths below `/<name>` to port 80 of a Service, for the Gateways named: `gw`, or `gw/listener`. */
export function httpRoute(name: string, service: string, gateways: readonly string[] = ['gw']): Manifest {
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }], backendRefs: [{ name: service, port: 80 }] }];
  const spec = { parentRefs: gateways.map(parentRef), rules };
  return { apiVersion: GATEWAY_API, kind: 'HTTPRoute', metadata: { name }, spec };
}

/** A Backend, and a route of the same name for the Gateway `gw` that sends all requests to it. `rule`: further fields of its rule. */
export function backendWithRoute(name: string, spec: object, rule: object = {}): readonly Manifest[] {
  const backendRefs = [{ group: WEIR_GROUP, kind: 'Backend', name }];
  return [
    { apiVersion: `${WEIR_GROUP}/v1alpha1`, kind: 'Backend', metadata: { name }, spec },
    {
      ...{ apiVersion: GATEWAY_API, kind: 'HTTPRoute', metadata: { name } },
      spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs, ...rule }] },
    },
  ];
}

/** For the folder of `weir up`: a Gateway `gw` with this HTTP port, and what `backendWithRoute` makes. */
export function backendSite(port: number, ...[name, spec, rule]: Parameters<typeof backendWithRoute>): string {
  return listOf(gatewayClass(), gateway('gw', [{ name: 'http', port }]), ...backendWithRoute(name, spec, rule));
}

function parentRef(gateway: string): object {
  const [name, sectionName] = gateway.split('/');
  return { name, ...(sectionName === undefined ? {} : { sectionName }) };
}

/** The endpoint of a Service without selector. */
export interface ServiceTarget {
  readonly address: string;
  readonly port: number;
  /** The appProtocol of the Service, such as `kubernetes.io/h2c`. */
  readonly appProtocol?: string;
}

/** A Service with port 80, and its EndpointSlice, for a backend in the test's process. */
export function serviceOf(name: string, { address, port, appProtocol }: ServiceTarget): readonly Manifest[] {
  const protocol = appProtocol === undefined ? {} : { appProtocol };
  return [
    {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
      spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80, ...protocol }] },
    },
    {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      ports: [{ name: 'http', port, protocol: 'TCP', ...protocol }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ];
}
