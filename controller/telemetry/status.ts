// The status of a fleet for operators: what the configuration says, joined with what proxies see, and the problems of both, the worst
// first. Plain data: `weir status --output json` prints it.
import type { Endpoints, Listener, Resource, Route, StreamRoute } from '#api/ir/ir.ts';
import { worstBreaker } from '#api/wire/breaker-state.ts';
import type { BreakerState } from '#api/wire/breaker-state.ts';
import { isAgainst } from '#api/wire/endpoint-reasons.ts';
import { compareText } from '#lib/compare-text.ts';
import { quantile } from '#lib/histogram.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { AddressSeen, Aggregate, BackendSeen, EndpointSeen, ProxySeen, ReasonSeen, RouteSeen } from './aggregate.ts';
import type { Override } from './overrides.ts';
import { problemsOf } from './problems.ts';
import type { StatusProblem } from './problems.ts';

/** A proxy; `no telemetry`: it is of a release that does not report. */
export type StatusProxy = Omit<ProxySeen, 'state' | 'id' | 'commands'> & { readonly state: ProxySeen['state'] | 'no telemetry' };

export interface StatusListener {
  readonly listener: string;
  readonly protocol: string;
  readonly port: number;
  readonly hostname: string;
  /** Why it is not served; '' if it is. */
  readonly unserved: string;
}

/** Rates per second and durations in milliseconds are of about the last minute. */
export interface StatusRoute {
  readonly route: string;
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly errors: Readonly<Record<string, number>>;
}

export interface StatusEndpoint {
  readonly endpoint: string;
  /** ready: chosen by all proxies; degraded: not by some; unusable: by none; draining: it is to go; out, in: an operator says so. */
  readonly state: 'ready' | 'degraded' | 'unusable' | 'draining' | 'out' | 'in';
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly firstByteMs: number | null;
  readonly inFlight: number;
  readonly connections: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Why proxies do not choose it, and which. */
  readonly reasons: readonly ReasonSeen[];
}

export interface StatusBackend {
  readonly backend: string;
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** The state of its breaker: what an operator says, or the worst at any proxy; '' without one. */
  readonly breaker: BreakerState;
  /** The number of proxies by the state of its breaker. */
  readonly breakers: Readonly<Record<string, number>>;
  readonly endpoints: readonly StatusEndpoint[];
}

export interface FleetStatus {
  readonly version: string;
  /** The time of the status. */
  readonly at: string;
  readonly problems: readonly StatusProblem[];
  /** Controllers that did not answer: the status lacks their proxies. */
  readonly missing: readonly string[];
  readonly proxies: readonly StatusProxy[];
  readonly listeners: readonly StatusListener[];
  readonly routes: readonly StatusRoute[];
  readonly backends: readonly StatusBackend[];
  readonly overrides: readonly Pick<Override, 'kind' | 'backend' | 'endpoint' | 'state' | 'at'>[];
}

export interface StatusInput {
  readonly version: string;
  readonly at: Date;
  readonly aggregate: Aggregate;
  readonly resources: Iterable<Resource>;
  readonly overrides: readonly Override[];
  readonly missing: readonly string[];
}

/** The status of a fleet. */
export function statusOf({ version, at, aggregate, resources, overrides, missing }: StatusInput): FleetStatus {
  const byKind = Map.groupBy(resources, ({ kind }) => kind);
  const listeners = (byKind.get('Listener') ?? []) as Listener[];
  const routes = [...(byKind.get('Route') ?? []), ...(byKind.get('StreamRoute') ?? [])] as (Route | StreamRoute)[];
  const endpoints = (byKind.get('Endpoints') ?? []) as Endpoints[];
  const present = aggregate.proxies.filter(({ state }) => state !== 'away').length;
  const status = {
    version,
    at: at.toISOString(),
    missing,
    proxies: proxiesOf(aggregate),
    listeners: sorted(listeners.map(listenerOf), ({ listener }) => listener),
    routes: routesOf(routes, aggregate.routes),
    backends: backendsOf(endpoints, aggregate, { present, overrides }),
    overrides: overrides.map(({ kind, backend, endpoint, state, at: since }) => ({ kind, backend, endpoint, state, at: since })),
  };
  return { ...status, problems: problemsOf(status, aggregate.refused) };
}

function listenerOf({ key, protocol, port, hostname, unserved = '' }: Listener): StatusListener {
  return { listener: key, protocol, port, hostname, unserved };
}

/** Proxies with a push stream and without telemetry are of an earlier release. */
function proxiesOf({ proxies, subscribed }: Aggregate): readonly StatusProxy[] {
  const known = new Set(proxies.filter(({ state }) => state !== 'away').map(({ node, scope }) => `${scope}|${node}`));
  const silent = subscribed.filter(({ node, scope }) => !known.has(`${scope}|${node}`));
  const unknown = { memory: 0, lagMs: 0, connections: 0, requests: 0, workers: 0, draining: false, uptimeMs: 0 };
  const quiet = new Set(silent.map(({ node, scope }) => `${scope}|${node}`));
  return sorted(
    [
      ...proxies
        .filter(({ node, scope }) => !quiet.has(`${scope}|${node}`))
        .map(({ id: _id, commands: _commands, ...proxy }): StatusProxy => proxy),
      ...silent.map((proxy): StatusProxy => ({ ...proxy, ...unknown, state: 'no telemetry', reportAgeMs: null, revision: '' })),
    ],
    ({ scope, node }) => `${scope}|${node}`,
  );
}

function routesOf(routes: readonly (Route | StreamRoute)[], seen: readonly RouteSeen[]): readonly StatusRoute[] {
  const byKey = new Map(seen.map((each) => [each.route, each]));
  return sorted(
    routes.map(({ key }) => routeOf(key, byKey.get(key))),
    ({ route }) => route,
  );
}

function routeOf(route: string, seen: RouteSeen | undefined): StatusRoute {
  const duration = seen?.duration ?? [];
  return {
    route,
    requestsPerSecond: seen?.requestsPerSecond ?? 0,
    failuresPerSecond: seen?.failuresPerSecond ?? 0,
    p50Ms: quantile(duration, 0.5),
    p99Ms: quantile(duration, 0.99),
    errors: seen?.errors ?? {},
  };
}

/** What the endpoints of all backends have in common. */
interface Common {
  /** Proxies that report. */
  readonly present: number;
  readonly overrides: readonly Override[];
}

function backendsOf(resources: readonly Endpoints[], aggregate: Aggregate, common: Common): readonly StatusBackend[] {
  const backends = new Map(aggregate.backends.map((each) => [each.backend, each]));
  const addresses = new Map(aggregate.addresses.map((each) => [each.endpoint, each]));
  return sorted(
    resources.map((resource) => backendOf(resource, backends.get(resource.key), addresses, common)),
    ({ backend }) => backend,
  );
}

function backendOf(
  { key, endpoints }: Endpoints,
  seen: BackendSeen | undefined,
  addresses: ReadonlyMap<string, AddressSeen>,
  common: Common,
): StatusBackend {
  const counted = new Map(seen?.endpoints.map((each) => [each.endpoint, each]));
  const joined = endpoints.map(({ address, port, draining }) => {
    const name = joinAddress(address, port);
    return endpointOf(name, draining, { counted: counted.get(name), address: addresses.get(name) }, common);
  });
  const firstByte = seen?.firstByte ?? [];
  const all = seen?.endpoints ?? [];
  return {
    backend: key,
    requestsPerSecond: all.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
    failuresPerSecond: all.reduce((sum, { failuresPerSecond }) => sum + failuresPerSecond, 0),
    p50Ms: quantile(firstByte, 0.5),
    p99Ms: quantile(firstByte, 0.99),
    breaker: breakerOf(key, seen?.breakers ?? {}, common.overrides),
    breakers: seen?.breakers ?? {},
    endpoints: joined,
  };
}

function breakerOf(backend: string, breakers: BackendSeen['breakers'], overrides: readonly Override[]): BreakerState {
  const override = overrides.find((each) => each.kind === 'breaker' && each.backend === backend)?.state;
  if (override !== undefined) return override === 'open' ? 'forced-open' : 'forced-closed';
  return worstBreaker(new Set(Object.keys(breakers)));
}

interface Joined {
  readonly counted: EndpointSeen | undefined;
  readonly address: AddressSeen | undefined;
}

/** An endpoint and an address of which no proxy has reported anything. */
const UNCOUNTED: Omit<EndpointSeen, 'endpoint' | 'requests'> = {
  requestsPerSecond: 0,
  failuresPerSecond: 0,
  firstByteMs: null,
  failures: {},
};
const UNSEEN: Omit<AddressSeen, 'endpoint'> = { inFlight: 0, connections: 0, states: [] };

function endpointOf(endpoint: string, draining: boolean, { counted, address }: Joined, { present, overrides }: Common): StatusEndpoint {
  const { requestsPerSecond, failuresPerSecond, firstByteMs, failures } = counted ?? UNCOUNTED;
  const { inFlight, connections, states: reasons } = address ?? UNSEEN;
  const override = overrides.find((each) => each.kind === 'endpoint' && each.endpoint === endpoint)?.state;
  const state = override === 'out' || override === 'in' ? override : stateOf(draining, reasons, present);
  return { endpoint, state, requestsPerSecond, failuresPerSecond, firstByteMs, failures, reasons, inFlight, connections };
}

function stateOf(draining: boolean, reasons: readonly ReasonSeen[], present: number): StatusEndpoint['state'] {
  if (draining) return 'draining';
  const against = reasons.filter(({ reason }) => isAgainst(reason));
  if (against.length === 0) return 'ready';
  return against.some(({ count }) => count >= present) ? 'unusable' : 'degraded';
}

function sorted<Item>(items: readonly Item[], nameOf: (item: Item) => string): readonly Item[] {
  return items.toSorted((one, other) => compareText(nameOf(one), nameOf(other)));
}
