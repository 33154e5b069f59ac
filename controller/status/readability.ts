// Reports kinds that the controller cannot watch: by a condition of every GatewayClass of this controller, by Events on these, and by a
// remark in conditions that call an object missing. It is the last step before the status writer.
//
// After a restart an API server may deny rights and not know custom kinds for a moment, and informers reconnect one after another.
// Therefore a problem is reported only after it has lasted.
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import * as conditions from '../compile/conditions.ts';
import type { DesiredCondition, DesiredStatus } from '../compile/result.ts';
import type { InformerProblem } from '../watch/informer.ts';
import type { WatchTrouble } from '../watch/trouble.ts';
import { isDoubtful, withDoubts } from './doubt.ts';
import type { EventReport } from './event-writer.ts';
import type { StatusTarget } from './programmed.ts';

/** How long a state must last before it is reported, milliseconds. */
export interface ReadabilityTimes {
  /** A right or a CRD is missing. */
  readonly missing: number;
  /** Requests fail; longer than the longest backoff of an informer. */
  readonly failing: number;
  /** Requests succeed again; kinds that recover together are reported together. */
  readonly works: number;
}

export const READABILITY_TIMES: ReadabilityTimes = { missing: 2_000, failing: 60_000, works: 500 };

export interface ReadabilityOptions {
  readonly target: StatusTarget;
  readonly report: (event: EventReport) => void;
  /** False while the API server is unreachable: this is no problem of one kind, and no status could be written. */
  readonly isConnected: () => boolean;
  readonly times?: ReadabilityTimes;
  /** Wraps timer callbacks, so that a bug is reported. */
  readonly guard?: Guard;
}

/** A kind that has a problem, or had one at the last report. */
interface Followed {
  readonly trouble: WatchTrouble | null;
  /** Since when the problem has this type, on the monotonic clock. */
  readonly since: number;
  readonly told: WatchTrouble | null;
}

const NO_TROUBLE: Followed = { trouble: null, since: 0, told: null };

export class Readability implements StatusTarget {
  readonly #options: ReadabilityOptions;
  readonly #times: ReadabilityTimes;
  readonly #guard: Guard;
  readonly #kinds = new Map<string, Followed>();
  /** By object id: GatewayClasses, and statuses with a doubtful condition. */
  readonly #statuses = new Map<string, DesiredStatus>();
  #timer: NodeJS.Timeout | null = null;
  /** Whether the first statuses have been written. Problems at the start are reported with them. */
  #began = false;

  constructor(options: ReadabilityOptions) {
    this.#options = options;
    this.#times = options.times ?? READABILITY_TIMES;
    this.#guard = options.guard ?? UNGUARDED;
  }

  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    if (!this.#began) this.#begin();
    for (const ref of forgotten) this.#statuses.delete(objectId(ref));
    for (const status of statuses) this.#remember(status);
    this.#options.target.write(this.#allTold(statuses), forgotten);
  }

  /** A kind cannot be watched; null means that it can again. */
  troubled(kind: string, trouble: WatchTrouble | null): void {
    const before = this.#kinds.get(kind) ?? NO_TROUBLE;
    if (before === NO_TROUBLE && trouble === null) return;
    const now = performance.now();
    const goesOn = before.trouble?.problem.type === trouble?.problem.type;
    this.#kinds.set(kind, { trouble, since: goesOn ? before.since : now, told: before.told });
    // The API server is back for one kind: the other informers get time to reconnect.
    if (isFailing(before.trouble) && !isFailing(trouble)) this.#giveTime(now);
    this.#schedule();
  }

  /** This controller leads now and writes Events about problems that exist already. */
  resume(): void {
    this.#warn([...this.#told().values()]);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kinds.clear();
  }

  #begin(): void {
    this.#began = true;
    for (const [kind, followed] of this.#kinds) {
      if (!isFailing(followed.trouble)) this.#kinds.set(kind, { ...followed, told: followed.trouble });
    }
    this.#schedule();
  }

  #remember(status: DesiredStatus): void {
    const id = objectId(status.ref);
    if (status.type === 'GatewayClass' || isDoubtful(status)) this.#statuses.set(id, status);
    else this.#statuses.delete(id);
  }

  #giveTime(now: number): void {
    for (const [kind, followed] of this.#kinds) if (isFailing(followed.trouble)) this.#kinds.set(kind, { ...followed, since: now });
  }

  #holdOf({ trouble }: Followed): number {
    if (trouble === null) return this.#times.works;
    return isFailing(trouble) ? this.#times.failing : this.#times.missing;
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const open = [...this.#kinds.values()].filter((followed) => !isTold(followed));
    if (!this.#began || open.length === 0) return;
    const due = Math.min(...open.map((followed) => followed.since + this.#holdOf(followed)));
    this.#timer = setTimeout(
      () => this.#guard.guard('readability', () => this.#review()),
      Math.max(this.#times.works, due - performance.now()),
    );
  }

  #review(): void {
    const now = performance.now();
    if (!this.#options.isConnected()) this.#giveTime(now);
    const before = this.#told();
    for (const [kind, followed] of this.#kinds) {
      if (now - followed.since < this.#holdOf(followed)) continue;
      if (followed.trouble === null) this.#kinds.delete(kind);
      else if (!isTold(followed)) this.#kinds.set(kind, { ...followed, told: followed.trouble });
    }
    this.#tell(before, this.#told());
    this.#schedule();
  }

  #tell(before: ReadonlyMap<string, WatchTrouble>, now: ReadonlyMap<string, WatchTrouble>): void {
    const begun = [...now].filter(([kind, trouble]) => before.get(kind) !== trouble).map(([, trouble]) => trouble);
    const over = [...before.keys()].filter((kind) => !now.has(kind));
    if (begun.length === 0 && over.length === 0) return;
    this.#warn(begun);
    if (over.length > 0) this.#report('Normal', 'ResourcesReadable', `${over.join(', ')} can be read again`);
    this.#options.target.write(this.#allTold([...this.#statuses.values()]), []);
  }

  #warn(troubles: readonly WatchTrouble[]): void {
    if (troubles.length > 0) this.#report('Warning', 'ResourcesNotReadable', describe(troubles));
  }

  /** The reported problems that affect the configuration, by kind. */
  #told(): ReadonlyMap<string, WatchTrouble> {
    return new Map([...this.#kinds].flatMap(([kind, { told }]) => (told?.matters === true ? [[kind, told] as const] : [])));
  }

  #report(type: EventReport['type'], reason: string, note: string): void {
    for (const { type: kind, ref } of this.#statuses.values()) {
      if (kind !== 'GatewayClass') continue;
      this.#options.report({ ref, identity: `${objectId(ref)} ${reason} ${note}`, type, reason, action: 'Watch', note });
    }
  }

  #allTold(statuses: readonly DesiredStatus[]): readonly DesiredStatus[] {
    const told = [...this.#told().values()];
    const unread = new Set([...this.#kinds].filter(([, { told: trouble }]) => isUnread(trouble)).map(([kind]) => kind));
    return statuses.map((status) => {
      const doubted = withDoubts(status, unread);
      return doubted.type === 'GatewayClass' ? { ...doubted, conditions: [...doubted.conditions, conditionOf(doubted, told)] } : doubted;
    });
  }
}

function conditionOf({ conditions: own }: { readonly conditions: readonly DesiredCondition[] }, told: readonly WatchTrouble[]) {
  const generation = own[0]?.observedGeneration ?? 0;
  if (told.length === 0) return conditions.classResourcesReadable(generation);
  const message = `${describe(told)}. Configuration that was read before stays in use`;
  return conditions.classResourcesNotReadable(generation, { reason: reasonOf(told), message });
}

/** The reason that most surely needs the operator comes first. */
function reasonOf(troubles: readonly WatchTrouble[]): conditions.ReadObstacle['reason'] {
  const types = new Set(troubles.map(({ problem }) => problem.type));
  if (types.has('forbidden')) return 'Forbidden';
  return types.has('absent') ? 'NotInstalled' : 'Failing';
}

function describe(troubles: readonly WatchTrouble[]): string {
  return [...new Set(troubles.map(({ message }) => message))].join('; ');
}

function isFailing(trouble: WatchTrouble | null): boolean {
  return trouble?.problem.type === 'failing';
}

/** Whether unknown objects of the kind may exist. An absent CRD has no objects, and objects that are read one by one are known to exist. */
function isUnread(trouble: WatchTrouble | null): boolean {
  if (trouble === null || trouble.problem.type === 'absent') return false;
  return trouble.problem.type === 'failing' || trouble.problem.verb !== 'get';
}

/** Whether the current problem is reported. Another text of the same type is not reported again. */
function isTold({ trouble, told }: Followed): boolean {
  return mark(trouble?.problem) === mark(told?.problem);
}

function mark(problem: InformerProblem | undefined): string {
  if (problem === undefined) return '';
  return problem.type === 'forbidden' ? `may not ${problem.verb}` : problem.type;
}
