// `weir cache list|purge|warm`: the stored answers of all proxies.
import { formatDuration } from '#lib/duration.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { AnswerList, CachePurged, ShownAnswer } from '../controller/operations/cache.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { WARM_FLAGS, warm } from './operations/cache-warming.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags(
  {
    prefix: { default: '', value: 'URL', text: 'all answers whose URLs begin so, instead of one URL' },
    tag: { default: '', value: 'TAG', text: 'all answers with this tag (Surrogate-Key, Cache-Tag)' },
    route: { default: '', value: 'ROUTE', text: 'list: answers of this route: NAMESPACE/NAME, or as list shows it' },
    top: { default: '100', value: 'N', text: 'list: the most answers, up to 1000; the largest come first' },
    all: { default: 'false', value: '', text: 'purge: all answers' },
  },
  [WARM_FLAGS],
);

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, purge, warm };

export const cache: Command = {
  name: 'cache',
  arguments: 'list|purge|warm [URL...]',
  summary:
    'Lists answers that proxies have stored by the cache of an HTTPPolicy, in the memory of their workers; drops them in all workers, and in Redis: that of a URL with its variants, those with a prefix or a tag, or all; or has all workers request URLs, so that their answers are stored. Ends with 1 if a proxy did not follow, or an answer is not stored.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('cache', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

/** The answers that are meant. */
function filterOf(values: FlagValues, url: string | undefined): Record<string, string> {
  const fields = { url: url ?? '', prefix: values.text('prefix'), tag: values.text('tag'), route: values.text('route') };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

async function list(values: FlagValues, [url, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0 || values.isOn('all')) throw new UsageError('weir cache list takes one URL at most, and no --all');
  const query = new URLSearchParams({ ...filterOf(values, url), top: String(values.count('top', 1)) });
  const answer = await callOperation<AnswerList>(await connectionOf(values), { method: 'GET', path: `/cache?${query.toString()}` });
  printAnswer(values, answer, () => listText(answer));
  const { missing } = answer;
  if (missing.length > 0) console.error(`weir: some proxies do not tell their answers\n${commandText({ proxies: missing })}`);
  return missing.length > 0 ? 1 : 0;
}

async function purge(values: FlagValues, [url, ...more]: readonly string[]): Promise<number> {
  const { route, ...named } = filterOf(values, url);
  const body = { ...named, ...(values.isOn('all') ? { all: true } : {}) };
  if (more.length > 0 || route !== undefined || Object.keys(body).length !== 1)
    throw new UsageError('weir cache purge takes one URL, or one of --prefix URL, --tag TAG and --all');
  const answer = await callOperation<CachePurged>(await connectionOf(values), { method: 'DELETE', path: '/cache', body });
  printAnswer(values, answer, () => `purged ${answer.answers} stored ${answer.answers === 1 ? 'answer' : 'answers'}`);
  const failed = answer.proxies.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0) console.error(`weir: some proxies did not purge\n${commandText({ proxies: failed })}`);
  return commandCode(answer);
}

const COLUMNS = ['url', 'status', 'age', 'ttl', 'bytes', 'hits', 'workers', 'level', 'vary', 'tags', 'route', 'proxy'];
/** Tags of an answer in the table. */
const SHOWN_TAGS = 3;

function listText({ answers, more }: AnswerList): string {
  if (answers.length === 0) return 'no such answer is stored';
  const rest = more > 0 ? [`... and ${more} more: weir cache list --top N`] : [];
  return [tableOf(COLUMNS, answers.map(rowOf)), ...rest].join('\n');
}

function rowOf(answer: ShownAnswer): readonly string[] {
  const { url, status, ageMs, ttlMs, bytes, hits, workers, level, vary, route, proxy } = answer;
  const ttl = ttlMs < 0 ? `stale ${secondsOf(-ttlMs)}` : secondsOf(ttlMs);
  const counts = [bytes, hits, workers].map(String);
  return [url, String(status), secondsOf(ageMs), ttl, ...counts, level, vary, tagsOf(answer), route, proxy];
}

function secondsOf(ms: number): string {
  return formatDuration(Math.floor(ms / 1_000) * 1_000);
}

function tagsOf({ tags, moreTags }: ShownAnswer): string {
  const hidden = Math.max(0, tags.length - SHOWN_TAGS) + moreTags;
  return `${tags.slice(0, SHOWN_TAGS).join(', ')}${hidden > 0 ? `, +${hidden}` : ''}`;
}
