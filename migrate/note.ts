// What `weir migrate` says about a field that does not come over as it was.

/**
 * `left out`: the output lacks something that the input has. `differs`: the output does nearly the same, and the reason says where it
 * does not. `not needed`: Weir does it anyway, or the setting has no meaning for it.
 */
export type NoteLevel = 'left out' | 'differs' | 'not needed';

/** One remark about one field of one object. */
export interface Note {
  readonly level: NoteLevel;
  readonly file: string;
  /** 1-based; 0 where there is none. */
  readonly line: number;
  /** `Kind/namespace/name`, or ''. */
  readonly object: string;
  /** Path of the field; '' for the whole object. */
  readonly field: string;
  readonly reason: string;
  /** The next step of the user; may be ''. */
  readonly advice: string;
}

/** The note as one line of text. */
export function describeNote({ level, file, line, object, field, reason, advice }: Note): string {
  const place = line === 0 ? file : `${file}:${line}`;
  const subject = [object, field].filter((word) => word !== '').join(' ');
  const sentence = `${reason}${advice === '' ? '' : `; ${advice}`}`;
  return `${place}: ${level}: ${subject === '' ? '' : `${subject}: `}${sentence}`;
}
