// The supervisor: has the configuration of this proxy, and its workers, one in this process or several in their own. Its callers need not
// know the difference.
import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import * as ir from '#api/ir/ir.ts';
import { StallWatch } from '#lib/event-loop/stall-watch.ts';
import type { Format } from '#lib/exposition.ts';
import type { Ask } from '#lib/limit/share.ts';
import { TopicDesk, type TopicTold } from '../hub/supervised-topics.ts';
import { TopicMemory } from '../hub/topic-memory.ts';
import { KeyMemory } from '../idempotency/key-memory.ts';
import { DEFAULT_TRACING } from '../exchange/tracing.ts';
import type { TracingSettings } from '../exchange/tracing.ts';
import { KeyDesk, type KeyTold } from '../idempotency/memory-store.ts';
import { Replays } from '#lib/replays.ts';
import type { AddressRange } from '#lib/address-range.ts';
import type { WorkerSettings } from './messages.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { componentLog } from '#lib/component-log.ts';
import type { Log } from '#lib/log.ts';
import { readFamilies, registerFamilies, registerProcess } from '#lib/metric.ts';
import type { MetricFamily, MetricJson } from '#lib/metric.ts';
import { DEFAULT_ACCESS_LOG } from '../telemetry/access-log/access-log.ts';
import type { AccessLogSettings } from '../telemetry/access-log/access-log.ts';
import type { Limits } from '../exchange/limits.ts';
import { isSamePort } from '../exchange/binding-state.ts';
import type { BindingState, UnboundPort } from '../exchange/binding-state.ts';
import type { Broadcast, Notice } from '../exchange/notices.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { PortClaim } from '../exchange/port-claim.ts';
import { ChildWorker, HEARTBEAT } from './child-worker.ts';
import type { Heartbeat } from './child-worker.ts';
import type { WorkerLink } from './link.ts';
import type { Lease } from './lease.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import { HealthChecks } from './health-checks.ts';
import { logEjections } from './health-log.ts';
import { LocalWorker } from './local-worker.ts';
import { supervisorFamilies } from './metrics.ts';
import { MetricPush } from './metric-push.ts';
import { NoticeHub } from './notice-hub.ts';
import { countPairs } from './pairs.ts';
import { ProbeCertificates } from './probe-certificates.ts';
import { SupervisedLimits } from './supervised-limits.ts';
import { PortClaims, portName } from './port-claims.ts';
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import { inspectAll } from './inspections.ts';
import type { WorkerReport } from '../telemetry/worker-report.ts';
import { addUp, expose } from './sum.ts';

/** 48 bytes: a name, a MAC key and a cipher key, 16 each. */
const TICKET_KEY_BYTES = 48;
/** The lifetime of the keys: stolen keys decrypt the sessions of this period only. */
const TICKET_ROTATION_MS = 12 * 3_600_000;

/** The only worker, in this process. */
const LOCAL = 'worker';

export interface SupervisorOptions {
  /** At least 1. */
  readonly workers: number;
  readonly limits: Limits;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** JSON with the usual fields, of everything, by default. */
  readonly accessLogSettings?: AccessLogSettings;
  /** `off`, the default, `stdout` or a file. */
  readonly securityLog?: string;
  /** The name of the proxy in Via; '' (the default) for no Via. */
  readonly via?: string;
  readonly zone?: string;
  /** Null, the default: there is no Redis. */
  readonly redis?: RedisSettings | null;
  /** Null, the default: nothing goes to an OpenTelemetry collector. */
  readonly otlp?: OtlpSettings | null;
  /** Of requests without a policy; without it the defaults of the flags. */
  readonly tracing?: TracingSettings;
  /** Addresses of services by URL that are permitted although they lead to the machine itself; none by default. */
  readonly allowedServices?: readonly AddressRange[];
  /** The time for open connections of a closed port, milliseconds. */
  readonly drainTimeout: number;
  /** The address of listeners without an address; all addresses by default. */
  readonly bindAddress?: string;
  readonly log: Log;
  /** Maps the port of a listener to the port to bind; for a single worker only. */
  readonly bindPort?: (port: number) => number;
  /** For workers in their own processes. */
  readonly heartbeat?: Heartbeat;
  /** Also exposes metrics of the process itself; off in a process with several supervisors. */
  readonly processMetrics?: boolean;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  /** The metrics of the supervisor itself. */
  readonly registry = new Registry();
  readonly #resources = new Map<string, ir.Resource>();
  readonly #workers: readonly WorkerLink[];
  readonly #rotation: NodeJS.Timeout;
  readonly #claims = new PortClaims();
  readonly #notices = new NoticeHub();
  /** Limits that workers count together. */
  readonly limits = new SupervisedLimits(this.#notices);
  /** The signatures that workers have accepted. */
  readonly #replays = new Replays();
  readonly #topics = new TopicMemory();
  /** Idempotency keys of several workers. */
  readonly #keys = new KeyMemory();
  readonly #health: HealthChecks;
  /** Null: metrics are not pushed. */
  readonly #push: MetricPush | null;
  readonly #stalls: StallWatch;
  #ticketKeys: Buffer = randomBytes(TICKET_KEY_BYTES);
  #restarts = 0;
  #version = 0;
  #revision = '';
  #changedAt = 0;
  readonly #recoveryListeners: (() => void)[] = [];
  #unbound: readonly UnboundPort[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const labels = options.workers > 1 ? { process: 'supervisor' } : undefined;
    if (options.processMetrics !== false) registerProcess(this.registry, labels);
    this.#stalls = new StallWatch({ log: options.log, labels, stallMs: options.limits.stallDelay });
    registerFamilies(this.registry, this.#stalls.families());
    registerFamilies(
      this.registry,
      supervisorFamilies({
        workers: () => this.serving,
        restarts: () => this.#restarts,
        version: () => this.#version,
        changedAt: () => this.#changedAt,
        pairs: () => countPairs([...this.#resources.values()]),
      }),
    );
    const healthLog = componentLog(options.log, 'health');
    logEjections(this.#notices, healthLog);
    const secretOf = (key: string): ir.Secret | undefined => this.#resources.get(ir.resourceId('Secret', key)) as ir.Secret | undefined;
    const certificates = new ProbeCertificates(secretOf);
    this.#health = new HealthChecks(this.#notices, healthLog, (secret) => certificates.of(secret));
    registerFamilies(this.registry, [...this.#health.families(), ...this.limits.families(), ...this.#keys.families()]);
    this.#workers = this.#startWorkers();
    this.#push = MetricPush.start({ ...options, log: componentLog(options.log, 'telemetry') }, async () => addUp(await this.#families()));
    if (this.#push !== null) registerFamilies(this.registry, this.#push.families());
    this.#rotation = setInterval(() => this.#rotateTicketKeys(), TICKET_ROTATION_MS);
    this.#rotation.unref();
  }

  /** Adds families to its metrics: those of the source of the configuration. */
  expose(families: readonly MetricFamily[]): void {
    registerFamilies(this.registry, families);
  }

  /** The way to all workers, and to what they tell each other. */
  get broadcast(): Broadcast {
    return this.#notices;
  }

  /** Limits of the fleet. */
  get lease(): Lease {
    return this.limits.lease;
  }

  /** The number of serving workers. */
  get serving(): number {
    return this.#workers.filter((worker) => worker.serving).length;
  }

  /** The number of workers. */
  get workers(): number {
    return this.#workers.length;
  }

  /** The number of applied changes. */
  get version(): number {
    return this.#version;
  }

  /** The number of workers that died and were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Applies a batch of resources. Resolves once every worker serves it, to the errors of refused resources, each once. */
  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    for (const resource of changed) this.#resources.set(ir.resourceId(resource.kind, resource.key), resource);
    for (const { kind, key } of removed) this.#resources.delete(ir.resourceId(kind, key));
    this.#version++;
    this.#changedAt = Date.now();
    const errors = (await Promise.all(this.#workers.map((worker) => worker.apply(changed, removed)))).flat();
    await this.#claims.keep(this.#wantedPorts());
    return [...new Map(errors.map((error) => [JSON.stringify([error.kind, error.key, error.field, error.reason]), error])).values()];
  }

  /** Tells all workers, also those that start later, the revision of the configuration that they serve. */
  revised(revision: string): void {
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#notices.publish('revision', '', revision);
  }

  /**
   * The listener ports that are bound, and those that are not. A port counts as bound if any worker has bound it: that worker gets the
   * connections.
   */
  get bindingState(): BindingState {
    const states = this.#workers.filter((worker) => worker.serving).map((worker) => worker.bindingState);
    const [first, ...others] = states;
    if (first === undefined) return { bound: 0, unbound: [] };
    const isEverywhere = (port: UnboundPort): boolean => others.every(({ unbound }) => unbound.some((other) => isSamePort(port, other)));
    return { bound: Math.max(...states.map(({ bound }) => bound)), unbound: first.unbound.filter(isEverywhere) };
  }

  /** Sets a callback for when resources that waited for a port may be served. */
  onRecovery(listener: () => void): void {
    this.#recoveryListeners.push(listener);
  }

  /** The port bound for a listener's port, or null. */
  boundPort(port: number): number | null {
    for (const worker of this.#workers) {
      const bound = worker.boundPort(port);
      if (bound !== null) return bound;
    }
    return null;
  }

  /** All resources in use, referenced kinds first. */
  resources(): readonly ir.Resource[] {
    const byKind = Map.groupBy(this.#resources.values(), (resource) => resource.kind);
    return ir.KIND_ORDER.flatMap((kind) => byKind.get(kind) ?? []);
  }

  /** The metrics of all workers and of the supervisor. */
  async metrics(format: Format = 'text'): Promise<string> {
    return expose(await this.#families(), format);
  }

  async #families(): Promise<readonly (readonly MetricJson[])[]> {
    return Promise.all([readFamilies(this.registry), ...this.#workers.map((worker) => worker.metrics())]);
  }

  /** What each worker has counted since the last call, by its process; null for one that does not answer. */
  async reports(): Promise<ReadonlyMap<string, WorkerReport | null>> {
    const asked = this.#workers.map(async (worker, index) => [`${index}/${worker.pid}`, await worker.report()] as const);
    return new Map(await Promise.all(asked));
  }

  /** Inspects a worker by its number from 0, or all (null). Resolves once all have ended; rejects if one fails. */
  inspect(inspection: Inspection, worker: number | null, inspecting: Inspecting): Promise<Inspected> {
    return inspectAll(worker === null ? this.#workers : this.#workers.slice(worker, worker + 1), inspection, inspecting);
  }

  /** Every connection ends with its next answer; new ones are still accepted. */
  drain(): void {
    for (const worker of this.#workers) worker.drain();
  }

  /** As Worker.reopenLog, for every worker. */
  reopenLog(): void {
    for (const worker of this.#workers) worker.reopenLog();
  }

  /**
   * Stops accepting, lets exchanges finish for up to `grace` ms, and releases everything. Resolves to false if an access log could not be
   * written completely: then the process can only be killed.
   */
  async stop(grace: number): Promise<boolean> {
    clearInterval(this.#rotation);
    this.#stalls.stop();
    this.#health.stop();
    // The last figures are read while there are workers.
    const pushed = (await this.#push?.last())?.sent;
    const flushed = await Promise.all(this.#workers.map((worker) => worker.stop(grace)));
    await pushed;
    this.lease.stop();
    await this.#claims.release();
    return flushed.every(Boolean) || this.#options.workers > 1;
  }

  #startWorkers(): readonly WorkerLink[] {
    const { workers, log, bindPort } = this.#options;
    const settings = settingsOf(this.#options);
    const told = (name: string) => (notice: Notice) => this.#notices.take(notice, name);
    const join = <W extends WorkerLink>(name: string, worker: W): W => {
      this.#notices.join(name, worker);
      return worker;
    };
    if (workers === 1) {
      const local = new LocalWorker({
        ...settings,
        log: componentLog(log, 'workers'),
        ticketKeys: this.#ticketKeys,
        reusePort: false,
        lease: this.lease,
        publish: told(LOCAL),
        bindingsChanged: () => this.#bindingsChanged(),
        ...(bindPort === undefined ? {} : { bindPort }),
      });
      return [join(LOCAL, local)];
    }
    if (bindPort !== undefined) throw new Error('bindPort is for one worker');
    const options = {
      heartbeat: this.#options.heartbeat ?? HEARTBEAT,
      settings,
      log: componentLog(log, 'workers'),
      state: () => this.resources(),
      ticketKeys: () => this.#ticketKeys,
      keptNotices: () => this.#notices.kept(),
      ...this.#shared,
      claimPort: (claim: PortClaim) => this.#claims.claim(claim),
      bindingsChanged: () => this.#bindingsChanged(),
    };
    return Array.from({ length: workers }, (_, index) => {
      const name = `worker-${index}`;
      this.limits.joined(name);
      const lend = (store: LendingStore, asks: readonly Ask[]) => this.limits.lend(store, name, asks);
      return join(name, new ChildWorker({ ...options, name, told: told(name), lend, died: () => this.#died(name) }));
    });
  }

  /** What the workers have together. */
  readonly #shared = {
    remember: (digest: string, window: number) => this.#replays.enter(digest, window),
    openTopics: (tell: (told: TopicTold) => void) => new TopicDesk(this.#topics, tell),
    openKeys: (tell: (told: KeyTold) => void) => new KeyDesk(this.#keys, tell),
  };

  #died(worker: string): void {
    this.#restarts++;
    this.#health.workerDied(worker);
    this.limits.died(worker);
  }

  #wantedPorts(): ReadonlySet<string> {
    const listeners = [...this.#resources.values()].filter((resource) => resource.kind === 'Listener');
    return new Set(listeners.map(({ port, protocol }) => portName({ transport: protocol === 'UDP' ? 'UDP' : 'TCP', port })));
  }

  #bindingsChanged(): void {
    const before = this.#unbound;
    const { unbound } = this.bindingState;
    this.#unbound = unbound;
    const bound = before.filter(({ port }) => this.boundPort(port) !== null);
    const recovered = bound.filter((port) => !unbound.some((other) => isSamePort(port, other)));
    if (recovered.length === 0) return;
    for (const { port, transport, address } of recovered)
      componentLog(this.#options.log, 'workers').info({ port, transport, address }, 'a port is bound at last');
    for (const listener of this.#recoveryListeners) listener();
  }

  #rotateTicketKeys(): void {
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES);
    for (const worker of this.#workers) worker.setTicketKeys(this.#ticketKeys);
  }
}

function settingsOf({ workers, limits, accessLog, drainTimeout, ...optional }: SupervisorOptions): WorkerSettings {
  const { accessLogSettings = DEFAULT_ACCESS_LOG, securityLog = 'off', via = '', zone = '', redis = null } = optional;
  const { allowedServices = [], bindAddress = '', otlp = null, tracing = DEFAULT_TRACING } = optional;
  return {
    limits,
    accessLog,
    accessLogSettings,
    securityLog,
    via,
    zone,
    drainTimeout,
    bindAddress,
    workers,
    redis,
    otlp,
    tracing,
    allowedServices,
  };
}
