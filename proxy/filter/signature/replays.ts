// The signatures that were accepted, in bounded memory. Two generations: each lasts as long as a signature may be valid.
import { createHash } from 'node:crypto';

/** About 25 MiB. */
const MAX_REMEMBERED = 262_144;

/** `full`: a further signature cannot be remembered, so it must not be accepted. */
export type ReplayVerdict = 'new' | 'seen' | 'full';

export class Replays {
  /** Milliseconds. */
  readonly #window: number;
  readonly #now: () => number;
  readonly #max: number;
  #current = new Set<string>();
  #previous = new Set<string>();
  #since: number;

  /** `window`: the longest time in which one signature can be valid; `now`: a clock that never goes back. */
  constructor(window: number, now: () => number = () => performance.now(), max = MAX_REMEMBERED) {
    this.#window = window;
    this.#now = now;
    this.#max = max;
    this.#since = now();
  }

  /** Remembers a signature by a text that no other one has. */
  enter(identity: string | Buffer): ReplayVerdict {
    this.#age();
    const digest = createHash('sha256').update(identity).digest('latin1').slice(0, 16);
    if (this.#current.has(digest) || this.#previous.has(digest)) return 'seen';
    if (this.#current.size + this.#previous.size >= this.#max) return 'full';
    this.#current.add(digest);
    return 'new';
  }

  #age(): void {
    const age = this.#now() - this.#since;
    if (age < this.#window) return;
    this.#previous = age < 2 * this.#window ? this.#current : new Set();
    this.#current = new Set();
    this.#since = this.#now();
  }
}
