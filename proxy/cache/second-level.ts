// The interface of a level of the cache that several proxies share, behind the memory of a worker.
import type { Result } from '#lib/result.ts';
import type { FreshnessTerms } from './freshness.ts';
import type { PurgeSubject } from './purges.ts';
import type { AnswerPlace, StoredAnswer } from './stored-answer.ts';

/** What the level knew when a request went to the backend: an answer that became outdated meanwhile is not stored. */
export interface Ticket {
  /** Changes whenever the answers of the URL become invalid. */
  readonly generation: string;
  readonly mark: PurgeMark;
  /** performance.now(). */
  readonly at: number;
}

/** The purges that a worker knows: those up to a number, of a life of the data of Redis. */
export interface PurgeMark {
  readonly era: string;
  readonly after: number;
}

/** A request that looks for an answer. */
export interface SecondLookup extends AnswerPlace {
  readonly headers: readonly string[];
  readonly terms: FreshnessTerms & { readonly maxBodySize: number };
}

/** Calls never reject. Without an answer in time, there is none. */
export interface SecondLevel {
  /** `names`: those by which answers of the key vary, as far as they are known. */
  find(lookup: SecondLookup, names: readonly string[]): Promise<{ readonly answer: StoredAnswer | null; readonly ticket: Ticket | null }>;
  /** Stores an answer in the background, or drops it if too many wait. Resolves once either has happened. */
  put(answer: StoredAnswer, ticket: Ticket): Promise<void>;
  /** An error: the purge goes on once the level answers again, but only as long as this process lives. */
  purge(subject: PurgeSubject): Promise<Result<null>>;
  close(): void;
}
