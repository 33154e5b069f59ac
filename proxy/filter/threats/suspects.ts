// The sources of refused requests in a window of time, and what counts against them. Bounded: the source that was silent longest is
// forgotten first.
import { createHash, randomBytes } from 'node:crypto';

/** What counts, each with a number that is too much. */
export type Sign = 'authenticationFailures' | 'userNames' | 'accessDenials' | 'missingPaths' | 'malformedRequests' | 'limited';

export type Thresholds = Readonly<Record<Sign, number>>;

const MAX_SOURCES = 10_000;
/** User names and paths of all sources. */
const MAX_DETAILS = 100_000;

interface Suspect {
  readonly since: number;
  readonly counts: Map<Sign, number>;
  /** Digests of user names and paths. */
  readonly details: Set<string>;
  /** It has reached a threshold: it does so once in a window. */
  isReported: boolean;
}

export class Suspects {
  readonly #windowMs: number;
  readonly #thresholds: Thresholds;
  /** The least recent first. */
  readonly #bySource = new Map<string, Suspect>();
  /** Keeps clients from choosing digests. */
  readonly #secret = randomBytes(16);
  #details = 0;

  constructor(windowMs: number, thresholds: Thresholds) {
    this.#windowMs = windowMs;
    this.#thresholds = thresholds;
  }

  get size(): number {
    return this.#bySource.size;
  }

  /**
   * Counts a sign against a source; of user names and paths (`detail`) each once. Above 0: it has reached the threshold now, and this is its
   * score.
   */
  note(source: string, sign: Sign, detail: string, now: number): number {
    const suspect = this.#suspect(source, now);
    if (detail !== '' && !this.#isNew(suspect, sign, detail)) return 0;
    const count = (suspect.counts.get(sign) ?? 0) + 1;
    suspect.counts.set(sign, count);
    if (suspect.isReported || count < this.#thresholds[sign]) return 0;
    suspect.isReported = true;
    return this.#score(suspect);
  }

  /** All signs together, in percent of their thresholds. */
  #score({ counts }: Suspect): number {
    let score = 0;
    for (const [sign, count] of counts) score += (100 * count) / this.#thresholds[sign];
    return Math.round(score);
  }

  /** Begins anew with a source. */
  forget(source: string): void {
    const suspect = this.#bySource.get(source);
    if (suspect === undefined) return;
    this.#details -= suspect.details.size;
    this.#bySource.delete(source);
  }

  #suspect(source: string, now: number): Suspect {
    const known = this.#bySource.get(source);
    const isCurrent = known !== undefined && now - known.since < this.#windowMs;
    if (isCurrent) this.#bySource.delete(source);
    else this.forget(source);
    const suspect: Suspect = isCurrent ? known : { since: now, counts: new Map(), details: new Set(), isReported: false };
    this.#bySource.set(source, suspect);
    while (this.#bySource.size > MAX_SOURCES || this.#details > MAX_DETAILS) this.#forgetOldest();
    return suspect;
  }

  #isNew({ details }: Suspect, sign: Sign, detail: string): boolean {
    const digest = createHash('sha256').update(this.#secret).update(sign).update(detail).digest('latin1').slice(0, 8);
    if (details.has(digest)) return false;
    details.add(digest);
    this.#details++;
    return true;
  }

  #forgetOldest(): void {
    const [oldest] = this.#bySource.keys();
    if (oldest !== undefined) this.forget(oldest);
  }
}
