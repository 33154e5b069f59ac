// The time of one call of a plugin, and of its work: the engine asks for it after every so many turns of its loops.

/** Turns of loops between two looks at the clock: 50 to 130 microseconds. */
const TURNS = 12_000;
/** Beyond its limit a call may be ended by the engine, which stays whole, for so long; after that it is cut, microseconds. */
const GRACE = 2_000;

/** Ends a call at once. The engine is in an unknown state then. */
export class Overrun extends Error {}

export class CallClock {
  /** Processor time at the end of the call, microseconds; -1: the clock does not run yet. */
  #deadline = -1;
  /** The limit of the call, milliseconds; the engine itself has none at its start. */
  time = Infinity;
  /** The call is over its limit. */
  isExpired = false;
  /** Looks at the clock since the start of the isolate: a measure of its work that needs no clock. */
  looks = 0;

  /** A call begins. Milliseconds of processor time. */
  begin(time: number): void {
    this.time = time;
    this.#deadline = -1;
    this.isExpired = false;
  }

  /** Returns the turns until the next look. A short call comes to none. */
  look(): number {
    this.looks++;
    const now = processorTime();
    if (this.#deadline < 0) this.#deadline = now + this.time * 1_000;
    this.isExpired ||= now > this.#deadline;
    if (now > this.#deadline + GRACE) throw new Overrun();
    return TURNS;
  }
}

/** Of this thread, microseconds: a busy machine takes nothing from the time of a plugin. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
