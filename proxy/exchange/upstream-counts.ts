// What is counted of backends and their endpoints, in plain fields that are read at the scrape. A cluster has the counts of its
// backend; whatever sends to an endpoint of it counts there.
import { Histogram } from '#lib/histogram.ts';
import type { Attempt, AttemptOutcome } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { UpstreamEndpoint } from './plan.ts';

/** Of one endpoint of one backend. */
export class EndpointCounts {
  /** Attempts that are over, by outcome. */
  readonly byOutcome: Record<AttemptOutcome, number> = { answered: 0, declined: 0, abandoned: 0, failed: 0 };
  /** Answers by class of status: index 1 to 9. */
  readonly byClass = new Float64Array(10);
  /** Attempts that failed, by code; null before the first. */
  failures: Map<string, number> | null = null;
  /** Connections that could not be made. */
  connectFailures = 0;
  /** Milliseconds to the first byte of all answers together, and how many these were. */
  firstByteMs = 0;
  firstBytes = 0;
}

/** Of one backend: a cluster, or all clusters that are too many to be told apart. */
export class BackendCounts {
  /** Key of the cluster, or `other`. */
  readonly backend: string;
  /** How long attempts waited for a connection, of those that had to; how long connecting took; from a request to the head of its answer. */
  readonly queue = new Histogram();
  readonly connect = new Histogram();
  readonly firstByte = new Histogram();
  /** Of endpoints without counts of their own. */
  readonly others = new EndpointCounts();
  readonly #takeRoom: () => boolean;
  readonly #giveRoom: () => void;
  readonly #endpoints = new Map<UpstreamEndpoint, EndpointCounts>();
  #current: ReadonlySet<UpstreamEndpoint> = new Set();

  constructor(backend: string, takeRoom: () => boolean, giveRoom: () => void) {
    this.backend = backend;
    this.#takeRoom = takeRoom;
    this.#giveRoom = giveRoom;
  }

  /** Endpoints with counts of their own. */
  get endpoints(): ReadonlyMap<UpstreamEndpoint, EndpointCounts> {
    return this.#endpoints;
  }

  /** Takes the endpoints that there are now, and forgets what was counted of others. */
  keep(current: ReadonlySet<UpstreamEndpoint>): void {
    this.#current = current;
    for (const endpoint of this.#endpoints.keys()) {
      if (current.has(endpoint)) continue;
      this.#endpoints.delete(endpoint);
      this.#giveRoom();
    }
  }

  connected(ms: number): void {
    this.connect.observe(ms);
  }

  connectFailed(endpoint: UpstreamEndpoint): void {
    this.#of(endpoint).connectFailures++;
  }

  /** Counts an attempt that is over. */
  attemptEnded({ endpoint, status, waitingSince, sentAt, headAt }: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    const counts = this.#of(endpoint);
    counts.byOutcome[outcome]++;
    if (waitingSince > 0 && sentAt > 0) this.queue.observe(sentAt - waitingSince);
    if (headAt > 0) this.#answered(counts, status, headAt - sentAt);
    if (error !== null) {
      const failures = (counts.failures ??= new Map<string, number>());
      failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
    }
  }

  #answered(counts: EndpointCounts, status: number, ms: number): void {
    const index = Math.min(9, Math.floor(status / 100));
    counts.byClass[index] = (counts.byClass[index] as number) + 1;
    counts.firstByteMs += ms;
    counts.firstBytes++;
    this.firstByte.observe(ms);
  }

  #of(endpoint: UpstreamEndpoint): EndpointCounts {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined) return known;
    if (!this.#current.has(endpoint) || !this.#takeRoom()) return this.others;
    const made = new EndpointCounts();
    this.#endpoints.set(endpoint, made);
    return made;
  }
}

const NO_ENDPOINTS: ReadonlySet<UpstreamEndpoint> = new Set();

/** The counts of all backends of a worker: so many have their own, and so many endpoints over all of them. */
export class UpstreamCounts implements Iterable<BackendCounts> {
  readonly #maximum: number;
  readonly #backends = new Set<BackendCounts>();
  #room: number;
  #other: BackendCounts | null = null;

  constructor(maximum: number) {
    this.#maximum = maximum;
    this.#room = maximum;
  }

  /** Counts for a backend. To be given back with `release`. */
  acquire(backend: string): BackendCounts {
    if (this.#backends.size >= this.#maximum) return (this.#other ??= new BackendCounts('other', () => false, ignore));
    const counts = new BackendCounts(
      backend,
      () => this.#takeRoom(),
      () => void this.#room++,
    );
    this.#backends.add(counts);
    return counts;
  }

  /** The backend is gone. */
  release(counts: BackendCounts): void {
    if (this.#backends.delete(counts)) counts.keep(NO_ENDPOINTS);
  }

  *[Symbol.iterator](): Iterator<BackendCounts> {
    yield* this.#backends;
    if (this.#other !== null) yield this.#other;
  }

  #takeRoom(): boolean {
    if (this.#room === 0) return false;
    this.#room--;
    return true;
  }
}

function ignore(): void {
  // It never had room.
}
