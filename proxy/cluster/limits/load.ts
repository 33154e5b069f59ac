// The attempts at a backend that are under way, whichever rules they come from.
import type { Attempt } from '../../exchange/attempt.ts';

/** A line of requests that wait for room at the backend. */
export interface LoadLine {
  /** An attempt was answered or ended. */
  freed(): void;
}

export class Load {
  attempts = 0;
  /** Those without the head of an answer. */
  unanswered = 0;
  /** Those that are not the first of their request. */
  retries = 0;
  /** Requests that wait for room, in all lines. */
  waiting = 0;
  readonly #lines = new Set<LoadLine>();

  began({ number }: Attempt): void {
    this.attempts++;
    this.unanswered++;
    if (number > 1) this.retries++;
  }

  /** The head of an answer came. */
  answered(): void {
    this.unanswered--;
    if (this.waiting > 0) this.#freed();
  }

  ended({ number, headAt }: Attempt): void {
    this.attempts--;
    if (headAt === 0) this.unanswered--;
    if (number > 1) this.retries--;
    if (this.waiting > 0) this.#freed();
  }

  /** Tells the line of every answer and every end of an attempt, until `leave`. */
  join(line: LoadLine): void {
    this.#lines.add(line);
  }

  leave(line: LoadLine): void {
    this.#lines.delete(line);
  }

  #freed(): void {
    for (const line of this.#lines) line.freed();
  }
}
