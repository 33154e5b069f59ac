// The latest lines of the log of a process, in bounded memory, for a bundle of diagnostics.
import type { DestinationStream } from 'pino';

/** Lines, and characters of all lines. */
const MAX_LINES = 2_000;
const MAX_CHARACTERS = 1_048_576;

export class RecentLog implements DestinationStream {
  readonly #destination: DestinationStream;
  readonly #lines: string[] = [];
  #characters = 0;

  /** `destination` gets all lines. */
  constructor(destination: DestinationStream) {
    this.#destination = destination;
  }

  /** The oldest first, without line breaks. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  write(line: string): void {
    this.#destination.write(line);
    this.#characters += line.length;
    this.#lines.push(line.trimEnd());
    while (this.#lines.length > MAX_LINES || (this.#characters > MAX_CHARACTERS && this.#lines.length > 1))
      // The line break is counted, too.
      this.#characters -= (this.#lines.shift()?.length ?? 0) + 1;
  }
}
