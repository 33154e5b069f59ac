// The supervisor: holds the configuration of this proxy and the workers that serve it, one in this process or several of their
// own. Who changes the configuration need not know which.
import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import * as ir from '#api/ir/ir.ts';
import type { Format } from '#lib/exposition.ts';
import type { Log } from '#lib/log.ts';
import { readFamilies, registerFamilies, registerProcess } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { DEFAULT_ACCESS_LOG } from '../telemetry/access-log/access-log.ts';
import type { AccessLogSettings } from '../telemetry/access-log/access-log.ts';
import type { Limits } from '../exchange/limits.ts';
import { isSamePort } from '../exchange/binding-state.ts';
import type { BindingState, UnboundPort } from '../exchange/binding-state.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { PortClaim } from '../exchange/port-claim.ts';
import { ChildWorker, HEARTBEAT } from './child-worker.ts';
import type { Heartbeat } from './child-worker.ts';
import type { WorkerLink } from './link.ts';
import { LocalWorker } from './local-worker.ts';
import { supervisorFamilies } from './metrics.ts';
import { countPairs } from './pairs.ts';
import { PortClaims, portName } from './port-claims.ts';
import { expose } from './sum.ts';

/** 48 bytes: a name, a key for the MAC and one for the cipher, 16 each. */
const TICKET_KEY_BYTES = 48;
/** A thief of the keys can open what sessions of this time have sent. */
const TICKET_ROTATION_MS = 12 * 3_600_000;

export interface SupervisorOptions {
  /** At least 1. */
  readonly workers: number;
  readonly limits: Limits;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** JSON with the usual fields, of everything, by default. */
  readonly accessLogSettings?: AccessLogSettings;
  /** What the proxy calls itself in Via; '', the default, for no Via. */
  readonly via?: string;
  /** How long connections of a port that is closed may live on, milliseconds. */
  readonly drainTimeout: number;
  /** Where listeners without an address of their own are bound; every address by default. */
  readonly bindAddress?: string;
  readonly log: Log;
  /** From the port of a listener to the one to bind; for one worker only. */
  readonly bindPort?: (port: number) => number;
  /** For workers in processes of their own. */
  readonly heartbeat?: Heartbeat;
  /** Metrics of the process itself are exposed too; off where a process has several supervisors. */
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
  #ticketKeys: Buffer = randomBytes(TICKET_KEY_BYTES);
  #restarts = 0;
  #version = 0;
  #changedAt = 0;
  readonly #recoveryListeners: (() => void)[] = [];
  #unbound: readonly UnboundPort[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    if (options.processMetrics !== false) registerProcess(this.registry, options.workers > 1 ? { process: 'supervisor' } : {});
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
    this.#workers = this.#startWorkers();
    this.#rotation = setInterval(() => this.#rotateTicketKeys(), TICKET_ROTATION_MS);
    this.#rotation.unref();
  }

  /** Has these told beside its own metrics: of where the configuration comes from. */
  expose(families: readonly MetricFamily[]): void {
    registerFamilies(this.registry, families);
  }

  /** Workers that serve. */
  get serving(): number {
    return this.#workers.filter((worker) => worker.serving).length;
  }

  /** Counts applied changes. */
  get version(): number {
    return this.#version;
  }

  /** Workers that died and were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Takes a batch of resources. Resolves, once every worker serves it, to what could not be taken, each error once. */
  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    for (const resource of changed) this.#resources.set(ir.resourceId(resource.kind, resource.key), resource);
    for (const { kind, key } of removed) this.#resources.delete(ir.resourceId(kind, key));
    this.#version++;
    this.#changedAt = Date.now();
    const errors = (await Promise.all(this.#workers.map((worker) => worker.apply(changed, removed)))).flat();
    await this.#claims.keep(this.#wantedPorts());
    return [...new Map(errors.map((error) => [JSON.stringify([error.kind, error.key, error.field, error.reason]), error])).values()];
  }

  /** What of the ports that are wanted is bound: a port is as soon as any worker has bound it, for it gets the connections then. */
  get bindingState(): BindingState {
    const states = this.#workers.filter((worker) => worker.serving).map((worker) => worker.bindingState);
    const [first, ...others] = states;
    if (first === undefined) return { bound: 0, unbound: [] };
    const isEverywhere = (port: UnboundPort): boolean => others.every(({ unbound }) => unbound.some((other) => isSamePort(port, other)));
    return { bound: Math.max(...states.map(({ bound }) => bound)), unbound: first.unbound.filter(isEverywhere) };
  }

  /** Calls back whenever something may be served that waited for a port. */
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

  /** Everything that is served, what others point at first. */
  resources(): readonly ir.Resource[] {
    const byKind = Map.groupBy(this.#resources.values(), (resource) => resource.kind);
    return ir.KIND_ORDER.flatMap((kind) => byKind.get(kind) ?? []);
  }

  /** Metrics of all workers together, and of the supervisor. */
  async metrics(format: Format = 'text'): Promise<string> {
    const own = await readFamilies(this.registry);
    return expose([own, ...(await Promise.all(this.#workers.map((worker) => worker.metrics())))], format);
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
   * Stops accepting, lets exchanges finish for `grace` ms at most and releases everything. Resolves to false when an access log
   * could not be written to its end: the process can then only be killed.
   */
  async stop(grace: number): Promise<boolean> {
    clearInterval(this.#rotation);
    const flushed = await Promise.all(this.#workers.map((worker) => worker.stop(grace)));
    await this.#claims.release();
    return flushed.every(Boolean) || this.#options.workers > 1;
  }

  #startWorkers(): readonly WorkerLink[] {
    const { accessLogSettings = DEFAULT_ACCESS_LOG } = this.#options;
    const { workers, limits, accessLog, via = '', drainTimeout, bindAddress = '', log, bindPort } = this.#options;
    const settings = { limits, accessLog, accessLogSettings, via, drainTimeout, bindAddress };
    if (workers === 1)
      return [
        new LocalWorker({
          ...settings,
          log,
          ticketKeys: this.#ticketKeys,
          reusePort: false,
          bindingsChanged: () => this.#bindingsChanged(),
          ...(bindPort === undefined ? {} : { bindPort }),
        }),
      ];
    if (bindPort !== undefined) throw new Error('bindPort is for one worker');
    const options = {
      heartbeat: this.#options.heartbeat ?? HEARTBEAT,
      settings,
      log,
      state: () => this.resources(),
      ticketKeys: () => this.#ticketKeys,
      claimPort: (claim: PortClaim) => this.#claims.claim(claim),
      died: () => void this.#restarts++,
      bindingsChanged: () => this.#bindingsChanged(),
    };
    return Array.from({ length: workers }, (_, index) => new ChildWorker({ ...options, name: `worker-${index}` }));
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
    for (const { port, transport, address } of recovered) this.#options.log.info({ port, transport, address }, 'a port is bound at last');
    for (const listener of this.#recoveryListeners) listener();
  }

  #rotateTicketKeys(): void {
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES);
    for (const worker of this.#workers) worker.setTicketKeys(this.#ticketKeys);
  }
}
