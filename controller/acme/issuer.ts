// The source of the certificates that a certificate authority issues (ACME). Compile says which ones are wanted; the leader obtains and renews
// them, each by itself, and they reach compile as Secrets. Orders and failures are kept in the Secrets: neither a restart nor another leader
// begins anew.
import { isDeepStrictEqual } from 'node:util';
import { Backoff } from '#lib/backoff.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { isSystemError } from '#lib/system-error.ts';
import type { WantedCertificate } from '../watch/certificates.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';
import type { AddressGuard } from '#lib/destination.ts';
import { Accounts } from './accounts.ts';
import { WriteConflict, type CertificateStore } from './certificate-store.ts';
import { bring, type Delivery, type IssuanceTimes, type Outcome } from './issuance.ts';

/** The result of an attempt, for Events and metrics. `unreachable`: the server, the webhook or the store did not answer. */
export interface AttemptReport {
  readonly wanted: WantedCertificate;
  readonly result: 'issued' | 'failed' | 'unreachable';
  /** Why it failed; '' if it did not. */
  readonly problem: string;
}

export interface IssuerOptions {
  readonly store: CertificateStore;
  /** Whether this program obtains certificates now. */
  readonly leads: () => boolean;
  readonly delivery: (gateway: string, challenge: string) => Delivery;
  /** For the addresses of webhooks. */
  readonly guard: AddressGuard;
  readonly reported?: (report: AttemptReport) => void;
  readonly log: Log;
  readonly faults: Faults;
  readonly times?: IssuanceTimes;
}

/** Orders under way at a time. */
const MAX_RUNNING = 4;
/** Pauses while a server does not answer. */
const UNREACHABLE = { minimum: 2_000, maximum: 600_000 };
/** The longest delay of a timer. */
const MAX_TIMER_MS = 2_147_483_647;
/** How often the Gateway is asked whether another program is in charge. */
const OWNED_MS = 600_000;

/** A wanted certificate. */
interface Task {
  wanted: WantedCertificate;
  timer: NodeJS.Timeout | null;
  running: AbortController | null;
  /** It changed while it was running. */
  again: boolean;
  problem: string;
  readonly backoff: Backoff;
}

/** The state of a certificate, for metrics. */
export interface CertificateProgress {
  readonly secret: string;
  readonly problem: string;
}

export class Issuer implements Source {
  readonly #options: IssuerOptions;
  readonly #stop = new AbortController();
  readonly #accounts: Accounts;
  /** By Secret. */
  readonly #tasks = new Map<string, Task>();
  readonly #ready: Task[] = [];
  readonly #runs = new Set<Promise<void>>();
  #started = false;

  constructor(options: IssuerOptions) {
    this.#options = options;
    this.#accounts = new Accounts(options.store, options.guard, this.#stop.signal);
  }

  start(listener: SourceListener): Promise<void> {
    this.#started = true;
    this.#options.store.follow?.((secret) => listener.changed([{ type: 'upsert', object: secret }]));
    listener.synced();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#started = false;
    for (const secret of [...this.#tasks.keys()]) this.#end(secret);
    this.#stop.abort();
    await this.#accounts.close();
    await Promise.all(this.#runs);
  }

  /** This program obtains certificates from now on. */
  resume(): void {
    for (const task of this.#tasks.values()) this.#due(task);
  }

  want({ Certificates: certificates }: Pick<Wanted, 'Certificates'>): Promise<void> | null {
    if (!this.#started) return null;
    const wanted = bySecret(certificates.values());
    for (const secret of [...this.#tasks.keys()]) if (!wanted.has(secret)) this.#end(secret);
    const recalled = [...wanted.values()].flatMap((each) => this.#take(each) ?? []);
    return recalled.length === 0 ? null : Promise.all(recalled).then(() => undefined);
  }

  /** All wanted certificates. */
  progress(): readonly CertificateProgress[] {
    return [...this.#tasks].map(([secret, { problem }]) => ({ secret, problem }));
  }

  /** A promise if the Secret is to be reported first. */
  #take(wanted: WantedCertificate): Promise<void> | null {
    const known = this.#tasks.get(wanted.secret);
    if (known !== undefined) {
      if (isDeepStrictEqual(known.wanted, wanted)) return null;
      // A Secret that has just been created is the work of the task itself.
      const isOwnWork = wanted.exists && isDeepStrictEqual({ ...known.wanted, exists: true }, wanted);
      known.wanted = wanted;
      if (!isOwnWork) this.#due(known);
      return null;
    }
    const task: Task = { wanted, timer: null, running: null, again: false, problem: '', backoff: new Backoff(UNREACHABLE) };
    this.#tasks.set(wanted.secret, task);
    const recalled = this.#options.store.recall?.(wanted.secret) ?? null;
    if (recalled === null) this.#due(task);
    return recalled === null ? null : recalled.catch((error: unknown) => this.#unreachable(task, error)).then(() => this.#due(task));
  }

  #end(secret: string): void {
    const task = this.#tasks.get(secret);
    this.#tasks.delete(secret);
    if (task === undefined) return;
    if (task.timer !== null) clearTimeout(task.timer);
    task.running?.abort();
  }

  #due(task: Task): void {
    if (task.timer !== null) clearTimeout(task.timer);
    task.timer = null;
    if (task.running !== null) task.again = true;
    else if (!this.#ready.includes(task)) this.#ready.push(task);
    this.#runNext();
  }

  #later(task: Task, at: number): void {
    if (at === Infinity || this.#tasks.get(task.wanted.secret) !== task) return;
    task.timer = setTimeout(() => this.#due(task), Math.min(MAX_TIMER_MS, Math.max(0, at - Date.now()))).unref();
  }

  #runNext(): void {
    while (this.#runs.size < MAX_RUNNING) {
      const task = this.#ready.shift();
      if (task === undefined) return;
      if (this.#tasks.get(task.wanted.secret) !== task || !this.#options.leads()) continue;
      const run = this.#run(task).finally(() => {
        this.#runs.delete(run);
        this.#runNext();
      });
      this.#runs.add(run);
    }
  }

  /** Never rejects. */
  async #run(task: Task): Promise<void> {
    const running = (task.running = new AbortController());
    const signal = AbortSignal.any([running.signal, this.#stop.signal]);
    let next = Date.now();
    try {
      next = await this.#bring(task, signal);
    } catch (error) {
      if (signal.aborted) return;
      // After a conflict another controller may be at work.
      next = error instanceof WriteConflict ? Date.now() + task.backoff.next() : this.#unreachable(task, error);
    } finally {
      task.running = null;
    }
    if (task.again) next = Date.now();
    task.again = false;
    this.#later(task, next);
  }

  async #bring(task: Task, signal: AbortSignal): Promise<number> {
    const { store, delivery, log, times } = this.#options;
    const { wanted } = task;
    const { secret } = wanted;
    const owner = await store.ownerOf(wanted.gateway);
    if (owner !== null) {
      log.info({ object: `Secret/${secret}`, owner }, 'another program obtains the certificates of the Gateway');
      return Date.now() + OWNED_MS;
    }
    const outcome = await bring(wanted, { store, accounts: this.#accounts, delivery, signal, ...(times === undefined ? {} : { times }) });
    task.backoff.reset();
    this.#tell(task, outcome);
    return outcome.next;
  }

  #tell(task: Task, { result, problem, next }: Outcome): void {
    const { log, reported } = this.#options;
    const { wanted } = task;
    const about = { object: `Secret/${wanted.secret}`, gateway: wanted.gateway, hosts: wanted.hosts, server: wanted.settings.server };
    task.problem = problem;
    if (result === 'issued') log.info(about, 'a certificate is issued');
    if (result === 'failed') log.warn({ ...about, problem, next: new Date(next).toISOString() }, 'no certificate was issued');
    if (result === 'issued' || result === 'failed') reported?.({ wanted, result, problem });
  }

  /** Returns when to try again. */
  #unreachable(task: Task, error: unknown): number {
    const { log, faults, reported } = this.#options;
    const { wanted } = task;
    const problem = describe(error);
    // An error of this program is no error of a server.
    if (error instanceof TypeError || error instanceof RangeError) faults.report('acme', error, { object: `Secret/${wanted.secret}` });
    if (task.problem !== problem)
      log.warn({ object: `Secret/${wanted.secret}`, problem }, 'a certificate cannot be obtained at the moment');
    task.problem = problem;
    reported?.({ wanted, result: 'unreachable', problem });
    return Date.now() + task.backoff.next();
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  return isSystemError(error) ? `${error.code}: ${error.message}` : error.message;
}

/** Listeners of several objects may share a Secret. */
function bySecret(all: Iterable<readonly WantedCertificate[]>): ReadonlyMap<string, WantedCertificate> {
  const found = new Map<string, WantedCertificate>();
  for (const wanted of [...all].flat()) {
    const before = found.get(wanted.secret);
    const hosts = before === undefined ? wanted.hosts : [...new Set([...before.hosts, ...wanted.hosts])].sort();
    found.set(wanted.secret, { ...(before ?? wanted), hosts });
  }
  return found;
}
