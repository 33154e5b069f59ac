// The type of a subcommand of `weir`.
import type { FlagGroup } from '#lib/flags.ts';

/** A subcommand of `weir`. */
export interface Command {
  readonly name: string;
  /** The arguments as the help shows them: `DIR`, `FILES...`; '' for none. */
  readonly arguments: string;
  /** One sentence or two. */
  readonly summary: string;
  /** Every flag. The parser, the help, the completions and the reference use this table. */
  readonly flags: readonly FlagGroup[];
  /** Whether the command reads missing flags from environment variables. */
  readonly readsEnvironment: boolean;
  /** Returns the exit code; a command that serves returns after a signal. `all` loads every command. */
  run(args: readonly string[], all: () => Promise<readonly Command[]>): Promise<number>;
}

/** A mistake on the command line. The user sees the message without a stack trace. */
export class UsageError extends Error {}
