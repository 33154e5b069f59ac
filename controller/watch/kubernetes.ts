// The source `kubernetes`: one informer per kind, which reports changes that affect compile.
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import type { ApiClient } from './api-client.ts';
import type { Change, Source, SourceListener, SourceProblem, Wanted } from './event.ts';
import { INFORMER_TIMES } from './informer.ts';
import type { InformerProblem, InformerTimes, RawChange } from './informer.ts';
import { Informers } from './informers.ts';
import { metadataOf, WATCHED_KINDS } from './kinds.ts';
import type { RawObject, WatchedKind } from './kinds.ts';
import { liveStatusOf, LiveStatuses } from './live-status.ts';
import { ObjectReader } from './object-reader.ts';
import type { ReaderTimes } from './object-reader.ts';
import { describeProblem } from './trouble.ts';
import type { TroubleListener, WatchTrouble } from './trouble.ts';

/** The kinds that are read on demand. */
const ON_DEMAND = ['Secret', 'ConfigMap'] as const;
/** The ids of the objects to read, by kind. */
export type WantedObjects = Pick<Wanted, (typeof ON_DEMAND)[number]>;

/** The parts of a source besides the cluster. */
export interface KubernetesSourceOptions {
  readonly kinds?: readonly WatchedKind[];
  /** The namespaces to read; absent or empty means all. */
  readonly namespaces?: readonly string[];
  readonly times?: InformerTimes;
  readonly readerTimes?: ReaderTimes;
  /** Called when a list or watch of a kind starts, for metrics. */
  readonly began?: (kind: string, what: 'list' | 'watch') => void;
  /** Called with kinds that cannot be watched, for statuses and Events. */
  readonly troubled?: TroubleListener;
  /** Wraps the work on each object, so that a bug affects that object only. */
  readonly guard?: Guard;
}

export class KubernetesSource implements Source {
  /** The live statuses of the kinds whose status Weir writes. */
  readonly live = new LiveStatuses();
  readonly #client: ApiClient;
  readonly #options: KubernetesSourceOptions;
  readonly #guard: Guard;
  readonly #informers = new Map<string, Informers>();
  readonly #troubles = new Map<string, WatchTrouble>();
  readonly #synced = new Set<string>();
  /** By kind that is read on demand. */
  readonly #readers = new Map<string, ObjectReader>();
  /** Functions that end the wait for a kind. */
  readonly #waiting: (() => void)[] = [];
  #listener: SourceListener | null = null;

  constructor(client: ApiClient, options: KubernetesSourceOptions = {}) {
    this.#client = client;
    this.#options = options;
    this.#guard = options.guard ?? UNGUARDED;
  }

  /** Resolves once every kind is listed or not installed. Waits as long as the API server is unreachable. */
  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    const kinds = this.#options.kinds ?? WATCHED_KINDS;
    await Promise.all(kinds.map((kind) => this.#startKind(kind)));
    this.#listener?.synced();
  }

  /** Also resolves a `start` that still waits. */
  async stop(): Promise<void> {
    this.#listener = null;
    for (const resolve of this.#waiting) resolve();
    for (const reader of this.#readers.values()) reader.stop();
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  want(wanted: WantedObjects): Promise<unknown> | null {
    const waits = ON_DEMAND.flatMap((kind) => this.#readers.get(kind)?.follow(wanted[kind]) ?? []);
    return waits.length === 0 ? null : Promise.all(waits);
  }

  /** Number of objects per kind. */
  objectCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#informers].map(([kind, informer]) => [kind, informer.size]));
  }

  /** The kinds that cannot be watched now, and the reasons. */
  troubles(): ReadonlyMap<string, WatchTrouble> {
    return this.#troubles;
  }

  /** False while no kind can be watched because the API server fails or is unreachable. */
  isConnected(): boolean {
    const failing = [...this.#troubles.values()].filter(({ problem }) => problem.type === 'failing');
    return failing.length < this.#informers.size;
  }

  /** Whether a kind has been listed once, and the first followed objects of a kind on demand have been read. */
  isSynced(kind: string): boolean {
    return this.#synced.has(kind) && this.#readers.get(kind)?.hasStarted !== false;
  }

  #startKind(kind: WatchedKind): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const synced = (): void => {
      this.#synced.add(kind.name);
      resolve();
    };
    const problems: KindProblems = { watch: null, read: null };
    const listener = {
      changed: (changes: readonly RawChange[]) => {
        if (kind.onDemand === true) this.#readers.get(kind.name)?.noticed(changes);
        else this.#changed(kind, changes);
      },
      synced,
      problem: (problem: InformerProblem | null) => {
        problems.watch = problem;
        this.#problem(kind, problem ?? problems.read);
        if (problem !== null && kind.optional === true) synced();
      },
      began: (what: 'list' | 'watch') => this.#options.began?.(kind.name, what),
    };
    const fingerprint = (object: RawObject) => this.#fingerprint(kind, object);
    const { namespaces = [], times = INFORMER_TIMES } = this.#options;
    const informer = new Informers({ ...kind, fingerprint }, namespaces, this.#client, listener, times);
    this.#informers.set(kind.name, informer);
    if (kind.onDemand === true) this.#readers.set(kind.name, this.#makeReader(kind, informer, problems));
    informer.start();
    return promise;
  }

  #makeReader(kind: WatchedKind, informer: Informers, problems: KindProblems): ObjectReader {
    const { readerTimes } = this.#options;
    return new ObjectReader({
      client: this.#client,
      kind: kind.name,
      project: kind.project,
      versionOf: (namespace, name) => informer.fingerprintOf(namespace, name),
      changed: (change) => this.#listener?.changed([change]),
      problem: (problem) => {
        problems.read = problem;
        this.#problem(kind, problems.watch ?? problem);
      },
      guard: this.#guard,
      ...(readerTimes === undefined ? {} : { times: readerTimes }),
    });
  }

  #fingerprint(kind: WatchedKind, object: RawObject): string {
    let fingerprint = String(metadataOf(object)['resourceVersion']);
    this.#guard.guard('watch', () => (fingerprint = kind.fingerprint(object)), { kind: kind.name, ...nameOf(object) });
    return fingerprint;
  }

  #changed(kind: WatchedKind, all: readonly RawChange[]): void {
    const changes = all.filter(({ name }) => kind.concerns?.(name) !== false);
    // The live status must be known before compile wants a status written, since the writer compares the two.
    if (kind.writesStatus) this.#each(kind, changes, (change) => this.#remember(kind, change));
    const relevant: Change[] = [];
    this.#each(kind, changes, (change) => change.relevant && relevant.push(toChange(kind, change)));
    if (relevant.length > 0) this.#listener?.changed(relevant);
    // A missing kind may be installed now.
    if (kind.name === 'CustomResourceDefinition' && changes.length > 0) for (const informer of this.#informers.values()) informer.retry();
  }

  #each(kind: WatchedKind, changes: readonly RawChange[], work: (change: RawChange) => unknown): void {
    for (const change of changes) this.#guard.guard('watch', () => void work(change), refFor(kind, change));
  }

  #remember(kind: WatchedKind, change: RawChange): void {
    const ref = refFor(kind, change);
    if (change.type === 'delete' || change.object === null) this.live.delete(ref);
    else this.live.set(liveStatusOf(ref, change.object));
  }

  #problem(kind: WatchedKind, problem: InformerProblem | null): void {
    const isUsual = kind.experimental === true && problem?.type === 'absent';
    const trouble = problem === null || isUsual ? null : troubleOf(kind, problem);
    if (trouble === null) this.#troubles.delete(kind.name);
    else this.#troubles.set(kind.name, trouble);
    const told = [...this.#troubles].map(([object, { message }]): SourceProblem => {
      return { severity: 'error', file: '', line: 0, object, field: '', reason: message };
    });
    this.#listener?.problems(told);
    this.#options.troubled?.(kind.name, trouble);
  }
}

/** Problems of watching a kind, and of reading its objects one by one. */
interface KindProblems {
  watch: InformerProblem | null;
  read: InformerProblem | null;
}

function refFor(kind: WatchedKind, { namespace, name }: RawChange): ObjectRef {
  return { kind: kind.name, namespace, name };
}

function nameOf(object: RawObject): object {
  const { namespace, name } = metadataOf(object);
  return { namespace, name };
}

/** No validation here: compile validates objects and reports their fields. */
function toChange(kind: WatchedKind, change: RawChange): Change {
  if (change.type === 'delete' || change.object === null) return { type: 'delete', ref: refFor(kind, change) };
  return { type: 'upsert', object: kind.project(change.object) as unknown as KubernetesObject };
}

function troubleOf(kind: WatchedKind, problem: InformerProblem): WatchTrouble {
  const isFine = kind.optional === true || (kind.mayBeAbsent === true && problem.type === 'absent');
  return { problem, message: describeProblem(kind.api, kind.install, problem), matters: !isFine };
}
