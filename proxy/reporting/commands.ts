// The commands of controllers: each is answered before its deadline, and a proxy runs a limited number at once.
import type { Action, CommandMessage, Outcome, OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { MAX_COMMANDS, MAX_REASON } from '#api/wire/telemetry-limits.ts';
import { setLogLevel } from '#lib/component-log.ts';
import { ok, type Result } from '#lib/result.ts';
import type { Log } from '#lib/log.ts';

/** What a running command may use. */
export interface Running {
  /** Sends a part of the result. Resolves when it has left. */
  readonly chunk: (data: Buffer) => Promise<void>;
  /** The deadline has passed, the controller needs no more, or the stream has ended. */
  readonly signal: AbortSignal;
}

/** Runs a command. A text is a note about the result, an error a refusal with its reason. Rejects if the command failed. */
export type Run<A extends Action> = (action: A, running: Running) => Promise<Result<string | undefined>> | Result<string | undefined>;

/** The commands that a proxy knows. */
export type CommandTable = { readonly [Name in Action['action']]?: Run<Extract<Action, { action: Name }>> };

/** Takes the overrides of a controller. `complete`: others end. */
export type SetOverrides = (overrides: readonly OverrideMessage[], complete: boolean) => void;

/** The end of a command. */
export interface Ended {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** The least time for a command, milliseconds. */
const LEAST_MS = 100;

export class Commands {
  readonly #table: CommandTable;
  readonly #log: Log;
  readonly #setOverrides: SetOverrides;
  #running = 0;

  constructor(table: CommandTable, log: Log, setOverrides: SetOverrides = () => undefined) {
    this.#table = table;
    this.#log = log;
    this.#setOverrides = setOverrides;
  }

  /** The names of the commands, for the Hello. */
  get names(): readonly string[] {
    return Object.keys(this.#table);
  }

  /** Sets overrides. `complete`: others end. */
  override(overrides: readonly OverrideMessage[], complete: boolean): void {
    this.#setOverrides(overrides, complete);
  }

  /** Runs a command to its end. Never rejects. */
  async run(command: CommandMessage, { chunk, signal }: Running): Promise<Ended> {
    if (command.action === undefined || this.#table[command.action] === undefined)
      return refused(`this proxy does not know the command; it knows ${this.names.join(', ')}`);
    if (this.#running >= MAX_COMMANDS) return refused(`this proxy runs ${MAX_COMMANDS} commands already`);
    this.#running++;
    const deadline = AbortSignal.timeout(Math.max(LEAST_MS, command.deadlineMs));
    const late = Promise.withResolvers<Ended>();
    deadline.addEventListener('abort', () => late.resolve({ outcome: 'timedOut', reason: `not done within ${command.deadlineMs} ms` }));
    try {
      this.#log.info({ command: command.action }, 'an operator sends a command');
      return await Promise.race([this.#perform(command, { chunk, signal: AbortSignal.any([signal, deadline]) }), late.promise]);
    } finally {
      this.#running--;
    }
  }

  async #perform(action: Action, running: Running): Promise<Ended> {
    try {
      const run = this.#table[action.action] as Run<Action>;
      const result = await run(action, running);
      return result.ok ? { outcome: 'done', reason: shortened(result.value ?? '') } : refused(result.error);
    } catch (error) {
      this.#log.warn({ err: error, command: action.action }, 'a command failed');
      return { outcome: 'failed', reason: shortened(error instanceof Error ? error.message : String(error)) };
    }
  }
}

function refused(reason: string): Ended {
  return { outcome: 'refused', reason: shortened(reason) };
}

function shortened(reason: string): string {
  return reason.slice(0, MAX_REASON);
}

/** Commands that need only the process of the supervisor. */
export function ownCommands(log: Log, drain: () => void): CommandTable {
  return {
    drain: () => {
      drain();
      return ok(undefined);
    },
    logLevel: ({ logLevel: { level } }) => setLogLevel(log, level, ''),
    componentLogLevel: ({ componentLogLevel: { component, level } }) => setLogLevel(log, level, component),
  };
}
