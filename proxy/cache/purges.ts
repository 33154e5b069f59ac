// Purges of stored answers: what they name, and which of them came while an answer was on its way.

/** Answers to name for a purge. A tag or URL as a whole, or the beginning of URLs. */
export type PurgeSubject = { readonly by: 'url' | 'prefix' | 'tag'; readonly value: string } | { readonly by: 'all' };

/** What a purge looks at. */
export interface Purgeable {
  readonly url: string;
  readonly tags: readonly string[];
}

export function isPurged(subject: PurgeSubject, { url, tags }: Purgeable): boolean {
  switch (subject.by) {
    case 'all':
      return true;
    case 'url':
      return url === subject.value;
    case 'prefix':
      return url.startsWith(subject.value);
    case 'tag':
      return tags.includes(subject.value);
  }
}

/** The last purges that are remembered: an answer that was asked for before them is not stored. */
const REMEMBERED = 1_000;

/** The purges of a worker: an answer that was asked for before a purge, and comes after it, may be what the purge was about. */
export class PurgeLog {
  readonly #subjects: PurgeSubject[] = [];
  #count = 0;

  /** The number of purges so far. */
  get moment(): number {
    return this.#count;
  }

  note(subject: PurgeSubject): void {
    this.#count++;
    this.#subjects.push(subject);
    if (this.#subjects.length > REMEMBERED) this.#subjects.shift();
  }

  /** Whether a purge since a moment is about the answer, or may be. */
  covers(since: number, answer: Purgeable): boolean {
    const missed = this.#count - since;
    if (missed > this.#subjects.length) return true;
    return missed > 0 && this.#subjects.slice(-missed).some((subject) => isPurged(subject, answer));
  }
}
