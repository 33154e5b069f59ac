// What a subcommand of `weir` is.
import type { FlagGroup } from '#lib/flags.ts';

/** One subcommand. `run` returns the exit code, or never where it serves until a signal; `all` loads every command there is. */
export interface Command {
  readonly name: string;
  /** Its arguments as the help shows them: `DIR`, `FILES...`; '' for none. */
  readonly arguments: string;
  /** One sentence or two. */
  readonly summary: string;
  /** Every flag: what is parsed, and what help, completions and the reference are made of. */
  readonly flags: readonly FlagGroup[];
  /** Whether environment variables stand in for flags that are not given. */
  readonly readsEnvironment: boolean;
  run(args: readonly string[], all: () => Promise<readonly Command[]>): Promise<number>;
}

/** A mistake on the command line: the message is all the user needs. */
export class UsageError extends Error {}
