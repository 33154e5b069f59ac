// Exceptions that the proxy's own code throws: each ends the exchange or the connection that it meets and nothing else. They are counted
// by place, and logged with their stack.
import { TokenBuckets } from '#lib/token-bucket.ts';

/** The place of a bug: the handling of an exchange, bytes of a connection on either side, or a timer. */
export type BugPlace = 'exchange' | 'downstream' | 'upstream' | 'timer';

/** One line of the log per place and minute: a client may be able to cause one with every request. */
const LOGGED = { burst: 1, perSecond: 1 / 60 };

export class Bugs {
  readonly #counts = new Map<BugPlace, number>([
    ['exchange', 0],
    ['downstream', 0],
    ['upstream', 0],
    ['timer', 0],
  ]);
  readonly #logged = new TokenBuckets<BugPlace>(LOGGED);
  readonly #tell: (bug: unknown, place: BugPlace) => void;

  /** `tell` gets the first bug of a minute at each place. */
  constructor(tell: (bug: unknown, place: BugPlace) => void = () => undefined) {
    this.#tell = tell;
  }

  met(bug: unknown, place: BugPlace): void {
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    if (this.#logged.take(place) === 0) this.#tell(bug, place);
  }

  get byPlace(): ReadonlyMap<BugPlace, number> {
    return this.#counts;
  }
}
