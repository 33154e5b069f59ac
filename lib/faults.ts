// Isolates bugs: an exception in a part costs one piece of work, is logged with its stack and counted. All other work continues.
import type { Log } from './log.ts';
import { TokenBucket } from './token-bucket.ts';

/** Runs pieces of work whose exceptions must not reach the caller. */
export interface Guard {
  /** False when the work threw. `fields` identify the piece of work in the log. */
  guard(part: string, work: () => void, fields?: object): boolean;
}

/** Lets exceptions through: for tests of a single part. */
export const UNGUARDED: Guard = {
  guard: (_part, work) => {
    work();
    return true;
  },
};

/** The burst and the rate of logged faults: a part that fails continuously must not drown out the rest of the log. */
const LOGGED = { burst: 20, perSecond: 0.5 };

export class Faults implements Guard {
  readonly #log: Log;
  readonly #counted: (part: string) => void;
  readonly #rate = new TokenBucket(LOGGED);

  /** `counted` gets the part of every fault, for a metric. */
  constructor(log: Log, counted: (part: string) => void = () => undefined) {
    this.#log = log;
    this.#counted = counted;
  }

  report(part: string, error: unknown, fields: object = {}): void {
    this.#counted(part);
    if (this.#rate.take() === 0)
      this.#log.error({ err: error, part, ...fields }, 'a bug ended the handling of one object, session or write; all others continue');
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

  /** Runs the work for each item; returns the items whose work threw. */
  each<T>(part: string, items: readonly T[], work: (item: T) => void, fields: (item: T) => object): readonly T[] {
    return items.filter((item) => !this.guard(part, () => work(item), fields(item)));
  }
}
