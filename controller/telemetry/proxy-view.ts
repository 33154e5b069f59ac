// What one proxy has reported: totals since its first report here, sums of the last minute, and the current state of addresses.
import type {
  AddressEntry,
  BackendEntry,
  CountMessage,
  EndpointEntry,
  GaugesMessage,
  GoneEntry,
  ReportMessage,
  RouteEntry,
} from '#api/wire/telemetry-messages.ts';
import { MAX_CODES } from '#api/wire/telemetry-limits.ts';
import { DURATION_BUCKETS } from '#lib/histogram.ts';
import type { AddressSeen, BackendSeen, EndpointSeen, RouteSeen, SeenEntries } from './aggregate.ts';
import { MAX_STATES_PER_PROXY } from './proxy-states.ts';
import type { ProxyStates } from './proxy-states.ts';
import { Recent } from './recent.ts';
import { Kept } from './room.ts';
import type { Room } from './room.ts';

/** The entries of one kind that a controller keeps per proxy. */
const MAX_PER_PROXY = 20_000;

interface EndpointTally {
  readonly backend: string;
  readonly endpoint: string;
  requests: number;
  readonly failures: Map<string, number>;
  /** Requests, failures, milliseconds to the first byte, answers. */
  readonly recent: Recent;
}

interface BackendTally {
  breaker: string;
  readonly firstByte: Recent;
}

interface RouteTally {
  requests: number;
  readonly errors: Map<string, number>;
  /** Requests, answers with 5xx. */
  readonly recent: Recent;
  readonly duration: Recent;
}

interface AddressTally {
  readonly entry: AddressEntry;
  readonly at: number;
}

export class ProxyView {
  readonly #now: () => number;
  readonly #backends: Kept<BackendTally>;
  readonly #endpoints: Kept<EndpointTally>;
  readonly #routes: Kept<RouteTally>;
  readonly #addresses: Kept<AddressTally>;
  /** The last report that was counted. */
  sequence = 0;
  revision = '';
  gauges: GaugesMessage | null = null;
  /** When the last report came; null before. */
  reportedAt: number | null = null;

  /** `now`: milliseconds on a monotonic clock. */
  constructor(room: Room, now: () => number) {
    this.#now = now;
    this.#backends = new Kept(room, MAX_PER_PROXY);
    this.#endpoints = new Kept(room, MAX_PER_PROXY);
    this.#routes = new Kept(room, MAX_PER_PROXY);
    this.#addresses = new Kept(room, MAX_PER_PROXY);
  }

  /** Counts a report, once. The result is whether it is new. */
  count(report: ReportMessage): boolean {
    if (report.sequence <= this.sequence) return false;
    const now = this.#now();
    this.sequence = report.sequence;
    this.revision = report.revision;
    this.gauges = report.gauges;
    this.reportedAt = now;
    if (report.fresh) this.clear();
    // What exists no more makes room first.
    for (const gone of report.gone) this.#forget(gone);
    for (const entry of report.addresses) this.#address(entry, now);
    for (const entry of report.endpoints) this.#endpoint(entry, now);
    for (const entry of report.backends) this.#backend(entry, now);
    for (const entry of report.routes) this.#route(entry, now);
    return true;
  }

  /** Forgets all entries. */
  clear(): void {
    for (const kept of [this.#backends, this.#endpoints, this.#routes, this.#addresses]) kept.clear();
  }

  /** The entries. `name`: the name of this proxy in the reasons of addresses. */
  entries(name: string): SeenEntries {
    const now = this.#now();
    return {
      backends: this.#seenBackends(now),
      addresses: Array.from(this.#addresses, ([, { entry, at }]) => seenAddress(entry, now - at, name)),
      routes: Array.from(this.#routes, ([route, tally]) => seenRoute(route, tally, now)),
    };
  }

  /** The states of endpoints and breakers that are not well. `name`: the name of this proxy. */
  states(name: string): ProxyStates {
    const endpoints: Record<string, readonly string[]> = {};
    const breakers: Record<string, string> = {};
    let room = MAX_STATES_PER_PROXY;
    for (const [backend, { breaker }] of this.#backends) {
      if (breaker !== '' && breaker !== 'closed' && room-- > 0) breakers[backend] = breaker;
    }
    for (const [endpoint, { entry }] of this.#addresses) {
      if (entry.states.length > 0 && room-- > 0) endpoints[endpoint] = entry.states.map(({ reason }) => reason);
    }
    return { proxy: name, endpoints, breakers };
  }

  #seenBackends(now: number): readonly BackendSeen[] {
    const seen = new Map<string, BackendSeen & { readonly endpoints: EndpointSeen[] }>();
    for (const [backend, { breaker, firstByte }] of this.#backends) {
      const breakers = breaker === '' ? {} : { [breaker]: 1 };
      seen.set(backend, { backend, endpoints: [], firstByte: firstByte.sums(now), breakers });
    }
    for (const [, tally] of this.#endpoints) {
      const { backend } = tally;
      if (!seen.has(backend)) seen.set(backend, { backend, endpoints: [], firstByte: [], breakers: {} });
      seen.get(backend)?.endpoints.push(seenEndpoint(tally, now));
    }
    return [...seen.values()];
  }

  #endpoint(entry: EndpointEntry, now: number): void {
    const { backend, endpoint } = entry;
    const make = (): EndpointTally => ({ backend, endpoint, requests: 0, failures: new Map(), recent: new Recent(4, now) });
    const tally = this.#endpoints.of(`${backend}|${endpoint}`, make);
    if (tally === null) return;
    const failed = entry.failures.reduce((sum, { count }) => sum + count, entry.serverErrors);
    tally.requests += entry.requests;
    addCounts(tally.failures, entry.failures);
    if (entry.serverErrors > 0) addCounts(tally.failures, [{ code: 'status_5xx', count: entry.serverErrors }]);
    tally.recent.add([entry.requests, failed, entry.firstByteSumMs, entry.firstBytes], now);
  }

  #backend({ backend, breaker, firstByte }: BackendEntry, now: number): void {
    const tally = this.#backends.of(backend, () => ({ breaker: '', firstByte: new Recent(DURATION_BUCKETS, now) }));
    if (tally === null) return;
    tally.breaker = breaker;
    if (firstByte !== null) tally.firstByte.add(firstByte.buckets, now);
  }

  #route({ route, requests, classes, errors, duration }: RouteEntry, now: number): void {
    const make = (): RouteTally => ({
      requests: 0,
      errors: new Map(),
      recent: new Recent(2, now),
      duration: new Recent(DURATION_BUCKETS, now),
    });
    const tally = this.#routes.of(route, make);
    if (tally === null) return;
    tally.requests += requests;
    addCounts(tally.errors, errors);
    tally.recent.add([requests, classes[4] ?? 0], now);
    if (duration !== null) tally.duration.add(duration.buckets, now);
  }

  #address(entry: AddressEntry, now: number): void {
    const { endpoint, inFlight, connections, states } = entry;
    this.#addresses.delete(endpoint);
    if (inFlight + connections + states.length > 0) this.#addresses.of(endpoint, () => ({ entry, at: now }));
  }

  #forget({ kind, name, endpoint }: GoneEntry): void {
    if (kind === 'backend') this.#backends.delete(name);
    else if (kind === 'endpoint') this.#endpoints.delete(`${name}|${endpoint}`);
    else if (kind === 'route') this.#routes.delete(name);
  }
}

/** Codes beyond the maximum count as `other`. */
function addCounts(sums: Map<string, number>, counts: readonly CountMessage[]): void {
  for (const { code, count } of counts) {
    const name = sums.has(code) || sums.size < MAX_CODES ? code : 'other';
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
}

function seenEndpoint({ endpoint, requests, failures, recent }: EndpointTally, now: number): EndpointSeen {
  const [lately = 0, failed = 0, firstByteMs = 0, firstBytes = 0] = recent.sums(now);
  return {
    endpoint,
    requestsPerSecond: lately / recent.seconds(now),
    failuresPerSecond: failed / recent.seconds(now),
    firstByteMs: firstBytes < 0.5 ? null : firstByteMs / firstBytes,
    requests,
    failures: Object.fromEntries(failures),
  };
}

function seenRoute(route: string, { requests, errors, recent, duration }: RouteTally, now: number): RouteSeen {
  const [lately = 0, failed = 0] = recent.sums(now);
  return {
    route,
    requestsPerSecond: lately / recent.seconds(now),
    failuresPerSecond: failed / recent.seconds(now),
    requests,
    errors: Object.fromEntries(errors),
    duration: duration.sums(now),
  };
}

function seenAddress({ endpoint, inFlight, connections, states }: AddressEntry, age: number, name: string): AddressSeen {
  const reasons = states.map(({ reason, ageMs }) => ({ reason, ageMs: Math.round(ageMs + age), proxies: [name], count: 1 }));
  return { endpoint, inFlight, connections, states: reasons };
}
