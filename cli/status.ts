// `weir status`: what the fleet serves, how each proxy sees it, and the problems, the worst first.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FleetStatus } from '../controller/telemetry/status.ts';
import type { Command } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { statusText } from './operations/status-text.ts';

const FLAGS = operationFlags({
  all: { default: 'false', value: '', text: 'print every row; by default each table has the first 20' },
});

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
