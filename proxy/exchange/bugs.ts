// Exceptions that the proxy's own code threw while it handled something: each costs what was handled and nothing else. They are
// counted by place, and told to the log with their stack.

/** Where a bug was met: while an exchange was handled, or bytes of a connection on either side, or when a timer was due. */
export type BugPlace = 'exchange' | 'downstream' | 'upstream' | 'timer';

/** One line of the log per place and this long: a client may be able to cause one with every request. */
const QUIET_MS = 60_000;

export class Bugs {
  readonly #counts = new Map<BugPlace, number>();
  readonly #toldAt = new Map<BugPlace, number>();
  readonly #tell: (bug: unknown, place: BugPlace) => void;

  /** `tell` is told of the first in a minute at each place. */
  constructor(tell: (bug: unknown, place: BugPlace) => void = () => undefined) {
    this.#tell = tell;
  }

  met(bug: unknown, place: BugPlace): void {
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    const now = performance.now();
    if (now - (this.#toldAt.get(place) ?? -QUIET_MS) < QUIET_MS) return;
    this.#toldAt.set(place, now);
    this.#tell(bug, place);
  }

  get byPlace(): ReadonlyMap<BugPlace, number> {
    return this.#counts;
  }
}
