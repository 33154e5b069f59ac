// Corrects compiled statuses by the acks and nacks of proxies: compile says what should be served, proxies say what is.
//
// A Gateway, ListenerSet or listener is Programmed if every connected proxy of the Gateway serves its current listeners. Acks take
// milliseconds, so Pending is written only after a short hold. A proxy that joins or restarts leaves Programmed True for a grace period.
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { gatewayOfListener, originOf, type ResourceKind } from '#api/ir/ir.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import * as conditions from '../compile/conditions.ts';
import type { DesiredCondition, DesiredStatus, ListenerStatus } from '../compile/result.ts';
import type { ProxyReports, Progress, Refusal } from './proxy-reports.ts';

/** The status of an object with listeners. */
type HolderStatus = Extract<DesiredStatus, { type: 'Gateway' | 'ListenerSet' }>;
/** The status of an object that proxies refuse as a whole or by rules. */
type EntriesStatus = Extract<DesiredStatus, { type: 'Route' | 'Policy' | 'Backend' | 'Consumer' }>;
/** The status of an object that no proxy gets. */
type OwnStatus = Extract<DesiredStatus, { type: 'GatewayClass' | 'Alerting' }>;

/** A consumer of statuses. */
export interface StatusTarget {
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void;
}

/** Milliseconds. */
export interface ProgrammedTimes {
  /** How long proxies may take to ack before Pending is written. */
  readonly hold: number;
  /**
   * How long an unchanged Gateway stays Programmed although a proxy does not serve it; also how long proxies may take to connect to a
   * controller that has just started.
   */
  readonly grace: number;
}

export const PROGRAMMED_TIMES: ProgrammedTimes = { hold: 500, grace: 5_000 };

export interface ProgrammedOptions {
  readonly times?: ProgrammedTimes;
  /** Wraps timer callbacks, so that a bug is reported. */
  readonly guard?: Guard;
}

/** The last written state of a Gateway or ListenerSet: its listener versions, and whether every proxy served them. */
interface Told {
  readonly versions: string;
  readonly complete: boolean;
}

export class Programmed {
  readonly #reports: ProxyReports;
  readonly #target: StatusTarget;
  readonly #times: ProgrammedTimes;
  readonly #guard: Guard;
  readonly #wanted = new Map<string, DesiredStatus>();
  readonly #told = new Map<string, Told>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** By Gateway id: why its fleet cannot be created. */
  readonly #troubles = new Map<string, string>();
  /** Refusals of routes and policies, by object id, then by rule. */
  readonly #refusals = new Map<string, Map<string, Refusal>>();
  /** End of the grace period after the start of this controller; null before the first statuses. */
  #startsUntil: number | null = null;

  /** The owner passes changes of `reports` to `progressed`, `proxiesChanged` and `refused`. */
  constructor(reports: ProxyReports, target: StatusTarget, { times = PROGRAMMED_TIMES, guard = UNGUARDED }: ProgrammedOptions = {}) {
    this.#reports = reports;
    this.#target = target;
    this.#times = times;
    this.#guard = guard;
  }

  /** Takes compiled statuses. */
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    this.#startsUntil ??= performance.now() + this.#times.grace;
    for (const ref of forgotten) this.#forget(objectId(ref));
    const now: DesiredStatus[] = [];
    for (const status of statuses) {
      const id = objectId(status.ref);
      this.#wanted.set(id, status);
      if (hasListeners(status)) this.#consider(id, status);
      else now.push(isOwn(status) ? status : this.#withRefusals(id, status));
    }
    if (now.length > 0 || forgotten.length > 0) this.#target.write(now, forgotten);
  }

  /** The number of proxies that serve a listener (key) has changed. */
  progressed(listener: string): void {
    const id = objectId(originOf('Listener', listener).ref);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#consider(id, status);
  }

  /** The number of proxies has changed: those of a Gateway, or (null) the shared ones. */
  proxiesChanged(gateway: string | null): void {
    for (const [id, status] of this.#wanted) {
      if (hasListeners(status) && (gateway === null || gatewayOf(status) === gateway)) this.#consider(id, status);
    }
  }

  /** A proxy refuses a resource; null means that no proxy refuses it any more. */
  refused(kind: ResourceKind, key: string, refusal: Refusal | null): void {
    const { ref, part } = originOf(kind, key);
    const id = objectId(ref);
    const refusals = this.#refusals.get(id) ?? new Map<string, Refusal>();
    if (refusal === null) refusals.delete(part);
    else refusals.set(part, refusal);
    if (refusals.size === 0) this.#refusals.delete(id);
    else this.#refusals.set(id, refusals);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#tell(id, status);
    if (status !== undefined && !isOwn(status) && !hasListeners(status)) this.#target.write([this.#withRefusals(id, status)], []);
  }

  /** The fleet of a Gateway (`<namespace>/<name>`) cannot be created, for the reason in `message`; null means that it can. */
  troubled(gateway: string, message: string | null): void {
    const id = `Gateway/${gateway}`;
    if ((this.#troubles.get(id) ?? null) === message) return;
    if (message === null) this.#troubles.delete(id);
    else this.#troubles.set(id, message);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#tell(id, status);
  }

  /** Writes no more statuses. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#wanted.clear();
  }

  #forget(id: string): void {
    this.#wanted.delete(id);
    this.#told.delete(id);
    this.#troubles.delete(id);
    this.#cancel(id);
  }

  #cancel(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  #consider(id: string, status: HolderStatus): void {
    const versions = this.#reports.versionsOf(keysOf(status));
    if (this.#isComplete(status)) {
      this.#cancel(id);
      return this.#tell(id, status);
    }
    const told = this.#told.get(id);
    const inGrace = told?.complete === true && told.versions === versions;
    // Other changes, such as attachedRoutes, are written during the grace period too.
    if (inGrace) this.#forward(id, status, true);
    if (this.#timers.has(id)) return;
    const isLenient = inGrace || (this.#isStarting() && this.#reports.sizeOf(gatewayOf(status)) === 0);
    const timer = setTimeout(
      () => this.#guard.guard('statuses', () => this.#due(id), { object: id }),
      isLenient ? this.#times.grace : this.#times.hold,
    );
    this.#timers.set(id, timer);
  }

  /** Whether proxies may still be connecting to a controller that has just started. */
  #isStarting(): boolean {
    return this.#startsUntil === null || performance.now() < this.#startsUntil;
  }

  #due(id: string): void {
    this.#timers.delete(id);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#tell(id, status);
  }

  #tell(id: string, status: HolderStatus): void {
    const complete = this.#isComplete(status);
    this.#told.set(id, { versions: this.#reports.versionsOf(keysOf(status)), complete });
    this.#forward(id, status, complete);
  }

  #isComplete(status: HolderStatus): boolean {
    const { acked, total } = this.#progressOf(status);
    return acked === total && total > 0;
  }

  /** The progress of the slowest listener of the object; complete if it has no listeners to serve. */
  #progressOf(status: HolderStatus): Progress {
    const total = this.#reports.sizeOf(gatewayOf(status));
    const served = status.listeners.filter(({ conditions }) => isProgrammed(conditions));
    const acked = served.map(({ key }) => this.#reports.progressOf(key).acked);
    return { acked: Math.min(total, ...acked), total };
  }

  #forward(id: string, status: HolderStatus, asComplete: boolean): void {
    const { acked, total } = this.#progressOf(status);
    const listeners = status.listeners.map((listener) => this.#trueListener(id, listener, asComplete));
    const refine = ({ observedGeneration }: DesiredCondition) =>
      conditions.programmedBy(observedGeneration, asComplete ? 1 : acked, asComplete ? 1 : total);
    const trouble = this.#troubles.get(id);
    const own = replaceProgrammed(status.conditions, refine);
    this.#target.write(
      [{ ...status, listeners, conditions: trouble === undefined ? own : own.map((one) => withTrouble(one, trouble)) }],
      [],
    );
  }

  #trueListener(id: string, listener: ListenerStatus, asComplete: boolean): ListenerStatus {
    const refusal = this.#refusals.get(id)?.get(listener.name);
    const { acked, total } = this.#reports.progressOf(listener.key);
    const refine = ({ observedGeneration }: DesiredCondition) => {
      if (refusal !== undefined) {
        return conditions.listenerNotProgrammed(observedGeneration, { reason: 'Invalid', message: describeRefusal(refusal) });
      }
      if (asComplete || (acked === total && total > 0)) return conditions.listenerProgrammed(observedGeneration);
      return conditions.listenerPending(observedGeneration, acked, total);
    };
    return { ...listener, conditions: replaceProgrammed(listener.conditions, refine) };
  }

  #withRefusals(id: string, status: EntriesStatus): EntriesStatus {
    const refusals = this.#refusals.get(id);
    if (refusals === undefined) return status;
    const message = [...refusals].map(([part, refusal]) => `${part}${part === '' ? '' : ': '}${describeRefusal(refusal)}`).join('; ');
    const refused = (own: readonly DesiredCondition[]) => [...own, conditions.refusedByProxy(own[0]?.observedGeneration ?? 0, message)];
    if (status.type === 'Backend' || status.type === 'Consumer') return { ...status, conditions: refused(status.conditions) };
    if (status.type === 'Policy')
      return { ...status, ancestors: status.ancestors.map((entry) => ({ ...entry, conditions: refused(entry.conditions) })) };
    return { ...status, parents: status.parents.map((entry) => ({ ...entry, conditions: refused(entry.conditions) })) };
  }
}

/** One sentence: how many proxies refuse the resource, and why. */
export function describeRefusal({ errors, proxies, total }: Refusal): string {
  const reasons = errors.map(({ field, reason }) => (field === '' ? reason : `${field} ${reason}`)).join(', ');
  return `refused by ${proxies} of ${total} proxies: ${reasons}`;
}

/** A fleet that cannot be created is reported first, before any other reason. */
function withTrouble(condition: DesiredCondition, message: string): DesiredCondition {
  if (condition.type !== 'Programmed') return condition;
  return conditions.gatewayNotProgrammed(condition.observedGeneration, {
    reason: 'Invalid',
    message: `its proxies cannot be created: ${message}`,
  });
}

function isProgrammed(own: readonly DesiredCondition[]): boolean {
  return own.some(({ type, status }) => type === 'Programmed' && status === 'True');
}

/** A condition that compile has set to False stays as it is. */
function replaceProgrammed(
  own: readonly DesiredCondition[],
  refine: (condition: DesiredCondition) => DesiredCondition,
): DesiredCondition[] {
  return own.map((condition) => (condition.type === 'Programmed' && condition.status === 'True' ? refine(condition) : condition));
}

function isOwn(status: DesiredStatus): status is OwnStatus {
  return status.type === 'GatewayClass' || status.type === 'Alerting';
}

function hasListeners(status: DesiredStatus): status is HolderStatus {
  return status.type === 'Gateway' || status.type === 'ListenerSet';
}

function keysOf({ listeners }: HolderStatus): readonly string[] {
  return listeners.map(({ key }) => key);
}

/** The Gateway `<namespace>/<name>` of a Gateway or ListenerSet status. */
function gatewayOf({ type, ref, listeners }: HolderStatus): string {
  return type === 'Gateway' ? `${ref.namespace}/${ref.name}` : gatewayOfListener(listeners[0]?.key ?? '');
}
