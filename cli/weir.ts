#!/usr/bin/env node
// `weir`: the command line of controller, proxy, both in one process, and the tools around them.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

/** Loaded on demand: `weir explain` need not load a gRPC stack. An image holds only those it is for. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).up,
  controller: async () => (await import('./controller.ts')).controller,
  proxy: async () => (await import('./proxy.ts')).proxy,
  validate: async () => (await import('./validate.ts')).validate,
  explain: async () => (await import('./explain.ts')).explain,
  probe: async () => (await import('./probe.ts')).probe,
};

/** Those of this installation. */
const HERE = Object.entries(COMMANDS).filter(([name]) => existsSync(path.join(import.meta.dirname, `${name}.ts`)));

async function help(): Promise<number> {
  console.log('Weir, a Kubernetes-native API gateway\n\nusage: weir COMMAND\n');
  for (const [, load] of HERE) {
    const command = await load();
    console.log(`  weir ${command.name} ${command.usage}\n      ${command.summary}`);
  }
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  const name = args[0] ?? 'help';
  if (['help', '--help', '-h'].includes(name)) return help();
  const [, load] = HERE.find(([command]) => command === name) ?? [];
  if (load === undefined) {
    throw new UsageError(`no command ${JSON.stringify(name)}; there are: ${HERE.map(([command]) => command).join(', ')}`);
  }
  return (await load()).run(args.slice(1));
}

/** node:util's parseArgs throws TypeErrors with these codes for what is the user's mistake. */
function isUsageError(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    (error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS'))
  );
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!isUsageError(error)) throw error;
  console.error(`weir: ${error.message}`);
  process.exitCode = 2;
}
