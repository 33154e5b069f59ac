// `weir block add|remove|list`: requests that operators block at all proxies, and the blocks of threat detection.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { formatDuration } from '#lib/duration.ts';
import type { ShownBlock, ShownBlocks } from '../controller/operations/blocks.ts';
import type { CommandAnswer } from '../controller/operations/fleet.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  reason: { default: '', value: 'TEXT', text: 'add: why, for list and the security log' },
  ttl: { default: '0', value: 'TIME', text: 'add: the block ends after this time; 0 is never' },
});

export const block: Command = {
  name: 'block',
  arguments: 'add|remove|list [SOURCE]',
  summary:
    'Blocks the requests of a source at all proxies, ends blocks (also those of threat detection), or lists them. SOURCE is an address, a range like 10.0.0.0/8, principal:ID or consumer:NAMESPACE/NAME. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('block', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

type Action = (values: FlagValues, sources: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { add, remove, list };

function add(values: FlagValues, sources: readonly string[]): Promise<number> {
  const ttl = values.time('ttl');
  const body = { source: onlySource('add', sources), reason: values.text('reason'), ...(ttl === 0 ? {} : { ttl: formatDuration(ttl) }) };
  return change(values, 'PUT', body);
}

function remove(values: FlagValues, sources: readonly string[]): Promise<number> {
  return change(values, 'DELETE', { source: onlySource('remove', sources) });
}

async function change(values: FlagValues, method: 'PUT' | 'DELETE', body: object): Promise<number> {
  const answer = await callOperation<CommandAnswer>(await connectionOf(values), { method, path: '/blocks', body });
  printAnswer(values, answer, () => commandText(answer));
  return commandCode(answer);
}

async function list(values: FlagValues, sources: readonly string[]): Promise<number> {
  if (sources.length > 0) throw new UsageError('weir block list takes no arguments');
  const answer = await callOperation<ShownBlocks>(await connectionOf(values), { method: 'GET', path: '/blocks' });
  for (const note of answer.notes) console.error(`weir: ${note}`);
  printAnswer(values, answer, () => (answer.blocks.length === 0 ? 'nothing is blocked' : tableOf(COLUMNS, answer.blocks.map(rowOf))));
  return 0;
}

const COLUMNS = ['source', 'by', 'reason', 'score', 'expires', 'policy', 'origin', 'proxies'];

function rowOf({ source, by, reason, score, expires, policy, origin, proxies }: ShownBlock): readonly string[] {
  const end = expires === null ? '' : expires.replace(/\.\d+Z$/, 'Z');
  return [
    source,
    by,
    reason,
    score === null ? '' : String(Math.round(score)),
    end,
    policy,
    origin,
    proxies.length === 0 ? 'all' : proxies.join(','),
  ];
}

function onlySource(action: string, [source, ...rest]: readonly string[]): string {
  if (source === undefined || rest.length > 0) throw new UsageError(`weir block ${action} takes one SOURCE`);
  return source;
}
