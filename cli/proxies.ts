// `weir proxies drain|log-level|tail|profile|heap-snapshot`: commands to proxies of the fleet by their names, as `weir status` shows them.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { CommandAnswer } from '../controller/operations/fleet.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import type { OperationCall } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import type { Connection } from './operations/connection.ts';
import { saveAnswer } from './operations/file.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { printTail } from './operations/tail.ts';

/** The longest time until a file is complete, milliseconds. */
const FILE_MS = 6 * 60_000;

const FLAGS = operationFlags({}, [
  {
    title: 'Log level',
    flags: {
      component: {
        default: '',
        value: 'NAME',
        text: 'log-level: only the lines of this component: subscription, telemetry, health or workers',
        see: 'proxy.md#log',
      },
    },
  },
  {
    title: 'Tail, profile and heap snapshot',
    flags: {
      filter: {
        default: '',
        value: 'RULES',
        text: 'tail: only lines that meet a rule, as --access-log-filter',
        see: 'access-log.md#filter',
      },
      rate: { default: '100', value: 'COUNT', text: 'tail: the most lines per second of a proxy, up to 1000; further lines are counted' },
      duration: { default: '', value: 'TIME', text: 'tail: 1m by default, at most 10m; profile: 10s by default, at most 1m' },
      worker: {
        default: '',
        value: 'NUMBER|supervisor',
        text: 'a worker, from 0; by default all for a tail, and 0 for a profile or snapshot, which the supervisor has too',
      },
      file: { default: '', value: 'FILE', text: 'profile, heap-snapshot: the new file, .cpuprofile or .heapsnapshot' },
    },
  },
]);

type Run = (connection: Connection, values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Run>> = {
  drain: (connection, values, names) => {
    if (names.length === 0) throw new UsageError('weir proxies drain takes names of proxies');
    return command(connection, values, { method: 'POST', path: '/proxies/drain', body: { proxies: names } });
  },
  'log-level': (connection, values, [level, ...names]) => {
    if (level === undefined) throw new UsageError('weir proxies log-level takes a level');
    const component = values.text('component');
    const body = { level, ...(component === '' ? {} : { component }), ...(names.length === 0 ? {} : { proxies: names }) };
    return command(connection, values, { method: 'PUT', path: '/proxies/log-level', body });
  },
  tail: printTail,
  profile: (connection, values, names) => {
    const duration = values.text('duration');
    return save(connection, values, { ...fileOf('profile', values, names), ...(duration === '' ? {} : { duration }) }, 'profile');
  },
  'heap-snapshot': (connection, values, names) => save(connection, values, fileOf('heap-snapshot', values, names), 'heap-snapshot'),
};

export const proxies: Command = {
  name: 'proxies',
  arguments: 'drain|log-level|tail|profile|heap-snapshot [LEVEL] [PROXY...]',
  summary:
    'Drains the named proxies, sets their log level, prints lines of their access log as they come, or writes a CPU profile or heap snapshot of one. A heap snapshot stops the worker for seconds and may double its memory. weir status shows the names. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('proxies', ACTIONS, values.positionals);
    return run(await connectionOf(values), values, rest);
  },
};

async function command(connection: Connection, values: FlagValues, call: OperationCall): Promise<number> {
  const answer = await callOperation<CommandAnswer>(connection, call);
  printAnswer(values, answer, () => commandText(answer));
  return commandCode(answer);
}

/** The input for a file of one proxy. */
function fileOf(action: string, values: FlagValues, [proxy, ...others]: readonly string[]): object {
  if (proxy === undefined || others.length > 0) throw new UsageError(`weir proxies ${action} takes the name of one proxy`);
  return { proxy, worker: values.text('worker') };
}

async function save(connection: Connection, values: FlagValues, body: object, name: string): Promise<number> {
  const call = { method: 'POST', path: `/proxies/${name}`, body } as const;
  await saveAnswer(connection, call, { file: values.text('file'), timeout: FILE_MS });
  return 0;
}
