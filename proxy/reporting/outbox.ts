// What a proxy has to report and a controller has not confirmed. Counts add up here while no controller takes them, so a slow controller
// costs no memory beyond one entry per backend, endpoint and route.
import type { ErrorEntry, ErrorSample } from '#api/wire/error-entry.ts';
import type {
  BackendEntry,
  EndpointEntry,
  Entries,
  GaugesMessage,
  GoneEntry,
  ReportMessage,
  RouteEntry,
} from '#api/wire/telemetry-messages.ts';
import { MAX_ENTRIES, MAX_ERROR_ENTRIES, REPORT_BYTES } from '#api/wire/telemetry-limits.ts';
import { addBackend, addEndpoint, addErrors, addRoute } from './addition.ts';
import { Addresses } from './addresses.ts';
import { BreakerStates } from './breakers.ts';
import { Queue } from './queue.ts';

/** Entries of one kind that may wait; further ones count together as `other`. */
const MAX_WAITING = 20_000;
/** Groups of failures that may wait, with their samples. */
const MAX_ERROR_GROUPS = 500;

/** Whether something that was reported still exists. */
export type Exists = (entry: GoneEntry) => boolean;

/** The values of a report besides its entries. */
export interface ReportHead {
  readonly revision: string;
  readonly gauges: GaugesMessage;
}

export class Outbox {
  readonly #backends = new Queue<BackendEntry>(MAX_WAITING, {
    nameOf: ({ backend }) => backend,
    sum: addBackend,
    asOther: (entry) => ({ ...entry, backend: 'other' }),
  });
  readonly #endpoints = new Queue<EndpointEntry>(MAX_WAITING, {
    nameOf: ({ backend, endpoint }) => `${backend}|${endpoint}`,
    sum: addEndpoint,
    asOther: (entry) => ({ ...entry, backend: 'other', endpoint: 'other' }),
  });
  readonly #routes = new Queue<RouteEntry>(MAX_WAITING, {
    nameOf: ({ route }) => route,
    sum: addRoute,
    asOther: (entry) => ({ ...entry, route: 'other' }),
  });
  readonly #errors = new Queue<ErrorEntry>(MAX_ERROR_GROUPS, {
    nameOf: ({ code, route, backend, cause }) => `${code}|${route}|${backend}|${cause}`,
    sum: addErrors,
    asOther: (entry) => ({ ...entry, code: 'other', route: '', backend: '', cause: '' }),
    bytesOf: ({ cause, samples }) => 512 + cause.length + samples.reduce((sum, sample) => sum + sampleBytes(sample), 0),
  });
  readonly #addresses = new Addresses(MAX_WAITING);
  readonly #breakers = new BreakerStates(MAX_WAITING);
  readonly #gone = new Map<string, GoneEntry>();
  /** Everything that the controller knows of, to tell it what exists no more. */
  readonly #told = new Map<string, GoneEntry>();
  #sequence = 0;
  #unconfirmed: ReportMessage | null = null;
  #fresh = true;

  /** Entries that wait. */
  get waiting(): number {
    return this.#backends.size + this.#endpoints.size + this.#routes.size + this.#addresses.waiting + this.#gone.size + this.#errors.size;
  }

  /** The report that waits for its confirmation, or null. */
  get unconfirmed(): ReportMessage | null {
    return this.#unconfirmed;
  }

  /** Adds what a worker has reported. */
  add(worker: string, { backends, endpoints, routes, addresses, errors = [] }: Entries): void {
    this.#breakers.set(worker, backends);
    this.#backends.add(backends);
    this.#endpoints.add(endpoints);
    this.#routes.add(routes);
    this.#errors.add(errors);
    this.#addresses.set(worker, addresses);
  }

  /** Forgets the open requests, connections and breakers of workers that are not among these. */
  keepWorkers(workers: ReadonlySet<string>): void {
    this.#addresses.keepWorkers(workers);
    this.#tellBreakers(this.#breakers.keepWorkers(workers));
  }

  /** Reports what the controller knows of and exists no more. */
  prune(exists: Exists): void {
    this.#addresses.keep((endpoint) => exists({ kind: 'address', name: '', endpoint }));
    this.#breakers.keep((name) => exists({ kind: 'backend', name, endpoint: '' }));
    for (const [id, entry] of this.#told) {
      if (exists(entry)) continue;
      this.#told.delete(id);
      this.#gone.set(id, entry);
    }
  }

  /** The next report. It stays unconfirmed until `confirm`; there must be no other. */
  next({ revision, gauges }: ReportHead): ReportMessage {
    let room = REPORT_BYTES;
    const spend = (bytes: number): boolean => (room -= bytes) >= 0;
    const report: ReportMessage = {
      sequence: ++this.#sequence,
      fresh: this.#fresh,
      revision,
      gauges,
      gone: this.#takeGone(spend),
      addresses: this.#addresses.take(MAX_ENTRIES, spend),
      endpoints: this.#endpoints.take(MAX_ENTRIES, spend),
      // The state when the report leaves: an entry may have waited.
      backends: this.#backends.take(MAX_ENTRIES, spend).map((entry) => ({ ...entry, breaker: this.#breakers.of(entry.backend) })),
      routes: this.#routes.take(MAX_ENTRIES, spend),
      errors: this.#errors.take(MAX_ERROR_ENTRIES, spend),
      waiting: this.waiting,
    };
    this.#fresh = false;
    for (const entry of toldBy(report)) this.#told.set(idOf(entry), entry);
    return (this.#unconfirmed = report);
  }

  /** The controller has counted the report with this sequence number. */
  confirm(sequence: number): void {
    if (this.#unconfirmed?.sequence === sequence) this.#unconfirmed = null;
  }

  /**
   * A stream begins with a controller that has counted the reports up to `sequence` (0: none), while another one has counted those up to
   * `elsewhere`. The result is whether it continues where the former stream ended: then an unconfirmed report is to be sent again.
   * Otherwise the next report is a fresh one with everything.
   */
  resume(sequence: number, elsewhere = 0): boolean {
    this.confirm(sequence);
    const last = this.#unconfirmed === null ? this.#sequence : this.#unconfirmed.sequence - 1;
    if (sequence === last && sequence > 0) return true;
    const lost = this.#unconfirmed;
    this.#unconfirmed = null;
    this.#fresh = true;
    this.#told.clear();
    this.#gone.clear();
    this.#addresses.repeat();
    this.#tellBreakers([...this.#breakers.backends]);
    // What no controller has counted comes again. Without an answer of the one before, it has started anew, and forgotten what it counted.
    if (lost !== null && lost.sequence > elsewhere) this.#restore(lost);
    return false;
  }

  #tellBreakers(backends: readonly string[]): void {
    this.#backends.add(backends.map((backend) => ({ backend, firstByte: null, breaker: '' })));
  }

  #restore({ backends, endpoints, routes, errors = [] }: ReportMessage): void {
    this.#errors.add(errors);
    this.#backends.add(backends);
    this.#endpoints.add(endpoints);
    this.#routes.add(routes);
  }

  #takeGone(spend: (bytes: number) => boolean): readonly GoneEntry[] {
    const taken: GoneEntry[] = [];
    for (const [id, entry] of this.#gone) {
      if (taken.length === MAX_ENTRIES || !spend(id.length)) break;
      this.#gone.delete(id);
      taken.push(entry);
    }
    return taken;
  }
}

function sampleBytes({ authority, path, detail, headers }: ErrorSample): number {
  return headers.reduce((sum, text) => sum + text.length + 2, 256 + authority.length + path.length + detail.length);
}

function idOf({ kind, name, endpoint }: GoneEntry): string {
  return `${kind}|${name}|${endpoint}`;
}

function* toldBy({ backends, endpoints, routes }: Entries): Iterable<GoneEntry> {
  for (const { backend } of backends) yield { kind: 'backend', name: backend, endpoint: '' };
  for (const { backend, endpoint } of endpoints) yield { kind: 'endpoint', name: backend, endpoint };
  for (const { route } of routes) yield { kind: 'route', name: route, endpoint: '' };
}
