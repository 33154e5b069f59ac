// The endpoints of a cluster: of a Service port from EndpointSlices, of a Backend from its own list or from a source outside Kubernetes. No
// other unit reads these, so churn recompiles only this one.
import type { EndpointSlice, ServicePort, SliceEndpoint } from '#api/k8s/k8s.ts';
import type { Endpoint, Endpoints } from '#api/ir/ir.ts';
import { compareText } from '#lib/compare-text.ts';
import type { WantedEndpoints } from '../watch/found.ts';
import { refusal } from './addresses.ts';
import { endpointsOfBackend, foundEndpoints } from './backend-endpoints.ts';
import { questionOf } from './discovered.ts';
import { externalNameQuestion } from './external-name.ts';
import { parseClusterKey, type ClusterKey } from './cluster-key.ts';
import { selectPort } from './service-port.ts';
import { valueOnly, type UnitKind, type View } from './view.ts';

/** Key: that of the cluster. Clusters read the unit so that it exists; its value is constant. */
export const endpointsUnit: UnitKind<null> = {
  name: 'endpoints',
  stage: 'leaf',
  fallback: () => null,
  compile(view, key) {
    const clusterKey = parseClusterKey(key);
    const question = wantedBy(view, clusterKey);
    const endpoints = endpointsOf(view, clusterKey, question);
    const resource: Endpoints = { kind: 'Endpoints', key, endpoints: [...sortedByAddress(endpoints ?? [])] };
    const resources = [endpoints === null ? { ...resource, unresolved: true as const } : resource];
    return { ...valueOnly(null), resources, wants: question === null ? [] : [question] };
  },
};

/** The question to a source outside Kubernetes; null if objects have the endpoints. */
function wantedBy(view: View, key: ClusterKey): WantedEndpoints | null {
  if (key.kind === 'Service') return externalNameQuestion(view, key);
  const backend = view.object('Backend', key.namespace, key.name);
  return backend === undefined ? null : questionOf(view, backend);
}

/** Null before the source has answered. */
function endpointsOf(view: View, key: ClusterKey, question: WantedEndpoints | null): readonly Endpoint[] | null {
  if (key.kind === 'Backend') {
    const backend = view.object('Backend', key.namespace, key.name);
    return backend === undefined ? [] : endpointsOfBackend(view, backend).endpoints;
  }
  if (question !== null) return foundEndpoints(view, question.owner).endpoints;
  return sliceEndpoints(view, key);
}

function sliceEndpoints(view: View, key: ClusterKey & { kind: 'Service' }): readonly Endpoint[] {
  const service = view.object('Service', key.namespace, key.name);
  const port = service === undefined ? undefined : selectPort(service, key.port, key.transport);
  if (service === undefined || port === undefined) return [];
  const slices = view.list('endpointSlicesByService', `${key.namespace}/${key.name}`);
  const endpoints = (some: readonly EndpointSlice[]): readonly Endpoint[] =>
    some.flatMap((slice) => endpointsIn(slice, port)).filter((each) => refusal({ ...each, origin: 'written' }, view.options) === null);
  const { ipFamilies = [] } = service.spec;
  if (ipFamilies.length < 2) return endpoints(slices);
  // Each pod is in slices of both families: it is one endpoint with one health, at its address of the first family.
  const byFamily = ipFamilies.map((family) => endpoints(slices.filter(({ addressType }) => addressType === family)));
  return byFamily.find((found) => found.length > 0) ?? [];
}

/** A slice lists ports by the name of the Service port, each with the number at which the pods listen. */
function endpointsIn(slice: EndpointSlice, port: ServicePort): readonly Endpoint[] {
  if (slice.addressType === 'FQDN') return [];
  const number = slice.ports.find((p) => p.name === port.name && p.protocol === port.protocol)?.port;
  if (number === undefined) return [];
  return slice.endpoints.filter(isServing).map((endpoint) => ({
    // The API says that consumers may treat the addresses as fungible, so the first is enough.
    address: endpoint.addresses[0] ?? '',
    port: number,
    draining: endpoint.conditions.terminating === true,
    ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
    ...zonesOf(endpoint),
  }));
}

/** The zones that are to use the endpoint, if Kubernetes allocates zones. */
function zonesOf({ hints }: SliceEndpoint): Pick<Endpoint, 'zones'> {
  const zones = (hints?.forZones ?? []).map(({ name }) => name);
  return zones.length === 0 ? {} : { zones };
}

/** Ready, or terminating and still serving. Absent conditions count as ready (EndpointConditions, discovery/v1). */
function isServing({ conditions }: SliceEndpoint): boolean {
  return conditions.ready !== false || (conditions.terminating === true && conditions.serving === true);
}

/** A pod that moves between slices is in both: it is listed once, and drains only if both say so. */
function sortedByAddress(endpoints: readonly Endpoint[]): Iterable<Endpoint> {
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.address} ${endpoint.port}`;
    const known = byAddress.get(key);
    if (known === undefined || preferred(endpoint, known)) byAddress.set(key, endpoint);
  }
  return [...byAddress.values()].sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

function preferred(endpoint: Endpoint, known: Endpoint): boolean {
  if (endpoint.draining !== known.draining) return known.draining;
  return compareText(endpoint.zone ?? '', known.zone ?? '') > 0;
}
