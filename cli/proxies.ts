// `weir proxies drain|log-level|tail`: commands to proxies of the fleet by their names, as `weir status` shows them.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { CommandAnswer } from '../controller/operations/fleet.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import type { OperationCall } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { printTail } from './operations/tail.ts';

const FLAGS = operationFlags({}, [
  {
    title: 'Tail',
    flags: {
      filter: { default: '', value: 'RULES', text: 'only lines that meet a rule, as --access-log-filter', see: 'access-log.md#filter' },
      duration: { default: '1m', value: 'TIME', text: 'end after this time; at most 10m' },
      rate: { default: '100', value: 'COUNT', text: 'the most lines per second of a proxy, up to 1000; further lines are counted' },
      worker: { default: '', value: 'NUMBER', text: 'only this worker, from 0; by default all' },
    },
  },
]);

export const proxies: Command = {
  name: 'proxies',
  arguments: 'drain|log-level|tail [LEVEL] [PROXY...]',
  summary:
    'Drains the named proxies, sets their log level, or prints lines of their access log as they come; the last two for all proxies without names. weir status shows the names. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [action, ...names] = values.positionals;
    if (action === 'tail') return printTail(await connectionOf(values), values, names);
    const call = callOf(values.positionals);
    const answer = await callOperation<CommandAnswer>(await connectionOf(values), call);
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
    throw new UsageError('weir proxies takes drain PROXY..., log-level LEVEL [PROXY...], or tail [PROXY...]');
  return { method: 'PUT', path: '/proxies/log-level', body: { level, ...(names.length === 0 ? {} : { proxies: names }) } };
}
