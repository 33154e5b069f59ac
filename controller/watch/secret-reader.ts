// Reads the Secrets of a cluster that something refers to, one by one, and again when the watch tells a new version. Of all others
// nothing is known but that they are there.
//
//   followed, and there ──> queued ──> read ──> told ──another version──> queued ...
//                           ^          └──refused, no answer──> after a backoff ──┐
//                           └─────────────────────────────────────────────────────┘
// A caller of `follow` waits for the Secrets of which nothing has been told yet. What was read once stays in use until it is replaced or gone.
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { KINDS } from '#api/k8s/kinds.ts';
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
  /** For how long others wait for a Secret that the API server does not give. */
  readonly patience: number;
}

/** What a reader needs. */
export interface SecretReaderOptions {
  readonly client: Pick<ApiClient, 'call'>;
  /** What of a Secret is kept. */
  readonly project: WatchedKind['project'];
  /** The version of a Secret as the watch has told it last; undefined where there is none. */
  readonly versionOf: (namespace: string, name: string) => string | undefined;
  readonly changed: (change: Change) => void;
  /** Why followed Secrets cannot be read; null again once all can. */
  readonly problem: (problem: InformerProblem | null) => void;
  readonly times?: ReaderTimes;
  /** Around what is done with each Secret: a bug that one meets costs that one only. */
  readonly guard?: Guard;
}

const READER_TIMES: ReaderTimes = { backoff: INFORMER_TIMES.backoff, patience: 5_000 };
/** Reads under way at a time: a thousand certificates take a second or two, and an API server hardly notices. */
const CONCURRENCY = 16;
/** Nothing tells of a right that is given back: it is asked for so often at least, but in all no more often than this pause says. */
const FORBIDDEN_MS = 5_000;
const BETWEEN_FORBIDDEN_MS = 50;
/** A lost connection is everyday; so many failures in a row are a problem worth telling. */
const FAILING_AFTER = 3;

const FAULTY: InformerProblem = { type: 'failing', reason: 'a bug in Weir, of which the log of the controller tells' };

/** A Secret that is followed. One that is deleted and made anew is another. */
interface Followed {
  readonly id: string;
  readonly ref: ObjectRef;
  readonly backoff: Backoff;
  /** What is known of it elsewhere. */
  told: 'nothing' | 'data' | 'unreadable';
  /** The version that was read last, or that turned out to be gone; '' before. */
  version: string;
  state: 'resting' | 'queued' | 'reading';
  failures: number;
  problem: InformerProblem | null;
  retry: NodeJS.Timeout | undefined;
}

/** A wait for Secrets of which nothing was told when it began. */
interface Wait {
  readonly secrets: Set<Followed>;
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
}

export class SecretReader {
  readonly #options: SecretReaderOptions;
  readonly #times: ReaderTimes;
  readonly #guard: Guard;
  /** By id. */
  readonly #followed = new Map<string, Followed>();
  readonly #queue: Followed[] = [];
  readonly #failing = new Set<Followed>();
  readonly #stop = new AbortController();
  #reading = 0;
  #wait: Wait | null = null;
  /** The first wait is over. */
  #started = false;
  /** The API server has answered for a Secret once. */
  #proven = false;
  #problem = 'null';

  constructor(options: SecretReaderOptions) {
    this.#options = options;
    this.#times = options.times ?? READER_TIMES;
    this.#guard = options.guard ?? UNGUARDED;
  }

  /** False until the Secrets that were followed first have been told. */
  get hasStarted(): boolean {
    return this.#started;
  }

  /** As Source.follow. One wait at a time. */
  follow(ids: ReadonlySet<string>): Promise<void> | null {
    for (const followed of this.#followed.values()) if (!ids.has(followed.id)) this.#drop(followed);
    for (const id of ids) if (!this.#followed.has(id)) this.#follow(id);
    const untold = [...this.#followed.values()].filter((followed) => this.#isUntold(followed));
    if (untold.length > 0 && !this.#stop.signal.aborted) return this.#waitFor(untold);
    this.#started = true;
    return null;
  }

  /** What the watch tells, whoever's Secrets they are. */
  noticed(changes: readonly RawChange[]): void {
    for (const { type, namespace, name } of changes) {
      const followed = this.#followed.get(objectId({ kind: 'Secret', namespace, name }));
      if (followed === undefined) continue;
      if (type === 'upsert') this.#check(followed);
      else {
        this.#drop(followed);
        this.#follow(followed.id);
      }
    }
  }

  /** Nothing is told any more, and nobody waits. */
  stop(): void {
    this.#stop.abort();
    for (const { retry } of this.#followed.values()) clearTimeout(retry);
    this.#endWait();
  }

  #follow(id: string): void {
    const [, namespace = '', ...name] = id.split('/');
    const followed: Followed = {
      id,
      ref: { kind: 'Secret', namespace, name: name.join('/') },
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

  /** There is one, and nothing is known of it. */
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
    // It is not followed any more, or it has been deleted meanwhile.
    if (this.#isCurrent(followed)) {
      if ('type' in outcome) this.#failed(followed, outcome);
      else if (!this.#guard.guard('secrets', () => this.#answered(followed, outcome, expected), followed.ref))
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
    // The watch may be ahead of the answer or behind it. It is ahead when it has told another version since the question.
    if (this.#versionOf(followed) !== expected) this.#check(followed);
  }

  #found(followed: Followed, object: RawObject): void {
    followed.version = String(metadataOf(object)['resourceVersion']);
    followed.told = 'data';
    this.#options.changed({ type: 'upsert', object: this.#options.project(object) as unknown as KubernetesObject });
    this.#settled(followed, null);
  }

  /** The watch has yet to tell that it is gone, or has told of another. What was in use stays until it does. */
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
    if (this.#wait?.secrets.delete(followed) === true && this.#wait.secrets.size === 0) this.#endWait();
  }

  // --- wait

  #waitFor(secrets: readonly Followed[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setInterval(() => this.#losePatience(), this.#times.patience);
    this.#wait = { secrets: new Set(secrets), timer, resolve };
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
    for (const followed of this.#wait?.secrets ?? []) if (this.#mayGiveUp(followed)) this.#giveUp(followed);
  }

  /**
   * At the start proxies are served by others, or as they were left: better to wait than to take listeners down. Only a single Secret
   * that cannot be read, while others can, keeps nobody waiting.
   */
  #mayGiveUp({ problem }: Followed): boolean {
    return this.#started || (this.#proven && problem !== null);
  }

  #giveUp(followed: Followed): void {
    if (followed.told === 'data') return;
    followed.told = 'unreadable';
    this.#options.changed({ type: 'unreadable', ref: followed.ref, reason: unreadable(followed.problem) });
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

/** For whoever refers to the Secret: steady words, where the log has those of the API server. */
function unreadable(problem: InformerProblem | null): string {
  if (problem?.type !== 'forbidden') return 'the API server has not given it yet';
  return `the controller may not get ${KINDS.Secret.plural}`;
}
