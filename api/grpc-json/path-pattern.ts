// Path templates of `google.api.http` (google/api/http.proto): `/v1/{name=shelves/*/books/*}:publish`.
import { err, ok, type Result } from '#lib/result.ts';

/** A part of a path: a literal, any one segment, or all segments that are left. */
export type PathPart = { readonly literal: string } | '*' | '**';

/** A field that gets some of the segments. */
export interface PathVariable {
  /** `shelf.name`. */
  readonly field: string;
  /** Its first part, and the part behind its last one. */
  readonly start: number;
  readonly end: number;
}

export interface PathPattern {
  readonly parts: readonly PathPart[];
  readonly variables: readonly PathVariable[];
  /** Behind the last colon; '' without one. */
  readonly verb: string;
}

const MAX_LENGTH = 1_024;
const LITERAL = /^[A-Za-z0-9._~!$&'()*+,;=@%-]+$/;
const VERB = /^[A-Za-z0-9._~-]+$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
/** A variable, or a segment without one. */
const PIECE = /\/(?:\{([^{}=]*)(?:=([^{}]*))?\}|([^/{}]*))/y;

/** Reads a template. The error completes the sentence "the path ...". */
export function readPathPattern(template: string): Result<PathPattern> {
  if (template.length > MAX_LENGTH) return err(`has more than ${MAX_LENGTH} characters`);
  const { path, verb } = splitVerb(template);
  if (verb !== '' && !VERB.test(verb)) return err(`has the invalid verb ${JSON.stringify(verb)}`);
  const parts: PathPart[] = [];
  const variables: PathVariable[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < path.length) {
    const found = PIECE.exec(path);
    if (found === null) return err('must be segments with a "/" before each');
    const [, field, inner, segment] = found;
    const start = parts.length;
    const invalid = addParts(parts, segment ?? inner ?? '*');
    if (invalid !== null) return err(`has the invalid segment ${JSON.stringify(invalid)}`);
    if (field !== undefined) variables.push({ field, start, end: parts.length });
  }
  return checked({ parts, variables, verb });
}

/** Adds the parts of some segments; an invalid one, or null. */
function addParts(parts: PathPart[], segments: string): string | null {
  for (const segment of segments.split('/')) {
    const part = partOf(segment);
    if (part === null) return segment;
    parts.push(part);
  }
  return null;
}

/** The verb is behind the last colon after the last segment and the last variable. */
function splitVerb(template: string): { readonly path: string; readonly verb: string } {
  const colon = template.lastIndexOf(':');
  if (colon < Math.max(template.lastIndexOf('/'), template.lastIndexOf('}'))) return { path: template, verb: '' };
  return { path: template.slice(0, colon), verb: template.slice(colon + 1) };
}

function partOf(segment: string): PathPart | null {
  if (segment === '*' || segment === '**') return segment;
  return LITERAL.test(segment) && !segment.includes('*') ? { literal: segment } : null;
}

function checked(pattern: PathPattern): Result<PathPattern> {
  const { parts, variables } = pattern;
  if (parts.length === 0) return err('must begin with "/"');
  if (parts.indexOf('**') >= 0 && parts.indexOf('**') < parts.length - 1) return err('has "**" before its end');
  const invalid = variables.find(({ field }) => !FIELD.test(field));
  if (invalid !== undefined) return err(`has a variable with the invalid field ${JSON.stringify(invalid.field)}`);
  const names = variables.map(({ field }) => field);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? ok(pattern) : err(`has the field ${twice} twice`);
}

/** The text of a variable in the segments of a path; null if its encoding is invalid. The slash of one segment with others stays encoded. */
export function textOfVariable({ parts }: PathPattern, { start, end }: PathVariable, segments: readonly string[]): string | null {
  const isRest = parts[end - 1] === '**';
  const own = segments.slice(start, isRest ? undefined : end);
  const isSingle = end - start === 1 && !isRest;
  try {
    return own.map((segment) => (isSingle ? decodeURIComponent(segment) : decodeSegment(segment))).join('/');
  } catch {
    return null;
  }
}

function decodeSegment(segment: string): string {
  return segment
    .split(/%2f/i)
    .map((piece) => decodeURIComponent(piece))
    .join('%2F');
}
