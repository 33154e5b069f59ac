// Reads the referenced objects of a kind (Secrets, ConfigMaps) one by one, and again when the watch reports a new version. Of other
// objects of the kind only the existence is known.
//
//   followed, and exists ──> queued ──> read ──> reported ──new version──> queued ...
//                              ^          └──refused, no answer──> after a backoff ──┐
//                              └─────────────────────────────────────────────────────┘
// A caller of `follow` waits for objects that have not been reported yet. Data stays in use until it is replaced or the object is deleted.
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { objectId } from '#api/k8s/object.ts';
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import { messageOf } from './api-client.ts';
import type { ApiClient, ApiReply } from './api-client.ts';
import { objectPath } from './api-paths.ts';
import type { Change } from './event.ts';
import { INFORMER_TIMES, reasonOf } from './informer.ts';
import type { InformerProblem, RawChange } from './informer.ts';
import { metadataOf } from './kinds.ts';
import type { RawObject, WatchedKind } from './kinds.ts';

/** Times of a reader, milliseconds. */
export interface ReaderTimes {
  readonly backoff: BackoffOptions;
  /** How long a batch waits for an object that the API server does not return. */
  readonly patience: number;
}

/** The parts that a reader needs. */
export interface ObjectReaderOptions {
  readonly client: Pick<ApiClient, 'call'>;
  readonly kind: KindName;
  /** The fields of an object to keep. */
  readonly project: WatchedKind['project'];
  /** The version of an object that the watch reported last; undefined if there is none. */
  readonly versionOf: (namespace: string, name: string) => string | undefined;
  readonly changed: (change: Change) => void;
  /** Why followed objects cannot be read; null once all can be read again. */
  readonly problem: (problem: InformerProblem | null) => void;
  readonly times?: ReaderTimes;
  /** Wraps the work on each object, so that a bug affects that object only. */
  readonly guard?: Guard;
}

const READER_TIMES: ReaderTimes = { backoff: INFORMER_TIMES.backoff, patience: 5_000 };
/** Number of concurrent reads: a thousand certificates take a second or two, with little load on the API server. */
const CONCURRENCY = 16;
/** Maximum pause between attempts without a right, for all objects together: no event reports that the right is back. */
const FORBIDDEN_MS = 5_000;
const BETWEEN_FORBIDDEN_MS = 50;
/** Number of failures in a row that are reported; a single lost connection is normal. */
const FAILING_AFTER = 3;

const FAULTY: InformerProblem = { type: 'failing', reason: 'a bug in Weir; see the log of the controller' };

/** A followed object. One that is deleted and created again is another. */
interface Followed {
  readonly id: string;
  readonly ref: ObjectRef;
  readonly backoff: Backoff;
  /** The last report about it. */
  told: 'nothing' | 'data' | 'unreadable';
  /** The version that was read last, or that was found deleted; '' before. */
  version: string;
  state: 'resting' | 'queued' | 'reading';
  failures: number;
  problem: InformerProblem | null;
  retry: NodeJS.Timeout | undefined;
}

/** A wait for objects that have not been reported. */
interface Wait {
  readonly objects: Set<Followed>;
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
}

export class ObjectReader {
  readonly #options: ObjectReaderOptions;
  readonly #times: ReaderTimes;
  readonly #guard: Guard;
  /** By object id. */
  readonly #followed = new Map<string, Followed>();
  readonly #queue: Followed[] = [];
  readonly #failing = new Set<Followed>();
  readonly #stop = new AbortController();
  #reading = 0;
  #wait: Wait | null = null;
  /** The first wait is over. */
  #started = false;
  /** Whether the API server has returned any object of the kind yet. */
  #proven = false;
  #problem = 'null';

  constructor(options: ObjectReaderOptions) {
    this.#options = options;
    this.#times = options.times ?? READER_TIMES;
    this.#guard = options.guard ?? UNGUARDED;
  }

  /** False until the first followed objects have been reported. */
  get hasStarted(): boolean {
    return this.#started;
  }

  /** Implements Source.want. One wait at a time. */
  follow(ids: ReadonlySet<string>): Promise<void> | null {
    for (const followed of this.#followed.values()) if (!ids.has(followed.id)) this.#drop(followed);
    for (const id of ids) if (!this.#followed.has(id)) this.#follow(id);
    const untold = [...this.#followed.values()].filter((followed) => this.#isUntold(followed));
    if (untold.length > 0 && !this.#stop.signal.aborted) return this.#waitFor(untold);
    this.#started = true;
    return null;
  }

  /** Takes events of the watch, also of objects that are not followed. */
  noticed(changes: readonly RawChange[]): void {
    for (const { type, namespace, name } of changes) {
      const followed = this.#followed.get(objectId({ kind: this.#options.kind, namespace, name }));
      if (followed === undefined) continue;
      if (type === 'upsert') this.#check(followed);
      else {
        this.#drop(followed);
        this.#follow(followed.id);
      }
    }
  }

  /** Stops reports and ends a wait. */
  stop(): void {
    this.#stop.abort();
    for (const { retry } of this.#followed.values()) clearTimeout(retry);
    this.#endWait();
  }

  #follow(id: string): void {
    const [, namespace = '', ...name] = id.split('/');
    const followed: Followed = {
      id,
      ref: { kind: this.#options.kind, namespace, name: name.join('/') },
      backoff: new Backoff(this.#times.backoff),
      told: 'nothing',
      version: '',
      state: 'resting',
      failures: 0,
      problem: null,
      retry: undefined,
    };
    this.#followed.set(id, followed);
    this.#check(followed);
  }

  #drop(followed: Followed): void {
    clearTimeout(followed.retry);
    this.#followed.delete(followed.id);
    this.#settled(followed, null);
    if (followed.told !== 'nothing') this.#options.changed({ type: 'delete', ref: followed.ref });
  }

  #isCurrent(followed: Followed): boolean {
    return this.#followed.get(followed.id) === followed && !this.#stop.signal.aborted;
  }

  #versionOf({ ref }: Followed): string | undefined {
    return this.#options.versionOf(ref.namespace, ref.name);
  }

  /** The object exists and has not been reported. */
  #isUntold(followed: Followed): boolean {
    return followed.told === 'nothing' && this.#isOutdated(followed);
  }

  #isOutdated(followed: Followed): boolean {
    const version = this.#versionOf(followed);
    return version !== undefined && version !== followed.version;
  }

  // --- read

  #check(followed: Followed): void {
    if (followed.state !== 'resting' || !this.#isOutdated(followed)) return;
    clearTimeout(followed.retry);
    followed.state = 'queued';
    this.#queue.push(followed);
    this.#readNext();
  }

  #readNext(): void {
    while (this.#reading < CONCURRENCY) {
      const followed = this.#queue.shift();
      if (followed === undefined) return;
      if (this.#isCurrent(followed)) void this.#read(followed);
    }
  }

  async #read(followed: Followed): Promise<void> {
    const expected = this.#versionOf(followed) ?? '';
    followed.state = 'reading';
    this.#reading++;
    const outcome = await this.#ask(followed.ref);
    this.#reading--;
    followed.state = 'resting';
    // Ignored if the object is no longer followed or was deleted meanwhile.
    if (this.#isCurrent(followed)) {
      if ('type' in outcome) this.#failed(followed, outcome);
      else if (!this.#guard.guard('reader', () => this.#answered(followed, outcome, expected), followed.ref))
        this.#failed(followed, FAULTY);
    }
    this.#readNext();
  }

  async #ask(ref: ObjectRef): Promise<ApiReply | InformerProblem> {
    try {
      const reply = await this.#options.client.call({ method: 'GET', path: objectPath(ref), signal: this.#stop.signal });
      const { status, body } = reply;
      if (status === 403) return { type: 'forbidden', verb: 'get' };
      if (status === 404 || (status === 200 && typeof body === 'object')) return reply;
      return { type: 'failing', reason: messageOf(body) ?? `the API server answered ${status}` };
    } catch (error) {
      return { type: 'failing', reason: reasonOf(error) };
    }
  }

  #answered(followed: Followed, { status, body }: ApiReply, expected: string): void {
    this.#proven = true;
    followed.backoff.reset();
    followed.failures = 0;
    if (status === 404) this.#missing(followed, expected);
    else this.#found(followed, body as RawObject);
    // The watch may be ahead of the answer or behind it. It is ahead if it has reported another version since the request.
    if (this.#versionOf(followed) !== expected) this.#check(followed);
  }

  #found(followed: Followed, object: RawObject): void {
    followed.version = String(metadataOf(object)['resourceVersion']);
    followed.told = 'data';
    this.#options.changed({ type: 'upsert', object: this.#options.project(object) as unknown as KubernetesObject });
    this.#settled(followed, null);
  }

  /** The object is gone, but the watch has not reported it yet. Its data stays in use until the watch does. */
  #missing(followed: Followed, expected: string): void {
    followed.version = expected;
    if (this.#isOutdated(followed)) return;
    if (followed.told === 'unreadable') {
      followed.told = 'nothing';
      this.#options.changed({ type: 'delete', ref: followed.ref });
    }
    this.#settled(followed, null);
  }

  #failed(followed: Followed, problem: InformerProblem): void {
    followed.problem = problem;
    followed.failures++;
    this.#failing.add(followed);
    const longest = problem.type === 'forbidden' ? Math.max(FORBIDDEN_MS, this.#failing.size * BETWEEN_FORBIDDEN_MS) : Infinity;
    followed.retry = setTimeout(() => this.#check(followed), Math.min(followed.backoff.next(), longest));
    this.#report();
    if (followed.told === 'unreadable' || (problem.type === 'forbidden' && this.#mayGiveUp(followed))) this.#giveUp(followed);
  }

  #settled(followed: Followed, problem: InformerProblem | null): void {
    followed.problem = problem;
    if (problem === null && this.#failing.delete(followed)) this.#report();
    if (this.#wait?.objects.delete(followed) === true && this.#wait.objects.size === 0) this.#endWait();
  }

  // --- wait

  #waitFor(objects: readonly Followed[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setInterval(() => this.#losePatience(), this.#times.patience);
    this.#wait = { objects: new Set(objects), timer, resolve };
    return promise;
  }

  #endWait(): void {
    if (this.#wait === null) return;
    clearInterval(this.#wait.timer);
    this.#wait.resolve();
    this.#wait = null;
    this.#started = true;
  }

  #losePatience(): void {
    for (const followed of this.#wait?.objects ?? []) if (this.#mayGiveUp(followed)) this.#giveUp(followed);
  }

  /**
   * At the start other controllers serve the proxies, or proxies keep their configuration: waiting is better than taking listeners down.
   * Only a single unreadable object, while others can be read, does not delay the start.
   */
  #mayGiveUp({ problem }: Followed): boolean {
    return this.#started || (this.#proven && problem !== null);
  }

  #giveUp(followed: Followed): void {
    if (followed.told === 'data') return;
    followed.told = 'unreadable';
    this.#options.changed({ type: 'unreadable', ref: followed.ref, reason: unreadable(this.#options.kind, followed.problem) });
    this.#settled(followed, followed.problem);
  }

  #report(): void {
    const told = [...this.#failing].find(({ problem, failures }) => problem?.type === 'forbidden' || failures >= FAILING_AFTER);
    const problem = told?.problem ?? null;
    const text = JSON.stringify(problem);
    if (text === this.#problem) return;
    this.#problem = text;
    this.#options.problem(problem);
  }
}

/** The reason for statuses: a constant text, while the log has the message of the API server. */
function unreadable(kind: KindName, problem: InformerProblem | null): string {
  if (problem?.type !== 'forbidden') return 'the API server has not answered yet';
  return `the controller may not get ${KINDS[kind].plural}`;
}
