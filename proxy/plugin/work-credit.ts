// Whether the calls of a plugin are short, by their work and not by a clock: on the event loop other requests wait for them.

/** The work of one look at the clock (`quickjs/call-clock.ts`) is that of so many calls. */
const CALLS_PER_LOOK = 2;
/** The looks that calls may have at once, such as those of a rare long call. */
const MOST = 64;

export class WorkCredit {
  #credit = MOST;
  #looks: number;

  constructor(looks: number) {
    this.#looks = looks;
  }

  /** A call ended, with so many looks since the start. Returns whether the calls are short. */
  spend(looks: number): boolean {
    this.#credit = Math.min(MOST, this.#credit + 1 - (looks - this.#looks) * CALLS_PER_LOOK);
    this.#looks = looks;
    return this.#credit >= 0;
  }

  /** The calls begin anew. */
  renew(): void {
    this.#credit = MOST;
  }
}
