// Detects dead peers: streams may be silent for long, and so is a dead peer.

/** The content of the PING to a silent peer. */
export const PROBE = Buffer.from('anybody?', 'latin1');
/** The share of the maximum silence after which the PING is sent. */
const PROBE_SHARE = 0.5;

/** The current time: performance.now(), or slightly before. */
export interface Clock {
  readonly now: number;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #silence: number;
  /** The time of the last byte, or of the PING. */
  #since: number;
  #probed = false;

  /** `silence`: milliseconds, 0 is unlimited. */
  constructor(clock: Clock, silence: number) {
    this.#clock = clock;
    this.#silence = silence;
    this.#since = clock.now;
  }

  /** Bytes arrived, or could not have arrived. */
  heard(): void {
    this.#since = this.#clock.now;
    this.#probed = false;
  }

  /**
   * The conclusion from the silence: `doubtful` once, when it is time to send the PING. A peer is never `gone` without a PING, however late
   * the check.
   */
  look(): 'alive' | 'doubtful' | 'gone' {
    if (this.dueIn > 0) return 'alive';
    if (this.#probed) return 'gone';
    this.#probed = true;
    this.#since = this.#clock.now;
    return 'doubtful';
  }

  /** Milliseconds until the next check. */
  get dueIn(): number {
    if (this.#silence === 0) return Infinity;
    return this.#silence * (this.#probed ? 1 - PROBE_SHARE : PROBE_SHARE) - (this.#clock.now - this.#since);
  }
}
