// The flag `--output` of commands that print an answer: a table for people, JSON for programs.
import type { Flag, FlagGroup, Flags, FlagValues } from '#lib/flags.ts';
import { CONNECTION_FLAGS } from './connection.ts';

const OUTPUTS = ['table', 'json'] as const;

const OUTPUT_FLAG: Flag = { default: 'table', value: 'table|json', text: 'form of the output', short: 'o', words: OUTPUTS };

/** The flags of a command that asks a controller: its own, the output, further groups, and the connection. */
export function operationFlags(own: Flags = {}, groups: readonly FlagGroup[] = []): readonly FlagGroup[] {
  return [{ title: '', flags: { ...own, output: OUTPUT_FLAG } }, ...groups, { title: 'Connection', flags: CONNECTION_FLAGS }];
}

/** Prints an answer as the flag says. */
export function printAnswer(values: FlagValues, answer: object, table: () => string): void {
  console.log(values.word('output', OUTPUTS) === 'json' ? JSON.stringify(answer, null, 2) : table());
}
