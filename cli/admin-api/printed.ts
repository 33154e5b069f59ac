// Answers of the admin API on a terminal: tables, JSON and YAML, in which no text of a server controls the terminal.
import { stringify } from 'yaml';
import type { Flag, FlagValues } from '#lib/flags.ts';

const FORMS = ['table', 'json', 'yaml'] as const;

/** The flag `--output`. */
export const FORM_FLAG: Flag = { default: 'table', value: 'table|json|yaml', text: 'form of the output', short: 'o', words: FORMS };

/** Prints a value in the form that the flag names. */
export function print(values: FlagValues, value: unknown, table: () => string): void {
  console.log(formOf(values, value, table));
}

function formOf(values: FlagValues, value: unknown, table: () => string): string {
  const form = values.word('output', FORMS);
  if (form === 'json') return safeJson(value);
  return form === 'yaml' ? safeYaml(value) : table();
}

/** Characters that terminals or editors obey, besides those that JSON and YAML need. */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function escapeOf(text: string): string {
  return [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}

/** JSON of the same value, in which controls are escapes. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(CONTROLS, (text) => (text === '\n' ? text : escapeOf(text)));
}

/** YAML of the same value, in which controls are escapes: then all texts are in double quotes, which have escapes. */
export function safeYaml(value: unknown): string {
  const text = stringify(value, { lineWidth: 0 }).trimEnd();
  if (!hasControls(text)) return text;
  const options = {
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'QUOTE_DOUBLE',
    doubleQuotedMinMultiLineLength: 1e9,
  } as const;
  return stringify(value, options)
    .trimEnd()
    .replaceAll(CONTROLS, (each) => (each === '\n' ? each : escapeOf(each)));
}

function hasControls(text: string): boolean {
  return text.replaceAll('\n', '').search(CONTROLS) >= 0;
}
