// Makes statuses true: compile says what is meant to be served, the acks and nacks of proxies say what is.
//
// Gateway, ListenerSet and listener are Programmed when every connected proxy of the Gateway serves the current listeners. Acks come
// within milliseconds, so a Gateway that is not served yet is told of after a moment only; a proxy that joins or restarts does not undo
// it until a grace is over.
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { gatewayOfListener, type ResourceKind } from '#api/ir/ir.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import * as conditions from '../compile/conditions.ts';
import type { DesiredCondition, DesiredStatus, ListenerStatus } from '../compile/result.ts';
import type { ProxyReports, Progress, Refusal } from './proxy-reports.ts';
import { originOf } from './origin.ts';

/** Of what has listeners. */
type HolderStatus = Extract<DesiredStatus, { type: 'Gateway' | 'ListenerSet' }>;
/** Of what proxies may refuse as a whole or by rules. */
type EntriesStatus = Extract<DesiredStatus, { type: 'Route' | 'Policy' }>;

/** Where true statuses go. */
export interface StatusTarget {
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void;
}

/** Milliseconds. */
export interface ProgrammedTimes {
  /** How long acks may take before Pending is told. */
  readonly hold: number;
  /**
   * How long a Gateway that was served by all, and has not changed, stays Programmed though a proxy lacks it; and how long proxies may
   * take to connect to a controller that has just started.
   */
  readonly grace: number;
}

export const PROGRAMMED_TIMES: ProgrammedTimes = { hold: 500, grace: 5_000 };

export interface ProgrammedOptions {
  readonly times?: ProgrammedTimes;
  /** Around what happens later. */
  readonly guard?: Guard;
}

/** What was last told of a Gateway or ListenerSet: of which listeners, and whether every proxy served them. */
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
  /** Why the fleet of a Gateway cannot be made as it is desired, by the id of the Gateway. */
  readonly #troubles = new Map<string, string>();
  /** Refusals of routes and policies, by the id of the object, then by rule. */
  readonly #refusals = new Map<string, Map<string, Refusal>>();
  /** Until when proxies may be on their way to a controller that has just started. */
  #startsUntil: number | null = null;

  /** Listens to the reports of proxies from now on, through `progressed` and `refused`. */
  constructor(reports: ProxyReports, target: StatusTarget, { times = PROGRAMMED_TIMES, guard = UNGUARDED }: ProgrammedOptions = {}) {
    this.#reports = reports;
    this.#target = target;
    this.#times = times;
    this.#guard = guard;
  }

  /** Takes what compile wants. */
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    this.#startsUntil ??= performance.now() + this.#times.grace;
    for (const ref of forgotten) this.#forget(objectId(ref));
    const now: DesiredStatus[] = [];
    for (const status of statuses) {
      const id = objectId(status.ref);
      this.#wanted.set(id, status);
      if (hasListeners(status)) this.#consider(id, status);
      else now.push(status.type === 'GatewayClass' ? status : this.#withRefusals(id, status));
    }
    if (now.length > 0 || forgotten.length > 0) this.#target.write(now, forgotten);
  }

  /** More or fewer proxies serve a listener (key). */
  progressed(listener: string): void {
    const id = objectId(originOf('Listener', listener).ref);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#consider(id, status);
  }

  /** More or fewer proxies are there, of a Gateway or (null) of those that are shared. */
  proxiesChanged(gateway: string | null): void {
    for (const [id, status] of this.#wanted) {
      if (hasListeners(status) && (gateway === null || gatewayOf(status) === gateway)) this.#consider(id, status);
    }
  }

  /** A resource is refused, or no longer. */
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
    if (status?.type === 'Route' || status?.type === 'Policy') this.#target.write([this.#withRefusals(id, status)], []);
  }

  /** The fleet of a Gateway (`<namespace>/<name>`) cannot be made as it is desired, or (null) is. */
  troubled(gateway: string, message: string | null): void {
    const id = `Gateway/${gateway}`;
    if ((this.#troubles.get(id) ?? null) === message) return;
    if (message === null) this.#troubles.delete(id);
    else this.#troubles.set(id, message);
    const status = this.#wanted.get(id);
    if (status !== undefined && hasListeners(status)) this.#tell(id, status);
  }

  /** Tells nothing any more. */
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
    // Other news of the Gateway, such as attachedRoutes, need not wait for the grace to end.
    if (inGrace) this.#forward(id, status, true);
    if (this.#timers.has(id)) return;
    const isLenient = inGrace || (this.#isStarting() && this.#reports.sizeOf(gatewayOf(status)) === 0);
    const timer = setTimeout(
      () => this.#guard.guard('statuses', () => this.#due(id), { object: id }),
      isLenient ? this.#times.grace : this.#times.hold,
    );
    this.#timers.set(id, timer);
  }

  /** A controller that has just started has no proxies yet. */
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

  /** It is as far as the slowest of its own listeners; one without listeners to serve is done. */
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
    if (status.type === 'Policy')
      return { ...status, ancestors: status.ancestors.map((entry) => ({ ...entry, conditions: refused(entry.conditions) })) };
    return { ...status, parents: status.parents.map((entry) => ({ ...entry, conditions: refused(entry.conditions) })) };
  }
}

/** A sentence: how many proxies refuse it, and what they say. */
export function describeRefusal({ errors, proxies, total }: Refusal): string {
  const reasons = errors.map(({ field, reason }) => (field === '' ? reason : `${field} ${reason}`)).join(', ');
  return `refused by ${proxies} of ${total} proxies: ${reasons}`;
}

/** Whatever else keeps it from being programmed, this comes first. */
function withTrouble(condition: DesiredCondition, message: string): DesiredCondition {
  if (condition.type !== 'Programmed') return condition;
  return conditions.gatewayNotProgrammed(condition.observedGeneration, {
    reason: 'Invalid',
    message: `its proxies cannot be made: ${message}`,
  });
}

function isProgrammed(own: readonly DesiredCondition[]): boolean {
  return own.some(({ type, status }) => type === 'Programmed' && status === 'True');
}

/** What compile holds back for reasons of its own stays as it says. */
function replaceProgrammed(
  own: readonly DesiredCondition[],
  refine: (condition: DesiredCondition) => DesiredCondition,
): DesiredCondition[] {
  return own.map((condition) => (condition.type === 'Programmed' && condition.status === 'True' ? refine(condition) : condition));
}

function hasListeners(status: DesiredStatus): status is HolderStatus {
  return status.type === 'Gateway' || status.type === 'ListenerSet';
}

function keysOf({ listeners }: HolderStatus): readonly string[] {
  return listeners.map(({ key }) => key);
}

/** The Gateway `<namespace>/<name>` whose proxies serve it. */
function gatewayOf({ type, ref, listeners }: HolderStatus): string {
  return type === 'Gateway' ? `${ref.namespace}/${ref.name}` : gatewayOfListener(listeners[0]?.key ?? '');
}
