// Logs the problems of one source: each once, and once more when it is solved.
import type { Log } from '#lib/log.ts';
import type { SourceProblem } from './event.ts';
import { describeSkipped } from './skipped.ts';

/** Maximum number of objects named in one line. */
const MAX_NAMED = 5;

export class ProblemLog {
  readonly #log: Log;
  #told: ReadonlyMap<string, SourceProblem> = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes all current problems. A problem whose line moved is not logged again. */
  report(problems: readonly SourceProblem[]): void {
    const now = new Map(
      problems.map((problem) => [JSON.stringify([problem.file, problem.object, problem.field, problem.reason]), problem]),
    );
    const before = this.#told;
    this.#told = now;
    for (const [id, problem] of before) if (!now.has(id) && isSolved(problem, problems)) this.#tellSolved(problem);
    for (const [id, problem] of now) if (!before.has(id)) this.#tell(problem);
  }

  /** Takes the kinds of all skipped documents. */
  skipped(kinds: readonly string[]): void {
    this.#log.info(describeSkipped(kinds) || 'no documents are skipped any more');
  }

  #tell({ kept = [], ...problem }: SourceProblem): void {
    if (problem.severity === 'warning') return this.#log.warn(problem, 'used, but probably not as intended');
    if (kept.length === 0) return this.#log.warn(problem, 'left out of the configuration');
    this.#log.warn({ ...problem, stillServed: kept }, `kept as it was: ${keptInWords(kept)}`);
  }

  #tellSolved({ file, line, object, field, reason }: SourceProblem): void {
    const place = file === '' ? '' : `${file}:${line}`;
    const subject = [place, object, field].filter((part) => part !== '').join(' ');
    this.#log.info({ file, object, field }, `solved: ${subject}: ${reason}`);
  }
}

/** False if another problem replaces or hides this one: the content of an unreadable file is unknown. */
function isSolved({ file, object, field }: SourceProblem, now: readonly SourceProblem[]): boolean {
  return !now.some((other) => other.file === file && (other.object === '' || (other.object === object && other.field === field)));
}

function keptInWords(kept: readonly string[]): string {
  if (kept.length === 1) return `${kept[0] ?? ''} is still served in its last good form`;
  const names = kept.slice(0, MAX_NAMED).join(', ');
  const more = kept.length > MAX_NAMED ? ` and ${kept.length - MAX_NAMED} more` : '';
  return `${kept.length} objects are still served in their last good form: ${names}${more}`;
}
