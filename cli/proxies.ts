// `weir proxies drain|log-level`: commands to proxies of the fleet by their names, as `weir status` shows them.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import type { CommandAnswer } from '../controller/operations/fleet.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import type { OperationCall } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { CONNECTION_FLAGS, connectionOf } from './operations/connection.ts';
import { OUTPUT_FLAG, printAnswer } from './operations/output.ts';

const FLAGS: readonly FlagGroup[] = [
  { title: '', flags: { output: OUTPUT_FLAG } },
  { title: 'Connection', flags: CONNECTION_FLAGS },
];

export const proxies: Command = {
  name: 'proxies',
  arguments: 'drain|log-level [LEVEL] [PROXY...]',
  summary:
    'Drains the named proxies, or sets the log level of the named proxies, by default of all. weir status shows the names. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const answer = await callOperation<CommandAnswer>(await connectionOf(values), callOf(values.positionals));
    printAnswer(values, answer, () => commandText(answer));
    return commandCode(answer);
  },
};

function callOf([action, ...rest]: readonly string[]): OperationCall {
  if (action === 'drain') {
    if (rest.length === 0) throw new UsageError('weir proxies drain takes names of proxies');
    return { method: 'POST', path: '/proxies/drain', body: { proxies: rest } };
  }
  const [level, ...names] = rest;
  if (action !== 'log-level' || level === undefined)
    throw new UsageError('weir proxies takes drain PROXY..., or log-level LEVEL [PROXY...]');
  return { method: 'PUT', path: '/proxies/log-level', body: { level, ...(names.length === 0 ? {} : { proxies: names }) } };
}
