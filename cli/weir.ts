#!/usr/bin/env node
// `weir`: the command line of controller, proxy, both in one process, and the tools around them.
import { Mistake } from '#lib/flags.ts';
import { nearest } from '#lib/nearest.ts';
import { ignoreUserSignals } from '#lib/signals.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { HERE, loadAll } from './commands.ts';
import { asksForHelp, helpOf, overview } from './help.ts';

/** Spellings of `weir help` and `weir version`. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
  ['-V', 'version'],
]);

async function main([first = 'help', ...rest]: readonly string[]): Promise<number> {
  const name = ALIASES.get(first) ?? first;
  if (name === 'help') return help(rest);
  const command = await commandOf(name);
  if (!asksForHelp(rest)) return command.run(rest, loadAll);
  console.log(helpOf(command));
  return 0;
}

/** `weir help`, or `weir help COMMAND`. */
async function help([name]: readonly string[]): Promise<number> {
  const isCommand = name !== undefined && !name.startsWith('-');
  console.log(isCommand ? helpOf(await commandOf(name)) : overview(await loadAll()));
  return 0;
}

function commandOf(name: string): Promise<Command> {
  const load = HERE.get(name);
  if (load !== undefined) return load();
  const names = [...HERE.keys()];
  const meant = nearest(name, names);
  const hint = meant === null ? '; the commands are: ' : `; did you mean ${meant}? The commands are: `;
  throw new UsageError(`no command ${JSON.stringify(name)}${hint}${names.join(', ')}`);
}

/** The message for an error that the user can fix; null for a bug. */
function mistakeIn(error: unknown): string | null {
  if (error instanceof UsageError || error instanceof Mistake) return error.message;
  return isSystemError(error) ? describeSystemError(error) : null;
}

/** `weir explain ... | head` closes the pipe early, and a terminal may close: the rest of the output is then dropped. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

ignoreUserSignals();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const mistake = mistakeIn(error);
  if (mistake === null) throw error;
  console.error(`weir: ${mistake}`);
  // A server may still listen, which keeps the process alive.
  process.exit(2);
}
