// `weir revisions`: the versions of configuration objects that were in force.
import type { Answer } from '../client/admin-client.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags, textsOf } from './admin-api/api-command.ts';
import { effectsText, fieldLines, nameOf } from './admin-api/effects-text.ts';
import { kindNamed } from './admin-api/kind-names.ts';
import { allItems } from './admin-api/pages.ts';
import { print, safeYaml } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { tableFor, type Columns } from './admin-api/shown-rows.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

const FLAGS = apiFlags({
  namespace: { default: '', value: 'NAME', text: 'list: revisions of objects in this namespace', short: 'n' },
  actor: { default: '', value: 'NAME', text: 'list: revisions by this caller or program' },
  since: { default: '', value: 'TIME', text: 'list: revisions at this time or later, like 2026-11-30T16:04:00Z' },
  until: { default: '', value: 'TIME', text: 'list: revisions before this time' },
  limit: { default: '50', value: 'N', text: 'list: the most revisions' },
});

export const revisions: Command = {
  name: 'revisions',
  arguments: 'list|get|diff [KIND [NAME]|REVISION [REVISION]]',
  summary:
    'Lists the versions of objects that were in force, with author and reason, shows one, or compares one with another or with what is in force. weir rollback brings one back.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [act, rest] = actionOf('revisions', ACTIONS, run.words);
    await act(run, rest);
    return 0;
  },
};

type Action = (run: ApiRun, rest: readonly string[]) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = { list, get: one, diff };

type Revision = Answer<'revisions.list'>['items'][number];

const COLUMNS: Columns<Revision> = {
  revision: ({ revision }) => String(revision),
  time: ({ at }) => at,
  object: (revision) => nameOf(revision),
  change: ({ hash }) => (hash === null ? 'deleted' : 'written'),
  by: ({ actor, origin }) => actor.name || origin,
  reason: ({ reason }) => reason,
};

/** A number of a revision. Throws a UsageError if it is none. */
export function revisionNumber(word: string): number {
  if (!/^[1-9]\d{0,14}$/.test(word))
    throw new UsageError(`${JSON.stringify(word)} is no number of a revision; weir revisions list has them`);
  return Number(word);
}

async function list({ target, values }: ApiRun, [word, name, ...more]: readonly string[]): Promise<void> {
  if (more.length > 0) throw new UsageError('weir revisions list takes a KIND and a NAME');
  const filter = {
    ...textsOf(values, ['namespace', 'actor', 'since', 'until']),
    ...(word === undefined ? {} : { kind: kindNamed(word).kind }),
    ...(name === undefined ? {} : { name }),
  };
  const items = await allItems(target, values.count('limit', 1), (page) =>
    target.client.call('revisions.list', { query: { ...page, ...filter } }),
  );
  print(values, { items }, () => tableFor(COLUMNS, items, 'no revisions'));
}

async function one({ target, values }: ApiRun, [word = '', ...more]: readonly string[]): Promise<void> {
  if (more.length > 0) throw new UsageError('weir revisions get takes one REVISION');
  const { body } = valueOf(await target.client.call('revisions.get', { params: { revision: revisionNumber(word) } }), target);
  // An object is a tree, so it has no table.
  print(values, body, () => safeYaml(body));
}

async function diff({ target, values }: ApiRun, [from = '', to, ...more]: readonly string[]): Promise<void> {
  if (more.length > 0) throw new UsageError('weir revisions diff takes one REVISION or two');
  const query = to === undefined ? {} : { to: revisionNumber(to) };
  const { body } = valueOf(await target.client.call('revisions.diff', { params: { revision: revisionNumber(from) }, query }), target);
  const lines = body.fields.flatMap(({ path, ...each }) => fieldLines(path, each));
  const effects = body.effects === null ? [] : effectsText(body.effects);
  print(values, body, () => (lines.length === 0 ? 'no difference' : [...lines, ...effects].map(printable).join('\n')));
}
