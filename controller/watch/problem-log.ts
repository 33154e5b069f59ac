// The problems of one source in the log: each is told once, and once more when it is gone.
import type { Log } from '#lib/log.ts';
import type { SourceProblem } from './event.ts';
import { describeSkipped } from './skipped.ts';

export class ProblemLog {
  readonly #log: Log;
  readonly #told = new Map<string, SourceProblem>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes every problem that there is now. */
  report(problems: readonly SourceProblem[]): void {
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
    for (const [text, problem] of this.#told) {
      if (now.has(text)) continue;
      this.#told.delete(text);
      this.#log.info({ ...problem }, 'a problem is gone');
    }
    for (const [text, problem] of now) {
      if (this.#told.has(text)) continue;
      this.#told.set(text, problem);
      this.#log.warn({ ...problem }, 'left out of the configuration');
    }
  }

  /** Takes the kinds of everything that was skipped. */
  skipped(kinds: readonly string[]): void {
    this.#log.info(describeSkipped(kinds) || 'nothing is skipped any more');
  }
}
