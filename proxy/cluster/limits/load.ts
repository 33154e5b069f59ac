// The attempts at a backend that are under way, whichever rules they come from.
import type { Attempt } from '../../exchange/attempt.ts';

/** A line of requests that wait for room at the backend. */
export interface LoadLine {
  /** An attempt ended. */
  freed(): void;
}

export class Load {
  attempts = 0;
  /** Those that are not the first of their request. */
  retries = 0;
  /** Requests that wait for room, in all lines. */
  waiting = 0;
  readonly #lines = new Set<LoadLine>();

  began({ number }: Attempt): void {
    this.attempts++;
    if (number > 1) this.retries++;
  }

  ended({ number }: Attempt): void {
    this.attempts--;
    if (number > 1) this.retries--;
    if (this.waiting > 0) for (const line of this.#lines) line.freed();
  }

  /** Tells the line of every end of an attempt, until `leave`. */
  join(line: LoadLine): void {
    this.#lines.add(line);
  }

  leave(line: LoadLine): void {
    this.#lines.delete(line);
  }
}
