// The failures that the proxies of one controller have reported, by code, route, backend and cause: when they began, how many there are,
// whether they become more, and the latest samples. Bounded; the groups that have been quiet longest go first.
import { createHash } from 'node:crypto';
import type { ErrorEntry, ErrorSample } from '#api/wire/error-entry.ts';

/** Groups that are kept. */
const MAX_GROUPS = 2_000;
/** Groups are forgotten after so long without a failure, milliseconds. */
const KEPT_MS = 24 * 60 * 60_000;
/** Samples of a group. */
const MAX_SAMPLES = 5;
/** Names of proxies of a group. */
const MAX_PROXIES = 10;

/** The interval of the history of a group, milliseconds; and its intervals: two hours. */
export const HISTORY_MS = 5 * 60_000;
export const HISTORY_LENGTH = 24;

/** A failure of a proxy. */
export interface ProxySample extends ErrorSample {
  readonly proxy: string;
}

/** A failure and its group. */
export interface TracedSample extends ProxySample, Pick<ErrorEntry, 'code' | 'route' | 'backend'> {
  /** The id of the group. */
  readonly group: string;
}

/** A group, as controllers exchange it. */
export interface ErrorGroup extends Pick<ErrorEntry, 'code' | 'route' | 'backend' | 'cause' | 'count'> {
  /** The same at every controller. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
  /** Failures in each interval of the last two hours, the oldest first; the last interval is not over. */
  readonly history: readonly number[];
  /** Names of the first proxies. */
  readonly proxies: readonly string[];
  /** The latest ones, the latest first; empty in a list. */
  readonly samples: readonly ProxySample[];
}

interface Kept extends Omit<ErrorGroup, 'history' | 'proxies' | 'samples' | 'count' | 'last'> {
  count: number;
  last: number;
  /** By the number of the interval modulo the length. */
  readonly intervals: Float64Array;
  /** The number of the latest interval. */
  interval: number;
  readonly proxies: Set<string>;
  samples: readonly ProxySample[];
}

export class ErrorBook {
  readonly #now: () => number;
  /** The group with the latest failure comes last. */
  readonly #groups = new Map<string, Kept>();
  #forgotten = 0;

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  /** For metrics. */
  get counts() {
    return { groups: this.#groups.size, forgotten: this.#forgotten };
  }

  /** Adds what a proxy reports. */
  count(proxy: string, entries: readonly ErrorEntry[]): void {
    const now = this.#now();
    for (const entry of entries) if (entry.count > 0) this.#add(proxy, entry, now);
    this.#forget(now);
  }

  /** All groups without samples, or the one with this id, with them. */
  groups(id: string | null): readonly ErrorGroup[] {
    const now = this.#now();
    if (id === null) return Array.from(this.#groups.values(), (group) => ({ ...described(group, now), samples: [] }));
    const group = this.#groups.get(id);
    return group === undefined ? [] : [described(group, now)];
  }

  /** The failures of a request or of its trace. */
  samplesOf(id: string): readonly TracedSample[] {
    const found: TracedSample[] = [];
    for (const { id: group, code, route, backend, samples } of this.#groups.values())
      for (const sample of samples)
        if (sample.requestId === id || sample.traceId === id) found.push({ ...sample, group, code, route, backend });
    return found;
  }

  #add(proxy: string, { code, route, backend, cause, count, samples }: ErrorEntry, now: number): void {
    const id = idOf(code, route, backend, cause);
    const group = this.#groups.get(id) ?? made({ id, code, route, backend, cause, first: now });
    this.#groups.delete(id);
    this.#groups.set(id, group);
    group.count += count;
    group.last = now;
    turn(group, now);
    const index = group.interval % HISTORY_LENGTH;
    group.intervals[index] = (group.intervals[index] as number) + count;
    if (group.proxies.size < MAX_PROXIES) group.proxies.add(proxy);
    const latest = samples.map((sample): ProxySample => ({ ...sample, proxy })).toReversed();
    group.samples = [...latest, ...group.samples].slice(0, MAX_SAMPLES);
  }

  #forget(now: number): void {
    for (const [id, { last }] of this.#groups) {
      if (this.#groups.size <= MAX_GROUPS && last > now - KEPT_MS) return;
      this.#groups.delete(id);
      this.#forgotten++;
    }
  }
}

function made(labels: Pick<Kept, 'id' | 'code' | 'route' | 'backend' | 'cause' | 'first'>): Kept {
  const interval = Math.floor(labels.first / HISTORY_MS);
  return {
    ...labels,
    count: 0,
    last: labels.first,
    intervals: new Float64Array(HISTORY_LENGTH),
    interval,
    proxies: new Set(),
    samples: [],
  };
}

/** Empties the intervals since the latest. */
function turn(group: Kept, now: number): void {
  const interval = Math.floor(now / HISTORY_MS);
  for (let passed = Math.min(interval - group.interval, HISTORY_LENGTH); passed > 0; passed--)
    group.intervals[(interval - passed + 1) % HISTORY_LENGTH] = 0;
  group.interval = Math.max(group.interval, interval);
}

function described(group: Kept, now: number): ErrorGroup {
  turn(group, now);
  const { intervals, interval, proxies, id, code, route, backend, cause, count, first, last, samples } = group;
  const history = Array.from({ length: HISTORY_LENGTH }, (_, index) => intervals[(interval + 1 + index) % HISTORY_LENGTH] ?? 0);
  return { id, code, route, backend, cause, count, first, last, history, proxies: [...proxies], samples };
}

function idOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10);
}
