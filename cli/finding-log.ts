// Logs the findings of the linter for `weir up`: each finding once, and again when it is solved.
import type { Log } from '#lib/log.ts';
import type { Finding } from '../controller/lint/finding.ts';

export class FindingLog {
  readonly #log: Log;
  #told: ReadonlyMap<string, Finding> = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes all current findings. A finding that only moved to another line is not logged again. */
  report(findings: readonly Finding[]): void {
    const now = new Map(findings.map((finding) => [JSON.stringify([finding.object, finding.field, finding.reason]), finding]));
    const before = this.#told;
    this.#told = now;
    for (const [id, finding] of before) if (!now.has(id) && isSolved(finding, findings)) this.#tellSolved(finding);
    for (const [id, finding] of now) if (!before.has(id)) this.#tell(finding);
  }

  #tell({ severity, ...finding }: Finding): void {
    if (severity === 'info') this.#log.info(finding, 'a note');
    else this.#log.warn(finding, severity === 'error' ? 'not served as written' : 'used, but probably not as intended');
  }

  #tellSolved({ file, line, object, field, reason }: Finding): void {
    const place = file === '' ? '' : `${file}:${line}`;
    const subject = [place, object, field].filter((part) => part !== '').join(' ');
    this.#log.info({ file, object, field }, `solved: ${subject}: ${reason}`);
  }
}

/** A finding is not solved if another finding about the same field replaces it. */
function isSolved({ object, field }: Finding, now: readonly Finding[]): boolean {
  return !now.some((other) => other.object === object && other.field === field);
}
