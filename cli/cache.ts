// `weir cache purge`: drops stored answers at all proxies.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { CachePurged } from '../controller/operations/cache.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';

const FLAGS = operationFlags({
  prefix: { default: '', value: 'URL', text: 'all answers whose URLs begin so, instead of one URL' },
  tag: { default: '', value: 'TAG', text: 'all answers with this tag (Surrogate-Key, Cache-Tag)' },
  all: { default: 'false', value: '', text: 'all answers' },
});

export const cache: Command = {
  name: 'cache',
  arguments: 'purge [URL]',
  summary:
    'Drops answers that proxies have stored by the cache of an HTTPPolicy, in all their workers: that of a URL with its variants, those with a prefix or a tag, or all. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('cache', { purge }, values.positionals);
    return run(values, rest);
  },
};

async function purge(values: FlagValues, [url, ...more]: readonly string[]): Promise<number> {
  const [prefix, tag, all] = [values.text('prefix'), values.text('tag'), values.isOn('all')];
  const body = {
    ...(url === undefined ? {} : { url }),
    ...(prefix === '' ? {} : { prefix }),
    ...(tag === '' ? {} : { tag }),
    ...(all ? { all } : {}),
  };
  if (more.length > 0 || Object.keys(body).length !== 1)
    throw new UsageError('weir cache purge takes one URL, or one of --prefix URL, --tag TAG and --all');
  const answer = await callOperation<CachePurged>(await connectionOf(values), { method: 'DELETE', path: '/cache', body });
  printAnswer(values, answer, () => `purged ${answer.answers} stored ${answer.answers === 1 ? 'answer' : 'answers'}`);
  const failed = answer.proxies.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0) console.error(`weir: some proxies did not purge\n${commandText({ proxies: failed })}`);
  return commandCode(answer);
}
