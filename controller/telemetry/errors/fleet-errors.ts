// The failures at the proxies of all controllers, with their trend.
import type { ErrorBook, ErrorGroup } from './error-book.ts';

/** What other controllers answer. Never rejects. */
export type AskErrors = (
  id: string | null,
) => Promise<{ readonly errorGroups: readonly ErrorGroup[]; readonly missing: readonly string[] }>;

/**
 * How the failures of a group go on, by the last ten minutes and the time before: new (none before), rising (more than twice as many),
 * falling (less than half as many), steady, or over (none in the last ten minutes).
 */
export type Trend = 'new' | 'rising' | 'steady' | 'falling' | 'over';

/** A group, as operators see it. */
export interface SeenErrorGroup extends ErrorGroup {
  readonly trend: Trend;
  /** Failures per minute, of the last five to ten minutes. */
  readonly perMinute: number;
}

export interface ErrorList {
  /** Those with the latest failures first, by how many there were lately. */
  readonly groups: readonly SeenErrorGroup[];
  /** Controllers that did not answer. */
  readonly missing: readonly string[];
}

/** Names of proxies in a group, and samples. */
const MAX_PROXIES = 10;
const MAX_SAMPLES = 10;
/** The intervals of the history that count as now: the last, which is not over, and the one before. */
const RECENT = 2;

export class FleetErrors {
  readonly #book: ErrorBook;
  readonly #others: AskErrors;

  constructor(book: ErrorBook, others: AskErrors) {
    this.#book = book;
    this.#others = others;
  }

  /** All groups without samples, or with an id that one with its samples. */
  async list(id: string | null): Promise<ErrorList> {
    const { errorGroups, missing } = await this.#others(id);
    const groups = new Map<string, ErrorGroup>();
    for (const group of [...this.#book.groups(id), ...errorGroups]) {
      const known = groups.get(group.id);
      groups.set(group.id, known === undefined ? group : added(known, group));
    }
    const seen = Array.from(groups.values(), (group) => ({ ...group, trend: trendOf(group), perMinute: rateOf(group) }));
    return { groups: seen.toSorted((one, other) => other.perMinute - one.perMinute || other.last - one.last), missing };
  }
}

function added(one: ErrorGroup, other: ErrorGroup): ErrorGroup {
  return {
    ...one,
    count: one.count + other.count,
    first: Math.min(one.first, other.first),
    last: Math.max(one.last, other.last),
    history: one.history.map((count, index) => count + (other.history[index] ?? 0)),
    proxies: [...new Set([...one.proxies, ...other.proxies])].slice(0, MAX_PROXIES),
    samples: [...one.samples, ...other.samples].toSorted((a, b) => b.at - a.at).slice(0, MAX_SAMPLES),
  };
}

function rateOf({ history }: ErrorGroup): number {
  return sum(history.slice(-RECENT)) / (RECENT * 5);
}

function trendOf({ history }: ErrorGroup): Trend {
  const recent = sum(history.slice(-RECENT)) / RECENT;
  // The hour before: a longer time would call every failure of the morning new.
  const earlier = history.slice(-RECENT - 12, -RECENT);
  const before = sum(earlier) / earlier.length;
  if (recent === 0) return 'over';
  if (sum(history.slice(0, -RECENT)) === 0) return 'new';
  if (recent > 2 * before) return 'rising';
  return recent < before / 2 ? 'falling' : 'steady';
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
