// `weir audit`: the audit log of the admin API.
import type { FlagValues } from '#lib/flags.ts';
import type { Answer, Input } from '../client/admin-client.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags, textsOf } from './admin-api/api-command.ts';
import { allItems } from './admin-api/pages.ts';
import { print, safeYaml } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { toNewFile, toOutput } from './admin-api/saved-stream.ts';
import { tableFor, type Columns } from './admin-api/shown-rows.ts';
import { verify } from './audit-verify.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const OUTCOMES = ['', 'success', 'refused', 'failed'] as const;
const FORMATS = ['json', 'csv'] as const;

const FLAGS = apiFlags({
  actor: { default: '', value: 'NAME', text: 'list, export: entries of this caller' },
  operation: { default: '', value: 'ID', text: 'list, export: entries of this operation, like users.update' },
  object: {
    default: '',
    value: 'NAME',
    text: 'list, export: entries that changed this object, or objects: HTTPRoute/shop/cart, HTTPRoute/shop, user',
  },
  namespace: { default: '', value: 'NAME', text: 'list, export: entries about this namespace', short: 'n' },
  outcome: { default: '', value: 'success|refused|failed', text: 'list, export: entries with this outcome', words: OUTCOMES.slice(1) },
  since: { default: '', value: 'TIME', text: 'list, export: stored at this time or later, like 2026-11-30T16:04:00Z' },
  until: { default: '', value: 'TIME', text: 'list, export: stored before this time' },
  limit: { default: '50', value: 'N', text: 'list: the most entries' },
  format: {
    default: 'json',
    value: 'json|csv',
    text: 'export: lines of JSON, which weir audit verify verifies, or CSV for spreadsheets',
    words: FORMATS,
  },
  file: { default: '', value: 'FILE', text: 'export: a new file, which only its owner may read; by default the standard output' },
  anchor: {
    default: '',
    value: 'NUMBER:HASH,...',
    text: 'verify: entries that the log must have, as an earlier check or the log of the admin program names them; they prove that the log was not written anew',
  },
});

export const audit: Command = {
  name: 'audit',
  arguments: 'list|get|export|verify [NUMBER|FILE]',
  summary:
    'Shows the audit log, exports it, and verifies its chain of hashes: the log of the server, or without a connection that of a FILE. verify names the first entry that was changed, removed, inserted, moved or cut off, and ends with 1.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const run = new ApiRun(args, FLAGS);
    const [act, rest] = actionOf('audit', ACTIONS, run.words);
    return act(run, rest);
  },
};

type Action = (run: ApiRun, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, get: one, export: exportLog, verify };

type Filter = NonNullable<Input<'audit.export'>['query']>;

function filterOf(values: FlagValues): Filter {
  const outcome = values.word('outcome', OUTCOMES);
  const texts = textsOf(values, ['actor', 'operation', 'object', 'namespace', 'since', 'until']);
  return { ...texts, ...(outcome === '' ? {} : { outcome }) };
}

type Entry = Answer<'audit.list'>['items'][number];

const COLUMNS: Columns<Entry> = {
  number: ({ sequence }) => String(sequence),
  time: ({ time }) => time,
  actor: ({ actor }) => actor.name || actor.kind,
  address: ({ address }) => address,
  operation: ({ operation }) => operation,
  objects: ({ objects }) => objects.join(', '),
  outcome: ({ outcome, code }) => (code === '' ? outcome : `${outcome} (${code})`),
  reason: ({ reason }) => reason,
};

async function list({ target, values }: ApiRun, rest: readonly string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError('weir audit list takes no names; its flags choose entries');
  const filter = filterOf(values);
  const items = await allItems(target, values.count('limit', 1), (page) =>
    target.client.call('audit.list', { query: { ...page, ...filter } }),
  );
  print(values, { items }, () => tableFor(COLUMNS, items, 'no entries'));
  return 0;
}

async function one({ target, values }: ApiRun, [word = '', ...more]: readonly string[]): Promise<number> {
  if (!/^[1-9]\d{0,14}$/.test(word) || more.length > 0) throw new UsageError('weir audit get takes the NUMBER of one entry');
  const { body } = valueOf(await target.client.call('audit.get', { params: { sequence: Number(word) } }), target);
  // An entry is a tree, so it has no table.
  print(values, body, () => safeYaml(body));
  return 0;
}

async function exportLog({ target, values }: ApiRun, rest: readonly string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError('weir audit export takes no names; --file FILE is the new file');
  const file = values.text('file');
  if (file === '' && process.stdout.isTTY)
    throw new UsageError('an export has texts of others, which a terminal would obey; give --file FILE, or redirect the output');
  const id = values.word('format', FORMATS) === 'csv' ? 'audit.export-csv' : 'audit.export';
  const stream = valueOf(await target.client.stream(id, { query: filterOf(values) }), target);
  if (file === '') await toOutput(stream);
  else console.log(`${file}: ${await toNewFile(stream, file)} bytes`);
  return 0;
}
