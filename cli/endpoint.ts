// `weir endpoint out|in|auto ADDRESS:PORT`: takes an endpoint out of use or into use at all proxies, until it is withdrawn.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import type { CommandAnswer } from '../controller/operations/fleet.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { CONNECTION_FLAGS, connectionOf } from './operations/connection.ts';
import { OUTPUT_FLAG, printAnswer } from './operations/output.ts';

const FLAGS: readonly FlagGroup[] = [
  { title: '', flags: { output: OUTPUT_FLAG } },
  { title: 'Connection', flags: CONNECTION_FLAGS },
];
const STATES = ['out', 'in', 'auto'];

export const endpoint: Command = {
  name: 'endpoint',
  arguments: 'out|in|auto ADDRESS:PORT',
  summary:
    'Takes an endpoint out of use, or into use whatever its health, at all proxies and for all backends; auto ends that. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [state = '', address, ...rest] = values.positionals;
    if (!STATES.includes(state) || address === undefined || rest.length > 0)
      throw new UsageError('weir endpoint takes one of out, in, auto, and one ADDRESS:PORT');
    const body = { endpoint: address, state };
    const answer = await callOperation<CommandAnswer>(await connectionOf(values), { method: 'PUT', path: '/endpoint', body });
    printAnswer(values, answer, () => commandText(answer));
    return commandCode(answer);
  },
};
