// `weir controllers profile|heap-snapshot`: files about the process of a controller.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { connectionOf } from './operations/connection.ts';
import { saveAnswer } from './operations/file.ts';
import { operationFlags } from './operations/output.ts';

/** The longest time until a file is complete, milliseconds. */
const FILE_MS = 6 * 60_000;

const FLAGS = operationFlags({
  file: { default: '', value: 'FILE', text: 'the new file, .cpuprofile or .heapsnapshot' },
  duration: { default: '', value: 'TIME', text: 'profile: 10s by default, at most 1m' },
});

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  profile: (values) => {
    const duration = values.text('duration');
    return save(values, 'profile', duration === '' ? {} : { duration });
  },
  'heap-snapshot': (values) => save(values, 'heap-snapshot', {}),
};

export const controllers: Command = {
  name: 'controllers',
  arguments: 'profile|heap-snapshot',
  summary:
    'Writes a CPU profile or a heap snapshot of the controller that answers. A heap snapshot stops the controller for seconds and may double its memory.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('controllers', ACTIONS, values.positionals);
    if (rest.length > 0) throw new UsageError('weir controllers takes no names: it asks the controller of --controller or --namespace');
    return run(values, rest);
  },
};

async function save(values: FlagValues, name: string, body: object): Promise<number> {
  const call = { method: 'POST', path: `/controller/${name}`, body } as const;
  await saveAnswer(await connectionOf(values), call, { file: values.text('file'), timeout: FILE_MS });
  return 0;
}
