// What a file that cannot be read holds instead of YAML: one cause in place of the many errors that follow from it.
import type { YAMLParseError } from 'yaml';

/** A cause, and the line that shows it. */
export interface FileFault {
  /** 1-based. */
  readonly line: number;
  readonly reason: string;
}

/** Patterns of text that somebody else has to work on first, and what that is. */
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

/** The cause why a text has errors; null where the errors are all there is to say. */
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

/** By code of the parser. Others have a message that needs no help. */
const REASONS: ReadonlyMap<string, (text: string) => string> = new Map<string, (text: string) => string>([
  ['DUPLICATE_KEY', (text) => `the key ${keyIn(text)} stands twice in one map; keep one of them`],
  ['TAB_AS_INDENT', () => 'a tab indents the line; YAML wants spaces'],
  ['BLOCK_AS_IMPLICIT_KEY', () => 'a value holds ": ", which begins a map; put the value in quotes'],
  ['BAD_INDENT', () => 'the line is indented differently from its siblings'],
]);

/** What is wrong with YAML, in words that say what to do. */
export function describeYamlError({ code, message, pos }: YAMLParseError, text: string): string {
  return REASONS.get(code)?.(text.slice(pos[0])) ?? firstLine(message);
}

function keyIn(text: string): string {
  return /^["']?[^"':\n]+/.exec(text)?.[0].replace(/^["']/, '').trim() ?? '';
}

/** What keeps a value from being resolved. */
export function describeAliasError(message: string): string {
  const name = /^Unresolved alias .*: (.*)$/.exec(firstLine(message))?.[1];
  return name === undefined
    ? firstLine(message)
    : `*${name} is an alias of YAML for a value that is not there; a value that begins with * needs quotes: "*${name}"`;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
