// Whether a peer that says nothing is still there: streams may be silent for long, and a peer that is gone is silent too.

/** What a peer is asked with, in a PING. */
export const PROBE = Buffer.from('anybody?', 'latin1');
/** Silence after which it is asked, as a share of the longest that it may be silent. */
const PROBE_SHARE = 0.5;

/** What time it is: performance.now(), or a little before. */
export interface Clock {
  readonly now: number;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #silence: number;
  /** When something was heard, or the question was asked. */
  #since: number;
  #probed = false;

  /** `silence`: milliseconds, 0 is for ever. */
  constructor(clock: Clock, silence: number) {
    this.#clock = clock;
    this.#silence = silence;
    this.#since = clock.now;
  }

  /** Something came, or nothing could have. */
  heard(): void {
    this.#since = this.#clock.now;
    this.#probed = false;
  }

  /** What to make of the silence: `doubtful` once, when it is time to ask. None is gone that was not asked, however late the look. */
  look(): 'alive' | 'doubtful' | 'gone' {
    if (this.dueIn > 0) return 'alive';
    if (this.#probed) return 'gone';
    this.#probed = true;
    this.#since = this.#clock.now;
    return 'doubtful';
  }

  /** Milliseconds until the next look has something to tell. */
  get dueIn(): number {
    if (this.#silence === 0) return Infinity;
    return this.#silence * (this.#probed ? 1 - PROBE_SHARE : PROBE_SHARE) - (this.#clock.now - this.#since);
  }
}
