// Active health checks of a proxy, in the supervisor: one monitor for each distinct target, shared by all workers and clusters that want it.
// Results outlive changes of the configuration and restarts of workers.
import { Timer, TimerWheel } from '#lib/timer-wheel.ts';
import { checkId, probeId } from '../exchange/probe-target.ts';
import type { Health, ProbeTarget, WantedProbes } from '../exchange/probe-target.ts';
import type { ClientIdentity } from '../exchange/plan.ts';
import { Monitor } from './monitor.ts';
import type { ProbeFailure, ProbeOutcome } from './outcome.ts';
import { Slots } from './slots.ts';

/** Probes at the same time. */
export const MAX_PARALLEL_PROBES = 256;
/** The time for which a target is probed after the last owner withdrew it: a restarted worker wants it again by then. */
const GRACE_MS = 10_000;
/** The first probes of many targets are spread over this time per target, at most over their interval. */
const SPREAD_MS = 2;

/** A change of the health of a target. */
export interface HealthChange {
  /** As probeId. */
  readonly id: string;
  readonly target: ProbeTarget;
  readonly health: Health;
  /** The probe that caused it; null if it passed. */
  readonly failure: ProbeFailure | null;
  /** It is the first result of the target. */
  readonly first: boolean;
}

export interface HealthCheckerOptions {
  readonly changed: (change: HealthChange) => void;
  /** Gets the outcome of every probe, for metrics. */
  readonly probed?: (target: ProbeTarget, outcome: ProbeOutcome) => void;
  /** A target is not probed any more: its result is forgotten. */
  readonly forgotten?: (id: string) => void;
  /** The certificate of a Secret (key) for probes to present; null if there is none. There are none by default. */
  readonly certificateOf?: (secret: string) => ClientIdentity | null;
  readonly maxParallel?: number;
  readonly grace?: number;
  readonly random?: () => number;
}

/** A monitor and its owners. */
interface Watch {
  readonly id: string;
  readonly monitor: Monitor;
  readonly owners: Set<string>;
  readonly grace: Timer;
}

export class HealthChecker {
  readonly #options: Required<HealthCheckerOptions>;
  readonly #wheel = new TimerWheel();
  readonly #slots: Slots;
  readonly #watches = new Map<string, Watch>();
  readonly #wanted = new Map<string, ReadonlySet<string>>();
  /** Targets without a result. */
  #unknown = 0;

  constructor(options: HealthCheckerOptions) {
    const { maxParallel = MAX_PARALLEL_PROBES, grace = GRACE_MS, random = Math.random } = options;
    const { probed = ignore, forgotten = ignore, certificateOf = () => null } = options;
    this.#options = { ...options, maxParallel, grace, random, probed, forgotten, certificateOf };
    this.#slots = new Slots(maxParallel);
  }

  /** Sets the probes that an owner wants; `[]` withdraws all. */
  want(owner: string, probes: readonly WantedProbes[]): void {
    const targets = new Map(probes.flatMap(targetsOf));
    const added = [...targets].filter(([id]) => !this.#watches.has(id));
    this.#unknown += added.length;
    for (const [id, target] of added) this.#watches.set(id, this.#watch(id, target));
    for (const id of targets.keys()) this.#adopt(owner, id);
    for (const id of this.#wanted.get(owner) ?? []) if (!targets.has(id)) this.#withdraw(owner, id);
    if (targets.size === 0) this.#wanted.delete(owner);
    else this.#wanted.set(owner, new Set(targets.keys()));
  }

  /** The owners with targets. */
  get owners(): readonly string[] {
    return [...this.#wanted.keys()];
  }

  /** All targets with their results. */
  *results(): Iterable<Pick<HealthChange, 'id' | 'target' | 'failure'> & { readonly health: Health | null }> {
    for (const { id, monitor } of this.#watches.values())
      yield { id, target: monitor.target, health: monitor.health, failure: monitor.failure };
  }

  /** Ends all probes. */
  stop(): void {
    for (const { monitor } of this.#watches.values()) monitor.stop();
    this.#watches.clear();
    this.#wanted.clear();
    this.#wheel.stop();
  }

  #adopt(owner: string, id: string): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.owners.add(owner);
    this.#wheel.disarm(watch.grace);
  }

  #withdraw(owner: string, id: string): void {
    const watch = this.#watches.get(id);
    if (watch?.owners.delete(owner) === true && watch.owners.size === 0) this.#wheel.arm(watch.grace, this.#options.grace);
  }

  #watch(id: string, target: ProbeTarget): Watch {
    const { random, certificateOf } = this.#options;
    const monitor = new Monitor(target, this.#firstDelay(target), {
      wheel: this.#wheel,
      slots: this.#slots,
      random,
      certificateOf,
      probed: (...probe) => this.#probed(id, ...probe),
    });
    return { id, monitor, owners: new Set(), grace: new Timer(() => this.#forget(id)) };
  }

  #firstDelay({ check }: ProbeTarget): number {
    const spread = Math.min(check.pace.interval, SPREAD_MS * (this.#unknown - 1));
    return this.#options.random() * spread;
  }

  #probed(id: string, { target, health }: Monitor, outcome: ProbeOutcome, before: Health | null): void {
    this.#options.probed(target, outcome);
    if (health === null || health === before) return;
    if (before === null) this.#unknown--;
    this.#options.changed({ id, target, health, failure: outcome, first: before === null });
  }

  #forget(id: string): void {
    const monitor = this.#watches.get(id)?.monitor;
    if (monitor === undefined) return;
    monitor.stop();
    if (monitor.health === null) this.#unknown--;
    this.#watches.delete(id);
    this.#options.forgotten(id);
  }
}

function targetsOf({ addresses, ...needed }: WantedProbes): readonly (readonly [string, ProbeTarget])[] {
  const id = checkId(needed);
  return addresses.map(({ address, port }) => [probeId(id, { address, port }), { address, port, ...needed }]);
}

function ignore(): void {
  // Nothing listens.
}
