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
  #heardAt: number;
  #probed = false;

  /** `silence`: milliseconds, 0 is for ever. */
  constructor(clock: Clock, silence: number) {
    this.#clock = clock;
    this.#silence = silence;
    this.#heardAt = clock.now;
  }

  /** Something came, or nothing could have. */
  heard(): void {
    this.#heardAt = this.#clock.now;
    this.#probed = false;
  }

  /** What to make of the silence: `doubtful` once, when it is time to ask. */
  look(): 'alive' | 'doubtful' | 'gone' {
    if (this.#left(1) <= 0) return 'gone';
    if (this.#probed || this.#left(PROBE_SHARE) > 0) return 'alive';
    this.#probed = true;
    return 'doubtful';
  }

  /** Milliseconds until the next look has something to tell. */
  get dueIn(): number {
    return this.#left(this.#probed ? 1 : PROBE_SHARE);
  }

  #left(share: number): number {
    return this.#silence === 0 ? Infinity : this.#silence * share - (this.#clock.now - this.#heardAt);
  }
}
