// What a worker reports to its supervisor: the growth of its counters, and the state of addresses that has changed, both since its last
// report. The supervisor adds the workers up.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ErrorEntry } from '#api/wire/error-entry.ts';
import type { BreakerState } from '#api/wire/breaker-state.ts';
import type {
  AddressEntry,
  BackendEntry,
  CountMessage,
  DurationsMessage,
  EndpointEntry,
  EndpointState,
  Entries,
  RouteEntry,
} from '#api/wire/telemetry-messages.ts';
import type { DurationSketch } from '#lib/duration-sketch.ts';
import { DURATION_BUCKETS } from '#lib/histogram.ts';
import type { Histogram } from '#lib/histogram.ts';
import type { UpstreamEndpoint } from '../exchange/plan.ts';
import type { BackendCounts, EndpointCounts } from '../exchange/upstream-counts.ts';
import { Growth, Turns } from './growth.ts';
import { endpointName } from './upstream-metrics.ts';

/** Entries of one kind per report. A supervisor asks often enough; a longer report would keep requests waiting. */
const ROOM = 1_000;
/** How often the event loop is measured, milliseconds. */
const LAG_RESOLUTION_MS = 20;

/** The report of a worker. */
export interface WorkerReport extends Entries {
  /** Resident memory of the process, bytes. */
  readonly memory: number;
  /** The 99th percentile of the event loop's lag since the last report. */
  readonly lagMs: number;
  /** Open downstream connections and open requests. */
  readonly connections: number;
  readonly requests: number;
}

/** An address with its state. */
export interface ReportedAddress extends Pick<UpstreamEndpoint, 'address' | 'port' | 'active'> {
  readonly counts: readonly { readonly open: number }[];
}

/** The counters of requests of one listener and route. */
export interface ReportedRoute {
  /** The key of the route; `none` without one. */
  readonly route: string;
  /** The object that has the counters: another object starts from 0. */
  readonly series: object;
  /** Requests, or connections of a stream route. */
  readonly requests: number;
  /** Answers by class of status, 1xx to 5xx; empty for a stream route. */
  readonly classes: readonly number[];
  /** By code; null before the first. */
  readonly errors: ReadonlyMap<string, number> | null;
  /** Bytes of bodies, or of connections. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Null for a stream route. */
  readonly duration: Histogram | null;
  /** The durations since the last report; null for a stream route. */
  readonly sketch: DurationSketch | null;
}

export interface ReportSources<Address extends ReportedAddress> {
  readonly backends: () => Iterable<BackendCounts>;
  /** By the key of the backend. */
  readonly breakerOf: (backend: string) => BreakerState;
  readonly addresses: () => Iterable<Address>;
  /** Why others are preferred to an address. */
  readonly reasonsOf: (address: Address) => readonly string[];
  readonly routes: () => Iterable<ReportedRoute>;
  /** Failures since the last call. */
  readonly errors: () => readonly ErrorEntry[];
  /** Open downstream connections and open requests. */
  readonly connections: () => number;
  readonly requests: () => number;
}

interface OfBackend {
  readonly backend: string;
  readonly endpoint: string;
  readonly counts: EndpointCounts;
}

export class WorkerReports<Address extends ReportedAddress> {
  readonly #sources: ReportSources<Address>;
  readonly #growth = new Growth();
  /** The state of the breaker of each backend that has one, as last reported. */
  readonly #breakers = new WeakMap<BackendCounts, BreakerState>();
  /** The state of each address that differs from the usual one, as last reported. */
  readonly #told = new WeakMap<Address, string>();
  /** When a reason was first seen (performance.now()), for addresses with reasons. */
  readonly #since = new WeakMap<Address, ReadonlyMap<string, number>>();
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  readonly #backends: Turns<BackendCounts>;
  readonly #endpoints: Turns<OfBackend>;
  readonly #addresses: Turns<Address>;
  readonly #routes: Turns<ReportedRoute>;

  constructor(sources: ReportSources<Address>) {
    this.#sources = sources;
    this.#backends = new Turns(sources.backends);
    this.#endpoints = new Turns(() => endpointsOf(sources.backends()));
    this.#addresses = new Turns(sources.addresses);
    this.#routes = new Turns(sources.routes);
    this.#lag.enable();
  }

  /** What has changed since the last call. */
  read(): WorkerReport {
    const lagMs = Math.max(0, this.#lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS);
    this.#lag.reset();
    const { connections, requests, errors } = this.#sources;
    return {
      memory: process.memoryUsage.rss(),
      lagMs: Number.isFinite(lagMs) ? lagMs : 0,
      connections: connections(),
      requests: requests(),
      backends: gather(this.#backends, (counts) => this.#backend(counts)),
      endpoints: gather(this.#endpoints, (each) => this.#endpoint(each)),
      addresses: gather(this.#addresses, (each) => this.#address(each)),
      routes: gather(this.#routes, (each) => this.#route(each)),
      errors: errors(),
    };
  }

  /** Ends the measurement of the event loop. */
  stop(): void {
    this.#lag.disable();
  }

  #backend(counts: BackendCounts): BackendEntry | null {
    const { backend, firstByte } = counts;
    const breaker = this.#sources.breakerOf(backend);
    const grown = this.#growth.of(firstByte, durationCounters(firstByte));
    if (grown === null && breaker === (this.#breakers.get(counts) ?? '')) return null;
    this.#breakers.set(counts, breaker);
    return { backend, firstByte: grown === null ? null : durationsIn(grown), breaker };
  }

  #endpoint({ backend, endpoint, counts }: OfBackend): EndpointEntry | null {
    const grown = this.#growth.of(counts, endpointCounters(counts));
    if (grown === null) return null;
    return {
      backend,
      endpoint,
      requests: grown.get('requests') ?? 0,
      failures: codesIn(grown),
      serverErrors: grown.get('serverErrors') ?? 0,
      connectFailures: grown.get('connectFailures') ?? 0,
      firstByteSumMs: grown.get('firstByteMs') ?? 0,
      firstBytes: grown.get('firstBytes') ?? 0,
      sketch: counts.sketch.take(),
    };
  }

  #address(address: Address): AddressEntry | null {
    const { active, counts } = address;
    const connections = counts.reduce((sum, { open }) => sum + open, 0);
    const states = this.#statesOf(address);
    const told = [active, connections, ...states.map(({ reason }) => reason)].join();
    if (told === (this.#told.get(address) ?? '0,0')) return null;
    this.#told.set(address, told);
    return { endpoint: endpointName(address), inFlight: active, connections, states };
  }

  #statesOf(address: Address): readonly EndpointState[] {
    const reasons = this.#sources.reasonsOf(address);
    const known = this.#since.get(address);
    if (reasons.length === 0 && known === undefined) return [];
    const now = performance.now();
    const since = new Map(reasons.map((reason) => [reason, known?.get(reason) ?? now]));
    if (since.size === 0) this.#since.delete(address);
    else this.#since.set(address, since);
    return Array.from(since, ([reason, begun]) => ({ reason, ageMs: Math.round(now - begun) }));
  }

  #route(reported: ReportedRoute): RouteEntry | null {
    const { route, series, classes, duration, sketch } = reported;
    const grown = this.#growth.of(series, routeCounters(reported));
    if (grown === null) return null;
    return {
      route,
      requests: grown.get('requests') ?? 0,
      classes: classes.map((_, index) => grown.get(`class ${index}`) ?? 0),
      errors: codesIn(grown),
      duration: duration === null ? null : durationsIn(grown),
      requestBytes: grown.get('requestBytes') ?? 0,
      responseBytes: grown.get('responseBytes') ?? 0,
      sketch: sketch?.take() ?? NO_SKETCH,
    };
  }
}

function gather<Item, Entry>(turns: Turns<Item>, entryOf: (item: Item) => Entry | null): readonly Entry[] {
  const entries: Entry[] = [];
  turns.read(ROOM, (item) => {
    const entry = entryOf(item);
    if (entry !== null) entries.push(entry);
    return entry !== null;
  });
  return entries;
}

function* endpointsOf(backends: Iterable<BackendCounts>): Iterable<OfBackend> {
  for (const { backend, endpoints, others } of backends) {
    for (const [endpoint, counts] of endpoints) yield { backend, endpoint: endpointName(endpoint), counts };
    yield { backend, endpoint: 'other', counts: others };
  }
}

const NO_SKETCH = new Uint8Array(0);

type Counter = readonly [string, number];

function* endpointCounters({ byOutcome, byClass, failures, connectFailures, firstByte }: EndpointCounts): Iterable<Counter> {
  yield ['requests', Object.values(byOutcome).reduce((sum, count) => sum + count, 0)];
  yield ['serverErrors', byClass[5] ?? 0];
  yield ['connectFailures', connectFailures];
  yield ['firstByteMs', firstByte.sum];
  yield ['firstBytes', firstByte.total];
  yield* codeCounters(failures);
}

function* routeCounters(reported: ReportedRoute): Iterable<Counter> {
  const { requests, classes, errors, duration, requestBytes, responseBytes } = reported;
  yield ['requests', requests];
  yield ['requestBytes', requestBytes];
  yield ['responseBytes', responseBytes];
  for (const [index, count] of classes.entries()) yield [`class ${index}`, count];
  yield* codeCounters(errors);
  if (duration !== null) yield* durationCounters(duration);
}

function* codeCounters(codes: ReadonlyMap<string, number> | null): Iterable<Counter> {
  for (const [code, count] of codes ?? []) yield [`code ${code}`, count];
}

function* durationCounters(durations: Histogram): Iterable<Counter> {
  for (let index = 0; index < DURATION_BUCKETS; index++) yield [`bucket ${index}`, durations.bucket(index)];
  yield ['sum', durations.sum];
}

function codesIn(grown: ReadonlyMap<string, number>): readonly CountMessage[] {
  return [...grown].flatMap(([name, count]) => (name.startsWith('code ') ? [{ code: name.slice('code '.length), count }] : []));
}

function durationsIn(grown: ReadonlyMap<string, number>): DurationsMessage {
  const buckets = Array.from({ length: DURATION_BUCKETS }, (_, index) => grown.get(`bucket ${index}`) ?? 0);
  return { buckets, sumMs: grown.get('sum') ?? 0 };
}
