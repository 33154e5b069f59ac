// Whether a peer that says nothing is still there: streams may be silent for long, and a peer that is gone is silent too.

/** What a peer is asked with, in a PING. */
export const PROBE = Buffer.from('anybody?', 'latin1');
/** Silence after which it is asked, as a share of the longest that it may be silent. */
const PROBE_SHARE = 0.5;

/** Time as a connection tells it; see Progress. */
export interface Ticks {
  readonly tick: number;
  isOver(since: number, timeout: number): boolean;
}

export class Liveness {
  readonly #ticks: Ticks;
  readonly #silence: number;
  #heardAt = 0;
  #probed = false;

  /** `silence`: milliseconds, 0 is for ever. */
  constructor(ticks: Ticks, silence: number) {
    this.#ticks = ticks;
    this.#silence = silence;
  }

  /** Something came, or nothing could have. */
  heard(): void {
    this.#heardAt = this.#ticks.tick;
    this.#probed = false;
  }

  /** What to make of the silence: `doubtful` once, when it is time to ask. */
  look(): 'alive' | 'doubtful' | 'gone' {
    if (this.#ticks.isOver(this.#heardAt, this.#silence)) return 'gone';
    if (this.#probed || !this.#ticks.isOver(this.#heardAt, this.#silence * PROBE_SHARE)) return 'alive';
    this.#probed = true;
    return 'doubtful';
  }
}
