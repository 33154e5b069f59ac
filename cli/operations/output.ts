// The flag `--output` of commands that print an answer: a table for people, JSON for programs.
import type { Flag, FlagValues } from '#lib/flags.ts';

const OUTPUTS = ['table', 'json'] as const;

export const OUTPUT_FLAG: Flag = { default: 'table', value: 'table|json', text: 'form of the output', short: 'o', words: OUTPUTS };

/** Prints an answer as the flag says. */
export function printAnswer(values: FlagValues, answer: object, table: () => string): void {
  console.log(values.word('output', OUTPUTS) === 'json' ? JSON.stringify(answer, null, 2) : table());
}
