// Commands that put something into a state at all proxies, until `auto` ends that.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { CommandAnswer } from '../../controller/operations/fleet.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../command.ts';
import { callOperation } from './client.ts';
import { commandCode, commandText } from './command-text.ts';
import { connectionOf } from './connection.ts';
import { operationFlags, printAnswer } from './output.ts';

const FLAGS = operationFlags();

/** A command `weir NAME STATE OBJECT`; its operation is `PUT /NAME`. */
export interface OverrideKind {
  readonly name: string;
  readonly states: readonly string[];
  /** The object as the help shows it, and its field in the body. */
  readonly object: string;
  readonly field: string;
  readonly summary: string;
}

/** The command. It ends with 1 if a proxy did not follow. */
export function overrideCommand({ name, states, object, field, summary }: OverrideKind): Command {
  return {
    name,
    arguments: `${states.join('|')} ${object}`,
    summary,
    flags: FLAGS,
    readsEnvironment: false,
    async run(args) {
      const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
      const [state = '', target, ...rest] = values.positionals;
      if (!states.includes(state) || target === undefined || rest.length > 0)
        throw new UsageError(`weir ${name} takes one of ${states.join(', ')}, and one ${object}`);
      const body = { [field]: target, state };
      const answer = await callOperation<CommandAnswer>(await connectionOf(values), { method: 'PUT', path: `/${name}`, body });
      printAnswer(values, answer, () => commandText(answer));
      return commandCode(answer);
    },
  };
}
