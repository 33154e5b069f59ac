// What a subcommand of `weir` is.

/** One subcommand. `run` returns the exit code, or never where it serves until a signal. */
export interface Command {
  readonly name: string;
  /** Arguments and options as the help shows them. */
  readonly usage: string;
  /** One sentence. */
  readonly summary: string;
  run(args: readonly string[]): Promise<number>;
}

/** A mistake on the command line: the message is all the user needs. */
export class UsageError extends Error {}
