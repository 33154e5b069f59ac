// The format of access log lines, as flags and GatewayParameters write it: JSON with selected fields, or a text template.
import { didYouMean } from '#lib/nearest.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { CREDENTIAL_HEADERS, DEFAULT_FIELDS, LOG_FIELDS, logField, REQUEST_HEADER, RESPONSE_HEADER } from './fields.ts';

/** A part of a template: literal text, or a field. */
export type TemplatePart = { readonly literal: string } | { readonly field: string };

/** The parts of a line. */
export type LogFormat =
  { readonly kind: 'json'; readonly fields: readonly string[] } | { readonly kind: 'text'; readonly parts: readonly TemplatePart[] };

/** The most fields of a line. */
const MAX_FIELDS = 72;
/** The maximum length of all field names together, in characters. */
const MAX_NAMES = 2_048;
const TOO_MANY = `a line has at most ${MAX_FIELDS} fields`;
/** The most characters of a template. */
const MAX_TEMPLATE = 1_024;

const COMMON = '%{client} - - [%{commonTime}] "%{method} %{path} %{httpVersion}" %{status} %{responseBytes}';
/** The templates of the named formats. */
export const NAMED_TEMPLATES: Readonly<Record<string, string>> = {
  common: COMMON,
  combined: `${COMMON} "%{referer}" "%{userAgent}"`,
};

export const DEFAULT_FORMAT: LogFormat = Object.freeze({ kind: 'json', fields: DEFAULT_FIELDS });

/**
 * Parses a format: `json`, `common`, `combined`, or a template with `%{field}`. `fields` lists names for JSON lines; '' means the default
 * fields. Plain names replace the default fields; names with + or - in front add or remove fields.
 */
export function parseFormat(format: string, fields: string): Result<LogFormat> {
  if (format === 'json') return parseFields(fields);
  if (fields !== '') return err('fields need the format json; a template contains its own fields');
  const template = NAMED_TEMPLATES[format] ?? format;
  return template.includes('%{') ? parseTemplate(template) : err(formatProblem(format));
}

function formatProblem(format: string): string {
  const known = ['json', ...Object.keys(NAMED_TEMPLATES)];
  return `${JSON.stringify(format)} is neither json, common, combined nor a template with %{field}${didYouMean(format, known)}`;
}

function parseFields(list: string): Result<LogFormat> {
  if (list.trim() === '') return ok(DEFAULT_FORMAT);
  const entries = list.split(',').map((entry) => entry.trim());
  const relative = entries.filter((entry) => /^[+-]/.test(entry)).length;
  if (relative > 0 && relative < entries.length)
    return err('put + or - in front of all names, which changes the default fields, or of none, which replaces them');
  const chosen = new Set(relative > 0 ? DEFAULT_FIELDS : []);
  for (const entry of entries) {
    const name = fieldName(entry.replace(/^[+-]/, ''));
    if (!name.ok) return name;
    if (entry.startsWith('-')) chosen.delete(name.value);
    else chosen.add(name.value);
  }
  if (chosen.size === 0) return err('the list removes every field; keep at least one');
  if (chosen.size > MAX_FIELDS) return err(TOO_MANY);
  return withNames(inOrder([...chosen]));
}

/** Limits the names, since long names leave no room for values. */
function withNames(fields: readonly string[]): Result<LogFormat> {
  if (fields.join('').length > MAX_NAMES) return err(`the names of the fields have more than ${MAX_NAMES} characters in total`);
  return ok({ kind: 'json', fields });
}

/** Sorts names in the order of LOG_FIELDS; headers come last, in the order of the setting. */
function inOrder(names: readonly string[]): readonly string[] {
  const listed = LOG_FIELDS.map(({ name }) => name).filter((name) => names.includes(name));
  return [...listed, ...names.filter((name) => logField(name) === undefined)];
}

/** `%{field}` is a field, `%%` a percent sign. */
function parseTemplate(template: string): Result<LogFormat> {
  if (template.length > MAX_TEMPLATE) return err(`a template has at most ${MAX_TEMPLATE} characters`);
  // A line break would let a client forge a line.
  if (/\p{Cc}/u.test(template)) return err('a template must not contain control characters or line breaks');
  const parts: TemplatePart[] = [];
  for (const [piece] of template.matchAll(/%\{[^}]*\}|%%|%|[^%]+/g)) {
    if (piece === '%') return err('a % must begin %{field}; write %% for a percent sign');
    if (!piece.startsWith('%{')) {
      parts.push({ literal: piece === '%%' ? '%' : piece });
      continue;
    }
    const name = fieldName(piece.slice(2, -1));
    if (!name.ok) return name;
    parts.push({ field: name.value });
  }
  const count = parts.filter((part) => 'field' in part).length;
  return count > MAX_FIELDS ? err(TOO_MANY) : ok({ kind: 'text', parts });
}

function fieldName(name: string): Result<string> {
  if (logField(name) !== undefined) return ok(name);
  for (const prefix of [REQUEST_HEADER, RESPONSE_HEADER])
    if (name.startsWith(prefix)) return headerField(prefix, name.slice(prefix.length));
  const known = [...LOG_FIELDS.map((field) => field.name), REQUEST_HEADER, RESPONSE_HEADER];
  return err(`${JSON.stringify(name)} is not a field of the access log${didYouMean(name, known)}`);
}

function headerField(prefix: string, header: string): Result<string> {
  const name = header.toLowerCase();
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name))
    return err(`${JSON.stringify(prefix + header)} does not end with the name of a header`);
  if (CREDENTIAL_HEADERS.includes(name))
    return err(`${prefix}${name} is refused: the header contains credentials, which a log must not contain`);
  return ok(prefix + name);
}
