// The pauses before a plugin starts again: none after the first crashes, then longer and longer ones. A plugin that crashes at each call must
// not keep a core busy with its starts.
import { Backoff } from '#lib/backoff.ts';

/** Crashes in so many milliseconds count together. */
const WINDOW = 60_000;
/** The first ones, such as those of a rare request, cost no pause. */
const FREE = 3;
const MINIMUM_PAUSE = 500;
const MAXIMUM_PAUSE = 30_000;

export class Restarts {
  readonly #backoff = new Backoff({ minimum: MINIMUM_PAUSE, maximum: MAXIMUM_PAUSE });
  #crashes: number[] = [];

  /** A crash. Returns how long the next start must wait, milliseconds. */
  crashed(now: number): number {
    const recent = this.#crashes.filter((at) => now - at < WINDOW);
    if (recent.length === 0) this.#backoff.reset();
    this.#crashes = [...recent, now];
    return recent.length < FREE ? 0 : this.#backoff.next();
  }

  /** The start itself failed: the next one waits. */
  refused(): number {
    return this.#backoff.next();
  }
}
