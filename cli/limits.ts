// `weir limits list|reset`: the callers that limits of RateLimitPolicies count, over all proxies.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { CountedKey, LimitList, LimitsReset } from '../controller/telemetry/limit-book.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  top: { default: '100', value: 'N', text: 'list: the most keys, up to 1000; those that are refused come first' },
  key: { default: '', value: 'KEY', text: 'reset: one key, as list shows it' },
  all: { default: 'false', value: '', text: 'reset: every key of the limit' },
});

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, reset };

export const limits: Command = {
  name: 'limits',
  arguments: 'list|reset [LIMIT]',
  summary:
    'Lists the keys that limits of RateLimitPolicies count: those that are limited now come first, with the units that are left and the time until all are left again; or forgets what one key or all keys of a limit have taken. LIMIT is NAMESPACE/POLICY/LIMIT; list also takes NAMESPACE/POLICY, or nothing for all. Values of headers and cookies are shown as digests. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('limits', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

async function list(values: FlagValues, [limit, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw new UsageError('weir limits list takes one limit or policy, or none for all');
  const query = new URLSearchParams({ top: String(values.count('top', 1)), ...(limit === undefined ? {} : { limit }) });
  const answer = await callOperation<LimitList>(await connectionOf(values), { method: 'GET', path: `/limits?${query.toString()}` });
  printAnswer(values, answer, () => listText(answer));
  if (answer.missing.length > 0) console.error(`weir: some proxies do not tell their keys\n${commandText({ proxies: answer.missing })}`);
  if (answer.lease === 'unknown') console.error('weir: no controller lends now, so keys of limits with the store Lease are missing');
  return answer.missing.length > 0 || answer.lease === 'unknown' ? 1 : 0;
}

async function reset(values: FlagValues, [limit, ...more]: readonly string[]): Promise<number> {
  const [key, all] = [values.text('key'), values.isOn('all')];
  if (limit === undefined || more.length > 0 || (key !== '') === all)
    throw new UsageError('weir limits reset takes one limit, and --key KEY or --all');
  const body = { limit, ...(all ? { all } : { key }) };
  const answer = await callOperation<LimitsReset>(await connectionOf(values), { method: 'DELETE', path: '/limits', body });
  printAnswer(values, answer, () => `reset ${answer.keys} ${answer.keys === 1 ? 'key' : 'keys'} of ${limit}`);
  const failed = answer.proxies.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0) console.error(`weir: some proxies did not reset the limit\n${commandText({ proxies: failed })}`);
  return commandCode(answer);
}

const COLUMNS = ['limit', 'key', 'state', 'left', 'of', 'reset', 'store', 'at'];

function listText({ keys, more }: LimitList): string {
  if (keys.length === 0) return 'no key counts anything now';
  const rest = more > 0 ? [`... and ${more} more: weir limits list --top N`] : [];
  return [tableOf(COLUMNS, keys.map(rowOf)), ...rest].join('\n');
}

function rowOf({ limit, plan, key, limited, left, of, resetMs, store, at }: CountedKey): readonly string[] {
  const name = plan === '' ? limit : `${limit} (plan ${plan})`;
  const reset = resetMs < 0 ? '' : `${Math.ceil(resetMs / 1_000)} s`;
  return [name, key, limited ? 'limited' : 'passes', String(left), String(of), reset, store, at];
}
