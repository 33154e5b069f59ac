// Whether the calls of a plugin are short, by their work and not by a clock: on the event loop other requests wait for them.

/**
 * The work of one look at the clock (`quickjs/call-clock.ts`) is that of so many short calls. In a thread a call comes in a message: to read
 * it takes two thirds of a look, which the event loop is spared.
 */
const CALLS_PER_LOOK = { loop: 2, thread: 0.75 };
/** The looks that calls may have at once, such as those of a rare long call. */
const MOST = 64;

export class WorkCredit {
  readonly #callsPerLook: number;
  #credit = MOST;
  #looks: number;

  /** `looks`: those before the first call. */
  constructor(place: keyof typeof CALLS_PER_LOOK, looks: number) {
    this.#callsPerLook = CALLS_PER_LOOK[place];
    this.#looks = looks;
  }

  /** A call ended, with so many looks since the start. Returns whether the calls are short. */
  spend(looks: number): boolean {
    this.#credit = Math.min(MOST, this.#credit + 1 - (looks - this.#looks) * this.#callsPerLook);
    this.#looks = looks;
    return this.#credit >= 0;
  }

  /** The calls begin anew. */
  renew(): void {
    this.#credit = MOST;
  }
}
