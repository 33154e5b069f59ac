// The counts of backends and their endpoints, in plain fields that a scrape reads. A cluster has the counts of its backend; every attempt
// and connection to one of its endpoints counts there.
import { DurationSketch } from '#lib/duration-sketch.ts';
import { Histogram } from '#lib/histogram.ts';
import type { Attempt, AttemptOutcome } from './attempt.ts';
import { ERRORS } from './errors.ts';
import type { ExchangeError } from './errors.ts';
import type { RetryObstacle } from './exchange.ts';
import type { UpstreamEndpoint } from './plan.ts';

/** The counts of one endpoint of one backend. */
export class EndpointCounts {
  /** Finished attempts by outcome. */
  readonly byOutcome: Record<AttemptOutcome, number> = { answered: 0, declined: 0, abandoned: 0, failed: 0 };
  /** Answers by class of status: index 1 to 9. */
  readonly byClass = new Float64Array(10);
  /** Failed attempts by error code, and those that a deadline ended before their answer; null before the first. */
  failures: Map<string, number> | null = null;
  /** Ejections by this worker, by cause; null before the first. */
  ejections: Map<string, number> | null = null;
  /** Failed attempts to connect. */
  connectFailures = 0;
  /** Milliseconds from a request to the head of its answer. */
  readonly firstByte = new Histogram();
  /** The same since the last report. */
  readonly sketch = new DurationSketch();
}

/** The counts of one backend: a cluster, or `other` for all clusters beyond the maximum. */
export class BackendCounts {
  /** Key of the cluster, or `other`. */
  readonly backend: string;
  /** Times in milliseconds: the wait for a connection, of attempts that waited; to connect; from a request to the head of its answer. */
  readonly queue = new Histogram();
  readonly connect = new Histogram();
  readonly firstByte = new Histogram();
  /** Attempts after the first by reason, and those that were not made by obstacle; null before the first. */
  retries: Map<string, number> | null = null;
  withheldRetries: Map<string, number> | null = null;
  /** Attempts that left the queue without a connection, by `cause/priority`. */
  readonly queueRefusals = new Map<string, number>();
  /** Attempts that began while another was under way, by result; null before the first. */
  hedges: Map<string, number> | null = null;
  /** Circuit breakers that opened, by cause; null before the first. */
  breakersOpened: Map<string, number> | null = null;
  /** The sum for the endpoints without counts of their own. */
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

  /** Sets the current endpoints, and removes the counts of all others. */
  keep(current: ReadonlySet<UpstreamEndpoint>): void {
    this.#current = current;
    for (const endpoint of this.#endpoints.keys()) {
      if (current.has(endpoint)) continue;
      this.#endpoints.delete(endpoint);
      this.#giveRoom();
    }
  }

  queueRefused(cause: string, priority: string): void {
    const key = `${cause}/${priority}`;
    this.queueRefusals.set(key, (this.queueRefusals.get(key) ?? 0) + 1);
  }

  connected(ms: number): void {
    this.connect.observe(ms);
  }

  connectFailed(endpoint: UpstreamEndpoint): void {
    this.#of(endpoint).connectFailures++;
  }

  /** Counts a further attempt. */
  retried(reason: string): void {
    countIn((this.retries ??= new Map()), reason);
  }

  /** Counts a further attempt that is not made. */
  retryWithheld(obstacle: RetryObstacle): void {
    countIn((this.withheldRetries ??= new Map()), obstacle);
  }

  /** Counts the result of an attempt that began while another was under way. `lost`: another one answered first. */
  hedged(result: 'won' | 'lost' | 'failed'): void {
    countIn((this.hedges ??= new Map()), result);
  }

  /** A circuit breaker of the backend, or of one of its endpoints, opened. */
  breakerOpened(cause: string): void {
    countIn((this.breakersOpened ??= new Map()), cause);
  }

  ejected(endpoint: UpstreamEndpoint, cause: string): void {
    countIn((this.#of(endpoint).ejections ??= new Map<string, number>()), cause);
  }

  /** Counts a finished attempt. */
  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    const { endpoint, status, waitingSince, sentAt, headAt } = attempt;
    const counts = this.#of(endpoint);
    counts.byOutcome[outcome]++;
    if (waitingSince > 0 && sentAt > 0) this.queue.observe(sentAt - waitingSince);
    if (headAt > 0) this.#answered(counts, status, headAt - sentAt);
    const code = failureOf(attempt, error);
    if (code !== null) countIn((counts.failures ??= new Map()), code);
  }

  #answered(counts: EndpointCounts, status: number, ms: number): void {
    const index = Math.min(9, Math.floor(status / 100));
    counts.byClass[index] = (counts.byClass[index] as number) + 1;
    this.firstByte.add(counts.firstByte.observe(ms), ms);
    counts.sketch.observe(ms);
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

/** The code of the failure; null if the attempt says nothing against its endpoint. */
function failureOf({ timedOut }: Attempt, error: ExchangeError | null): string | null {
  if (error !== null) return error.code;
  return timedOut ? ERRORS.upstreamTimeout.code : null;
}

function countIn(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const NO_ENDPOINTS: ReadonlySet<UpstreamEndpoint> = new Set();

/** The counts of all backends of a worker. The maximum applies to the backends, and to the endpoints of all backends together. */
export class UpstreamCounts implements Iterable<BackendCounts> {
  readonly #maximum: number;
  readonly #backends = new Set<BackendCounts>();
  #room: number;
  #other: BackendCounts | null = null;

  constructor(maximum: number) {
    this.#maximum = maximum;
    this.#room = maximum;
  }

  /** Creates the counts of a backend; above the maximum, returns those of `other`. Return them with `release`. */
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

  /** Removes the counts of a deleted backend. */
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
  // `other` takes no room, so it has none to give back.
}
