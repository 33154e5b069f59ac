// What proxies see together, as data that replicas can exchange and add up. Rates and durations are of about the last minute.
import type { GaugesMessage } from '#api/wire/telemetry-messages.ts';

/** A proxy as its stream shows it. */
export interface ProxySeen extends GaugesMessage {
  /** Unique: scope, node id and start of the process. */
  readonly id: string;
  readonly node: string;
  /** `shared`, or the Gateway `<namespace>/<name>` of a dedicated proxy. */
  readonly scope: string;
  readonly version: string;
  readonly address: string;
  /** reporting: its stream is open; late: it is open, but no report came in time; away: its stream has ended. */
  readonly state: 'reporting' | 'late' | 'away';
  /** Age of its last report, milliseconds; null before the first. */
  readonly reportAgeMs: number | null;
  readonly revision: string;
  /** The commands that it knows. */
  readonly commands: readonly string[];
}

/** A reason why some proxies do not choose an endpoint. */
export interface ReasonSeen {
  readonly reason: string;
  /** The longest time in force, milliseconds. */
  readonly ageMs: number;
  /** The names of the first proxies that see it, and the number of all. */
  readonly proxies: readonly string[];
  readonly count: number;
}

export interface EndpointSeen {
  readonly endpoint: string;
  /** Of the last minute: finished attempts, and those that failed or were answered with 5xx. */
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
  /** The mean time to the first byte in the last minute; null without answers. */
  readonly firstByteMs: number | null;
  /** Since the proxies reported first to the controllers that they report to now. */
  readonly requests: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface BackendSeen {
  readonly backend: string;
  readonly endpoints: readonly EndpointSeen[];
  /** Answers by time to the first byte, in the buckets of lib/histogram.ts. */
  readonly firstByte: readonly number[];
  /** The number of proxies by the state of their breaker. */
  readonly breakers: Readonly<Record<string, number>>;
}

export interface RouteSeen {
  readonly route: string;
  readonly requestsPerSecond: number;
  /** Answers with 5xx. */
  readonly failuresPerSecond: number;
  readonly requests: number;
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly duration: readonly number[];
}

/** The state of an address in all proxies. */
export interface AddressSeen {
  readonly endpoint: string;
  readonly inFlight: number;
  readonly connections: number;
  readonly states: readonly ReasonSeen[];
}

/** A proxy with a push stream. */
export interface SubscribedProxy {
  readonly node: string;
  readonly scope: string;
  readonly version: string;
  readonly address: string;
}

/** What one proxy or several have reported of what they serve. */
export interface SeenEntries {
  readonly backends: readonly BackendSeen[];
  readonly addresses: readonly AddressSeen[];
  readonly routes: readonly RouteSeen[];
}

/** The view of one controller, or of several. */
export interface Aggregate extends SeenEntries {
  readonly proxies: readonly ProxySeen[];
  readonly subscribed: readonly SubscribedProxy[];
  /** Entries that a controller had no room for. */
  readonly refused: number;
}

/** The names of proxies per reason. */
export const MAX_PROXY_NAMES = 10;

/** Adds up the views of several controllers. A proxy reports to one of them at a time. */
export function mergeAggregates(parts: readonly Aggregate[]): Aggregate {
  return {
    proxies: latest(parts.flatMap(({ proxies }) => proxies)),
    subscribed: parts.flatMap(({ subscribed }) => subscribed),
    ...mergeEntries(parts),
    refused: parts.reduce((sum, { refused }) => sum + refused, 0),
  };
}

/** The entries of several proxies or controllers, each name once. */
export function mergeEntries(parts: readonly SeenEntries[]): SeenEntries {
  return {
    backends: grouped(
      parts.flatMap(({ backends }) => backends),
      ({ backend }) => backend,
      addBackends,
    ),
    addresses: grouped(
      parts.flatMap(({ addresses }) => addresses),
      ({ endpoint }) => endpoint,
      addAddresses,
    ),
    routes: grouped(
      parts.flatMap(({ routes }) => routes),
      ({ route }) => route,
      addRoutes,
    ),
  };
}

/** One entry per name: those with the same name are added up. */
function grouped<Entry>(
  entries: readonly Entry[],
  nameOf: (entry: Entry) => string,
  add: (one: Entry, other: Entry) => Entry,
): readonly Entry[] {
  const sums = new Map<string, Entry>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const known = sums.get(name);
    sums.set(name, known === undefined ? entry : add(known, entry));
  }
  return [...sums.values()];
}

/** A proxy that has moved to another controller is away for the former. */
function latest(proxies: readonly ProxySeen[]): readonly ProxySeen[] {
  const rank = ({ state, reportAgeMs }: ProxySeen): number => (state === 'away' ? 1e12 : 0) + (reportAgeMs ?? 0);
  return grouped(
    proxies,
    ({ id }) => id,
    (one, other) => (rank(one) <= rank(other) ? one : other),
  );
}

function addBackends(one: BackendSeen, other: BackendSeen): BackendSeen {
  return {
    backend: one.backend,
    endpoints: grouped([...one.endpoints, ...other.endpoints], ({ endpoint }) => endpoint, addEndpoints),
    firstByte: addLists(one.firstByte, other.firstByte),
    breakers: addRecords(one.breakers, other.breakers),
  };
}

function addEndpoints(one: EndpointSeen, other: EndpointSeen): EndpointSeen {
  return {
    endpoint: one.endpoint,
    requestsPerSecond: one.requestsPerSecond + other.requestsPerSecond,
    failuresPerSecond: one.failuresPerSecond + other.failuresPerSecond,
    firstByteMs: weighted(one, other),
    requests: one.requests + other.requests,
    failures: addRecords(one.failures, other.failures),
  };
}

function addRoutes(one: RouteSeen, other: RouteSeen): RouteSeen {
  return {
    route: one.route,
    requestsPerSecond: one.requestsPerSecond + other.requestsPerSecond,
    failuresPerSecond: one.failuresPerSecond + other.failuresPerSecond,
    requests: one.requests + other.requests,
    errors: addRecords(one.errors, other.errors),
    duration: addLists(one.duration, other.duration),
  };
}

function addAddresses(one: AddressSeen, other: AddressSeen): AddressSeen {
  return {
    endpoint: one.endpoint,
    inFlight: one.inFlight + other.inFlight,
    connections: one.connections + other.connections,
    states: grouped([...one.states, ...other.states], ({ reason }) => reason, addReasons),
  };
}

function addReasons(one: ReasonSeen, other: ReasonSeen): ReasonSeen {
  return {
    reason: one.reason,
    ageMs: Math.max(one.ageMs, other.ageMs),
    proxies: [...one.proxies, ...other.proxies].slice(0, MAX_PROXY_NAMES),
    count: one.count + other.count,
  };
}

/** The mean by requests. */
function weighted(one: EndpointSeen, other: EndpointSeen): number | null {
  if (one.firstByteMs === null || other.firstByteMs === null) return one.firstByteMs ?? other.firstByteMs;
  const all = one.requestsPerSecond + other.requestsPerSecond;
  if (all === 0) return one.firstByteMs;
  return (one.firstByteMs * one.requestsPerSecond + other.firstByteMs * other.requestsPerSecond) / all;
}

function addLists(one: readonly number[], other: readonly number[]): readonly number[] {
  const [longer, shorter] = one.length >= other.length ? [one, other] : [other, one];
  return longer.map((value, index) => value + (shorter[index] ?? 0));
}

function addRecords(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sums = new Map(Object.entries(one));
  for (const [name, value] of Object.entries(other)) sums.set(name, (sums.get(name) ?? 0) + value);
  return Object.fromEntries(sums);
}
