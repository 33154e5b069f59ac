// A worker in its own process, from the supervisor's side: the supervisor forks it, sends it messages, and replaces it when it dies.
//
// A worker that does not answer any more is killed, because the next configuration would wait for it forever.
//
//   starting ──has the state, ports bound──> serving ──dies──> waiting (backoff) ──> starting
//                                               └──stop──> stopping ──> gone
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import type * as ir from '#api/ir/ir.ts';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';
import type { ReplayVerdict } from '#lib/replays.ts';
import type { TopicDesk, TopicTold } from '../hub/supervised-topics.ts';
import type { KeyDesk, KeyTold } from '../idempotency/memory-store.ts';
import type { Notice } from '../exchange/notices.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { ClaimPort } from '../exchange/port-claim.ts';
import type { MetricJson } from '#lib/metric.ts';
import type { WorkerLink } from './link.ts';
import type { Bound, FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import { RemoteInspections } from './remote-inspections.ts';
import type { WorkerReport } from '../telemetry/worker-report.ts';
import { addCounters } from './sum.ts';

const MAIN = path.join(import.meta.dirname, '..', 'worker-main.ts');
const RESTART = { minimum: 50, maximum: 10_000 };
/** A worker that lived this long did not die from its start. */
const STEADY_MS = 30_000;
/** The longest start of a process, on a busy machine with a large configuration. It answers nothing before its end. */
const START_MS = 2 * 60_000;
/** A scrape leaves out a worker that does not answer within this time. */
const METRICS_TIMEOUT_MS = 3_000;
/** The longest time in which a process need not answer for a heap snapshot. */
const SNAPSHOT_MS = 5 * 60_000;
/** A stopping worker is killed after the grace of its connections, the flush of its log, and this time. */
const STOP_SLACK_MS = 5_000;

/** The interval of liveness checks of a worker, and the timeout of their answers, milliseconds. */
export interface Heartbeat {
  readonly every: number;
  readonly timeout: number;
}

export const HEARTBEAT: Heartbeat = { every: 5_000, timeout: 30_000 };

export interface ChildWorkerOptions {
  /** The label of the process's metrics: `worker-0`. Its replacement has the same. */
  readonly name: string;
  readonly heartbeat: Heartbeat;
  readonly settings: WorkerSettings;
  readonly log: Log;
  /** All resources, for a starting worker. */
  readonly state: () => readonly ir.Resource[];
  readonly ticketKeys: () => Buffer;
  /** The notices that hold, for a starting worker. */
  readonly keptNotices: () => Iterable<Notice>;
  /** The worker tells the others something. */
  readonly told: (notice: Notice) => void;
  /** Whether the workers of this proxy may bind a port. */
  readonly claimPort: ClaimPort;
  /** Lends shares of limits. */
  readonly lend: (store: LendingStore, asks: readonly Ask[]) => readonly Lend[] | Promise<readonly Lend[]>;
  /** As Replays.enter. */
  readonly remember: (digest: string, window: number) => ReplayVerdict;
  /** Opens the topics of the proxy for the worker; `tell` takes messages to it. */
  readonly openTopics: (tell: (told: TopicTold) => void) => TopicDesk;
  /** The same for its idempotency keys. */
  readonly openKeys: (tell: (told: KeyTold) => void) => KeyDesk;
  /** A worker died and will be replaced. */
  readonly died: () => void;
  /** The set of ports that cannot be bound has changed. */
  readonly bindingsChanged: () => void;
}

const NOTHING_BOUND: BindingState = { bound: 0, unbound: [] };

type Asked = (answer: FromWorker | null) => void;

export class ChildWorker implements WorkerLink {
  readonly #options: ChildWorkerOptions;
  readonly #backoff = new Backoff(RESTART);
  readonly #asked = new Map<number, Asked>();
  readonly #inspections = new RemoteInspections((message) => this.#send(message));
  readonly #topics: TopicDesk;
  readonly #keys: KeyDesk;
  #process: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  readonly #beat: NodeJS.Timeout;
  #gone = Promise.resolve();
  #nextId = 0;
  #serving = false;
  /** As performance.now(): until then a process that starts, or that does not answer, is not killed. */
  #startsUntil = 0;
  #silentUntil = 0;
  #stopping = false;
  #draining = false;
  #bindingState = NOTHING_BOUND;
  #ports = new Map<number, number | null>();
  /** The last metrics of the process, and the sums of its dead predecessors. */
  #last: readonly MetricJson[] = [];
  #past: readonly MetricJson[] = [];

  constructor(options: ChildWorkerOptions) {
    this.#options = options;
    this.#topics = options.openTopics((told) => this.#send({ type: 'topics', told }));
    this.#keys = options.openKeys((told) => this.#send({ type: 'keys', told }));
    this.#beat = setInterval(() => void this.#check(), options.heartbeat.every);
    this.#beat.unref();
    this.#start();
  }

  get serving(): boolean {
    return this.#serving;
  }

  /** Process id, or null between two processes. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    const answer = await this.#ask((id) => ({ type: 'apply', id, changed, removed }));
    if (answer?.type !== 'applied') return [];
    return answer.errors;
  }

  get bindingState(): BindingState {
    return this.#bindingState;
  }

  boundPort(port: number): number | null {
    return this.#ports.get(port) ?? null;
  }

  async metrics(): Promise<readonly MetricJson[]> {
    const asked = this.#process;
    const answer = await this.#ask((id) => ({ type: 'metrics', id }), METRICS_TIMEOUT_MS);
    if (answer?.type === 'metrics' && asked === this.#process) this.#last = answer.metrics;
    return addCounters(this.#last, this.#past);
  }

  notice(notice: Notice): void {
    this.#send({ type: 'notice', notice });
  }

  async report(): Promise<WorkerReport | null> {
    const answer = await this.#ask((id) => ({ type: 'report', id }), this.#options.heartbeat.timeout);
    return answer?.type === 'reported' ? answer.report : null;
  }

  async inspect(inspection: Inspection, inspecting: Inspecting): Promise<Inspected> {
    const isSilent = inspection.kind === 'heapSnapshot';
    // The process does not answer while V8 takes a snapshot.
    if (isSilent) this.#silentUntil = performance.now() + SNAPSHOT_MS;
    try {
      return await this.#inspections.run((message) => this.#ask(message), inspection, inspecting);
    } finally {
      if (isSilent) this.#silentUntil = 0;
    }
  }

  setTicketKeys(ticketKeys: Buffer): void {
    this.#send({ type: 'ticketKeys', ticketKeys });
  }

  drain(): void {
    this.#draining = true;
    this.#send({ type: 'drain' });
  }

  reopenLog(): void {
    this.#send({ type: 'reopenLog' });
  }

  async stop(grace: number): Promise<boolean> {
    this.#stopping = true;
    clearInterval(this.#beat);
    if (this.#restart !== null) clearTimeout(this.#restart);
    if (this.#process === null) return true;
    const answer = await this.#ask((id) => ({ type: 'stop', id, grace }), grace + STOP_SLACK_MS);
    const flushed = answer?.type === 'stopped' && answer.flushed;
    // The process has ended, or its work is already lost.
    if (!flushed) this.#process?.kill('SIGKILL');
    await this.#gone;
    return flushed;
  }

  #start(): void {
    this.#restart = null;
    // The environment of the supervisor may have values that a worker does not need.
    const child = fork(MAIN, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: workerEnvironment() });
    const started = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#process = child;
    this.#startsUntil = started + START_MS;
    this.#gone = promise;
    child.on('message', (message) => this.#answered(message as FromWorker));
    // The process just died; 'exit' handles it.
    child.on('error', () => undefined);
    child.once('exit', (code, signal) => {
      this.#ended(code, signal, performance.now() - started);
      resolve();
    });
    const { name, settings, ticketKeys } = this.#options;
    this.#send({ type: 'start', name, settings, ticketKeys: ticketKeys() });
    for (const notice of this.#options.keptNotices()) this.notice(notice);
    if (this.#draining) this.#send({ type: 'drain' });
    void this.apply(this.#options.state(), []).then((errors) => this.#started(child, errors));
  }

  #started(child: ChildProcess, errors: readonly ResourceError[]): void {
    if (this.#process !== child) return;
    this.#serving = true;
    this.#options.log.info({ pid: child.pid }, 'a worker serves');
    for (const error of errors) this.#options.log.error({ ...error, pid: child.pid }, 'a worker cannot serve a resource');
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, lived: number): void {
    const pid = this.#process?.pid;
    this.#process = null;
    this.#serving = false;
    this.#topics.drop();
    this.#keys.drop();
    this.#noteBound({ bindingState: NOTHING_BOUND, ports: [] });
    for (const answer of this.#asked.values()) answer(null);
    this.#asked.clear();
    this.#past = addCounters(this.#last, this.#past).filter(({ type }) => type !== 'gauge');
    this.#last = [];
    if (this.#stopping) return;
    if (lived > STEADY_MS) this.#backoff.reset();
    const wait = this.#backoff.next();
    this.#options.log.error({ pid, code, signal, restartMs: Math.round(wait) }, 'a worker died');
    this.#options.died();
    this.#restart = setTimeout(() => this.#start(), wait);
  }

  async #check(): Promise<void> {
    if (!this.#serving && performance.now() < this.#startsUntil) return;
    const asked = this.#process;
    const answer = await this.#ask((id) => ({ type: 'ping', id }), this.#options.heartbeat.timeout);
    if (answer !== null || asked === null || asked !== this.#process || this.#stopping) return;
    if (performance.now() < this.#silentUntil) return;
    this.#options.log.error({ pid: asked.pid }, 'a worker does not answer');
    asked.kill('SIGKILL');
  }

  #ask(message: (id: number) => ToWorker, timeout = 0): Promise<FromWorker | null> {
    if (this.#process === null) return Promise.resolve(null);
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<FromWorker | null>();
    const deadline = timeout > 0 ? setTimeout(() => this.#settle(id, null), timeout) : undefined;
    this.#asked.set(id, (answer) => {
      clearTimeout(deadline);
      resolve(answer);
    });
    this.#send(message(id));
    return promise;
  }

  #answered(message: FromWorker): void {
    if (message.type === 'claim') return void this.#claim(message);
    if (message.type === 'notice') return this.#options.told(message.notice);
    if (message.type === 'borrow') return void this.#lend(message);
    if (message.type === 'remember') return this.#remember(message);
    if (message.type === 'topics') return this.#topics.take(message.ask);
    if (message.type === 'keys') return this.#keys.take(message.ask);
    if (message.type === 'part') return this.#inspections.part(message.id, message.data);
    this.#replied(message);
  }

  #replied(message: Exclude<FromWorker, { type: 'claim' | 'notice' | 'borrow' | 'remember' | 'topics' | 'keys' | 'part' }>): void {
    if (message.type === 'bound' || message.type === 'applied') this.#noteBound(message.bound);
    if (message.type === 'bound') this.#options.bindingsChanged();
    else this.#settle(message.id, message);
  }

  async #lend({ store, asks }: FromWorker & { type: 'borrow' }): Promise<void> {
    const asking = this.#process;
    const lends = this.#options.lend(store, asks);
    if (!(lends instanceof Promise)) return this.#send({ type: 'lend', store, lends });
    const answer = await lends;
    // Its replacement asks by itself.
    if (asking === this.#process) this.#send({ type: 'lend', store, lends: answer });
  }

  #remember({ id, digest, window }: FromWorker & { type: 'remember' }): void {
    this.#send({ type: 'remembered', id, verdict: this.#options.remember(digest, window) });
  }

  async #claim({ id, claim }: FromWorker & { type: 'claim' }): Promise<void> {
    const error = await this.#options.claimPort(claim);
    this.#send({ type: 'claimed', id, refusal: error === null ? null : { code: error.code ?? '', message: error.message } });
  }

  #noteBound({ bindingState, ports }: Bound): void {
    this.#bindingState = bindingState;
    this.#ports = new Map(ports);
  }

  #settle(id: number, answer: FromWorker | null): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.(answer);
  }

  #send(message: ToWorker): void {
    if (this.#process?.connected === true) this.#process.send(message, () => undefined);
  }
}

/** Only the variables that Node itself reads. */
function workerEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'LD_LIBRARY_PATH', 'TZ', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE', 'UV_THREADPOOL_SIZE'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}
