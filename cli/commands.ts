// The subcommands there are. Loaded on demand: `weir explain` need not load a gRPC stack. An image holds only those it is for.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from './command.ts';

type Load = () => Promise<Command>;

const COMMANDS: Readonly<Record<string, Load>> = {
  up: async () => (await import('./up.ts')).up,
  controller: async () => (await import('./controller.ts')).controller,
  proxy: async () => (await import('./proxy.ts')).proxy,
  validate: async () => (await import('./validate.ts')).validate,
  explain: async () => (await import('./explain.ts')).explain,
  migrate: async () => (await import('./migrate.ts')).migrate,
  probe: async () => (await import('./probe.ts')).probe,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./version.ts')).version,
};

/** Those of this installation, by name. */
export const HERE: ReadonlyMap<string, Load> = new Map(
  Object.entries(COMMANDS).filter(([name]) => existsSync(path.join(import.meta.dirname, `${name}.ts`))),
);

/** All of them, in the order of the help. */
export function loadAll(): Promise<readonly Command[]> {
  return Promise.all([...HERE.values()].map((load) => load()));
}
