// Detects content other than YAML in an unreadable file, and reports this cause instead of the many errors that follow from it.
import type { YAMLParseError } from 'yaml';

/** A cause, and its line. */
export interface FileFault {
  /** 1-based. */
  readonly line: number;
  readonly reason: string;
}

/** Patterns of templates, which another program must render first, and its name. */
const UNFINISHED: readonly (readonly [RegExp, string])[] = [
  [/^(?:<{7} |={7}$|>{7} )/m, 'holds a merge conflict of git; resolve it first'],
  [
    /\{\{[^\n]*\}\}/,
    'holds a Helm template ({{ }}), which is no YAML until it is rendered: run `helm template CHART > rendered.yaml` and use that',
  ],
  [
    /\$\{[A-Za-z_]\w*[^\n}]*\}/,
    'holds a placeholder (${ }), which is no YAML until it is replaced: run `envsubst < FILE > rendered.yaml` and use that',
  ],
];

/** The common cause of the errors of a text; null if there is none. */
export function faultOfText(text: string): FileFault | null {
  for (const [pattern, reason] of UNFINISHED) {
    const found = pattern.exec(text);
    if (found !== null) return { line: lineAt(text, found.index), reason };
  }
  const comment = /^\s*[[{]/.test(text) ? commentInJson(text) : null;
  return comment === null
    ? null
    : { line: lineAt(text, comment), reason: 'holds a comment, which JSON does not have; remove it, or write YAML' };
}

/** The offset of the first comment outside of strings. */
function commentInJson(text: string): number | null {
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[^])*"|\/\/|\/\*/g)) if (!token.startsWith('"')) return index;
  return null;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Clearer messages by error code of the parser; other codes keep the parser's message. */
const REASONS: ReadonlyMap<string, (text: string) => string> = new Map<string, (text: string) => string>([
  ['DUPLICATE_KEY', (text) => `the key ${keyIn(text)} stands twice in one map; keep one of them`],
  ['TAB_AS_INDENT', () => 'a tab indents the line; YAML wants spaces'],
  ['BLOCK_AS_IMPLICIT_KEY', () => 'a value holds ": ", which begins a map; put the value in quotes'],
]);

/** A message with the remedy for an error of the YAML parser. */
export function describeYamlError({ code, message, pos }: YAMLParseError, text: string): string {
  if (message.includes('must start at the same column')) return 'the line is indented differently from its siblings';
  return REASONS.get(code)?.(text.slice(pos[0])) ?? firstLine(message);
}

function keyIn(text: string): string {
  return /^["']?[^"':\n]+/.exec(text)?.[0].replace(/^["']/, '').trim() ?? '';
}

/** A message for an alias that cannot be resolved. */
export function describeAliasError(message: string): string {
  const name = /^Unresolved alias .*: (.*)$/.exec(firstLine(message))?.[1];
  return name === undefined
    ? firstLine(message)
    : `*${name} is an alias of YAML for a value that is not there; a value that begins with * needs quotes: "*${name}"`;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
