// A finding of the linter: one cause, with its place in the files.

/** `error`: must be corrected; `warning`: is served, but probably not as intended; `info`: a remark. */
export type Severity = 'error' | 'warning' | 'info';

/** A mistake or an oddity in the objects of a folder. */
export interface Finding {
  readonly severity: Severity;
  /** '' without a file. */
  readonly file: string;
  /** 1-based; 0 without a line. */
  readonly line: number;
  /** `Kind/namespace/name`, or ''. */
  readonly object: string;
  /** Path of the field, like `spec.rules[0].backendRefs[0]`; '' for the whole object. */
  readonly field: string;
  /** The cause, and the remedy if there is one. */
  readonly reason: string;
}

/** A finding before its place is known. */
export type Unplaced = Omit<Finding, 'file' | 'line'>;

/** The finding as one line of text. */
export function describeFinding({ severity, file, line, object, field, reason }: Finding): string {
  const where = file === '' ? '' : line === 0 ? `${file}: ` : `${file}:${line}: `;
  const subject = [object, field].filter((part) => part !== '').join(' ');
  return `${where}${severity}: ${subject === '' ? '' : `${subject}: `}${reason}`;
}
