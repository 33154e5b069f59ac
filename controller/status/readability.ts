// Tells of kinds that cannot be followed: by a condition of every GatewayClass of this controller, by an Event on each when that changes,
// and by a doubt in what other statuses say is missing. Stands right before the status writer.
//
// An API server that restarts refuses rights and knows no custom kinds for a moment, and informers come back to it one after another:
// what is wrong is told when it has lasted.
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

/** For how long something must last before it is told, milliseconds. */
export interface ReadabilityTimes {
  /** A right or a CRD is missing. */
  readonly missing: number;
  /** Requests fail; longer than the longest pause of an informer. */
  readonly failing: number;
  /** It works again: what comes back together is told together. */
  readonly works: number;
}

export const READABILITY_TIMES: ReadabilityTimes = { missing: 2_000, failing: 60_000, works: 500 };

export interface ReadabilityOptions {
  readonly target: StatusTarget;
  readonly report: (event: EventReport) => void;
  /** False while nothing at all can be read: that is no trouble of a kind, and nobody could be told. */
  readonly isConnected: () => boolean;
  readonly times?: ReadabilityTimes;
  /** Around what happens later. */
  readonly guard?: Guard;
}

/** A kind that is in trouble, or was when that was last told. */
interface Followed {
  readonly trouble: WatchTrouble | null;
  /** Since when it is of this type, on the monotonic clock. */
  readonly since: number;
  readonly told: WatchTrouble | null;
}

const NO_TROUBLE: Followed = { trouble: null, since: 0, told: null };

export class Readability implements StatusTarget {
  readonly #options: ReadabilityOptions;
  readonly #times: ReadabilityTimes;
  readonly #guard: Guard;
  readonly #kinds = new Map<string, Followed>();
  /** GatewayClasses, and statuses with something that may be doubted, by the id of the object. */
  readonly #statuses = new Map<string, DesiredStatus>();
  #timer: NodeJS.Timeout | null = null;
  /** Statuses have been asked for. What is wrong from the beginning is told with the first of them. */
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

  /** A kind cannot be followed, or (null) can be again. */
  troubled(kind: string, trouble: WatchTrouble | null): void {
    const before = this.#kinds.get(kind) ?? NO_TROUBLE;
    if (before === NO_TROUBLE && trouble === null) return;
    const now = performance.now();
    const goesOn = before.trouble?.problem.type === trouble?.problem.type;
    this.#kinds.set(kind, { trouble, since: goesOn ? before.since : now, told: before.told });
    // The API server is back for one kind: the others get the time to find that out.
    if (isFailing(before.trouble) && !isFailing(trouble)) this.#giveTime(now);
    this.#schedule();
  }

  /** This controller leads now: of what is wrong already nobody has heard. */
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

  /** What is told now, and matters, by kind. */
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
  const message = `${describe(told)}. What was read before is served on`;
  return conditions.classResourcesNotReadable(generation, { reason: reasonOf(told), message });
}

/** The one that is the surest to be the operator's to mend comes first. */
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

/** Objects may be there that are not known. A kind that is not installed has none, and what is read one by one is known to be there. */
function isUnread(trouble: WatchTrouble | null): boolean {
  if (trouble === null || trouble.problem.type === 'absent') return false;
  return trouble.problem.type === 'failing' || trouble.problem.verb !== 'get';
}

/** In other words of an error that goes on there is no news. */
function isTold({ trouble, told }: Followed): boolean {
  return mark(trouble?.problem) === mark(told?.problem);
}

function mark(problem: InformerProblem | undefined): string {
  if (problem === undefined) return '';
  return problem.type === 'forbidden' ? `may not ${problem.verb}` : problem.type;
}
