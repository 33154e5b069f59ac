// Clusters: the targets of backendRefs (a port of a Service, or a Backend), if requests can be sent there.
import type { ClusterProtocol, UpstreamTls } from '#api/ir/ir.ts';
import type { Backend, Service } from '#api/k8s/k8s.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { endpointsOfBackend } from './backend-endpoints.ts';
import { tlsOf } from './backend-tls.ts';
import { formatClusterKey, parseClusterKey, type ClusterKey } from './cluster-key.ts';
import type { BackendObstacle } from './conditions.ts';
import { faultOf, sourceOf } from './discovered.ts';
import { endpointsUnit } from './endpoint-slice.ts';
import { externalNameObstacle } from './external-name.ts';
import { httpProtocol, selectPort } from './service-port.ts';
import { FAULT, valueOnly, type UnitKind, type View } from './view.ts';

/** Per use of the cluster, the obstacle; null if there is none. */
export interface ClusterOutcome {
  readonly datagrams: BackendObstacle | null;
  readonly connections: BackendObstacle | null;
  readonly requests: BackendObstacle | null;
}

/** Key: that of the cluster. The Cluster and its Endpoints exist as resources while a route refers to them. */
export const clusterUnit: UnitKind<ClusterOutcome> = {
  name: 'cluster',
  stage: 'parent',
  fallback: faulty,
  compile(view, text) {
    const key = parseClusterKey(text);
    const found = key.kind === 'Service' ? resolveService(view, key) : resolveBackend(view, key);
    const counters = [inUse(`${key.kind}/${key.namespace}/${key.name}`)];
    if ('reason' in found) return { ...valueOnly({ datagrams: found, connections: found, requests: found }), counters };
    view.read(endpointsUnit, text);
    const outcome = { datagrams: null, connections: null, requests: found.requests };
    const tls = found.tls === undefined ? {} : { tls: found.tls };
    const source = found.source === undefined ? {} : { source: found.source };
    return { ...valueOnly(outcome), counters, resources: [{ kind: 'Cluster', key: text, protocol: found.protocol, ...tls, ...source }] };
  },
};

/** The counter of the clusters of an object: of those that served routes refer to. */
export function inUse(object: string): string {
  return `cluster ${object}`;
}

function faulty(key: string): ClusterOutcome {
  const obstacle: BackendObstacle = { reason: 'BackendNotFound', message: `${key} ${FAULT}` };
  return { datagrams: obstacle, connections: obstacle, requests: obstacle };
}

/** A usable cluster. One of protocol `tcp` takes connections only; `requests` gives the reason. */
interface Usable {
  readonly protocol: ClusterProtocol;
  readonly requests: BackendObstacle | null;
  readonly tls?: UpstreamTls | undefined;
  readonly source?: string | undefined;
}

function resolveService(view: View, key: ClusterKey & { kind: 'Service' }): Usable | BackendObstacle {
  const id = `Service/${key.namespace}/${key.name}`;
  const service = view.object('Service', key.namespace, key.name);
  if (service === undefined) return { reason: 'BackendNotFound', message: `${id} does not exist` };
  const obstacle = externalNameObstacle(view, service);
  if (obstacle !== null) return { reason: 'InvalidKind', message: `${id} is of type ExternalName, ${obstacle}` };
  const port = selectPort(service, key.port, key.transport);
  if (port === undefined) return { reason: 'BackendNotFound', message: `${id} has no port ${key.port}${portsOf(service)}` };
  if (port.protocol !== key.transport) {
    return { reason: 'UnsupportedProtocol', message: `${id} port ${key.port} has protocol ${port.protocol}, which is not supported` };
  }
  const source = sourceOfService(service);
  if (port.protocol === 'UDP') return { protocol: 'udp', requests: null, source };
  const tls = tlsOf(view, `/${id}`, port.name);
  const protocol = httpProtocol(port, tls !== undefined);
  if (protocol !== null) return { protocol, requests: null, tls, source };
  const message = `${id} port ${key.port} has appProtocol ${port.appProtocol ?? ''}, which is not supported`;
  return { protocol: 'tcp', requests: { reason: 'UnsupportedProtocol', message } };
}

function resolveBackend(view: View, key: ClusterKey): Usable | BackendObstacle {
  const id = formatClusterKey(key);
  const backend = view.object('Backend', key.namespace, key.name);
  if (backend === undefined) return { reason: 'BackendNotFound', message: `${id} does not exist` };
  const fault = faultOf(backend);
  if (fault !== null) return { reason: 'BackendNotFound', message: `${id} is not valid: ${fault}` };
  const refused = refusedEntirely(view, backend);
  if (refused !== null) return { reason: 'RefNotPermitted', message: `${id}: endpoint ${refused}` };
  const source = sourceOf(backend);
  const text = source.ok ? source.value?.text : undefined;
  return { protocol: backend.spec.protocol, requests: null, tls: tlsOf(view, `${WEIR_GROUP}/${id}`, ''), source: text };
}

function sourceOfService({ spec }: Service): string | undefined {
  return spec.type === 'ExternalName' ? `dns ${spec.externalName ?? ''} (Any)` : undefined;
}

/** Why a Backend with fixed endpoints has none that is permitted. The answers of sources change too often to be an error of routes. */
function refusedEntirely(view: View, backend: Backend): string | null {
  if (backend.spec.endpoints === undefined) return null;
  const { endpoints, refused } = endpointsOfBackend(view, backend);
  return endpoints?.length === 0 ? (refused[0] ?? null) : null;
}

function portsOf({ spec }: Service): string {
  const ports = [...new Set(spec.ports.map(({ port }) => port))];
  return ports.length === 0 ? '; it has no ports' : `; its ports are ${ports.join(', ')}`;
}
