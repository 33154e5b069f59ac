// `weir status`: what the fleet serves, how each proxy sees it, and the problems, the worst first.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import type { FleetStatus } from '../controller/telemetry/status.ts';
import type { Command } from './command.ts';
import { callOperation } from './operations/client.ts';
import { CONNECTION_FLAGS, connectionOf } from './operations/connection.ts';
import { OUTPUT_FLAG, printAnswer } from './operations/output.ts';
import { statusText } from './operations/status-text.ts';

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      all: { default: 'false', value: '', text: 'print every row; by default each table has the first 20' },
      output: OUTPUT_FLAG,
    },
  },
  { title: 'Connection', flags: CONNECTION_FLAGS },
];

export const status: Command = {
  name: 'status',
  arguments: '',
  summary:
    'Shows problems, proxies, listeners, backends with their endpoints, routes and overrides, as all proxies see them. Ends with 1 if a problem is critical.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {});
    const answer = await callOperation<FleetStatus>(await connectionOf(values), { method: 'GET', path: '/status' });
    printAnswer(values, answer, () => statusText(answer, values.isOn('all')));
    return answer.problems.some(({ severity }) => severity === 'critical') ? 1 : 0;
  },
};
