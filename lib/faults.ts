// Bugs, caught at the border of a part: what throws there costs one piece of work, is logged with its stack and counted. Everything
// else goes on.
import type { Log } from './log.ts';
import { TokenBucket } from './token-bucket.ts';

/** Runs pieces of work that must not cost whoever asks for them anything. */
export interface Guard {
  /** False when the work threw. `fields` say in the log which piece it was. */
  guard(part: string, work: () => void, fields?: object): boolean;
}

/** Where whoever calls is to see what is thrown: tests of a single part. */
export const UNGUARDED: Guard = {
  guard: (_part, work) => {
    work();
    return true;
  },
};

/** How many faults are logged at once, and a second after that: a part that fails all the time must not bury the rest. */
const LOGGED = { burst: 20, perSecond: 0.5 };

export class Faults implements Guard {
  readonly #log: Log;
  readonly #counted: (part: string) => void;
  readonly #rate = new TokenBucket(LOGGED);

  /** `counted` is told the part of every fault: a metric. */
  constructor(log: Log, counted: (part: string) => void = () => undefined) {
    this.#log = log;
    this.#counted = counted;
  }

  report(part: string, error: unknown, fields: object = {}): void {
    this.#counted(part);
    if (this.#rate.take() === 0) this.#log.error({ err: error, part, ...fields }, 'a bug; what it was met by is left out');
  }

  guard(part: string, work: () => void, fields: object = {}): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.report(part, error, fields);
      return false;
    }
  }

  /** Does the same to each; answers those to which it could not be done. */
  each<T>(part: string, items: readonly T[], work: (item: T) => void, fields: (item: T) => object): readonly T[] {
    return items.filter((item) => !this.guard(part, () => work(item), fields(item)));
  }
}
