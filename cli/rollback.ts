// `weir rollback`: brings an object back to a revision, or all objects to a moment, after a look at the effects.
import type { FlagValues } from '#lib/flags.ts';
import type { Answer, Answered, Input } from '../client/admin-client.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import type { ApiTarget } from './admin-api/api-target.ts';
import { etagOf } from './admin-api/change-set.ts';
import { changesText, effectsText, nameOf, printLines } from './admin-api/effects-text.ts';
import { kindNamed } from './admin-api/kind-names.ts';
import { safeJson } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { revisionNumber } from './revisions.ts';

const FLAGS = apiFlags(
  {
    all: { default: 'false', value: '', text: 'all objects go back to the state after the revision' },
    time: { default: '', value: 'TIME', text: 'instead of a revision: all objects go back to this time, like 2026-11-30T16:04:00Z' },
    kind: { default: '', value: 'KIND', text: 'with --all or --time: only objects of this kind', multiple: true },
    namespace: { default: '', value: 'NAME', text: 'with --all or --time: only objects in this namespace', short: 'n', multiple: true },
    'skip-refused': {
      default: 'false',
      value: '',
      text: 'with --all or --time: leave objects that cannot go back as they are; by default nothing is changed then',
    },
    'dry-run': { default: 'false', value: '', text: 'show the effects, and write nothing' },
    force: { default: 'false', value: '', text: 'write also if the changes cause errors' },
  },
  { changes: true },
);

export const rollback: Command = {
  name: 'rollback',
  arguments: '[REVISION]',
  summary:
    'Brings an object back to a revision, or with --all or --time all objects to a moment, and shows the effects first. A rollback that causes errors needs --force; it ends with 1 without. weir revisions list has the revisions.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const back = await rollbackOf(run);
    const planned = await back(true, null);
    show(run, planned.body);
    const hasErrors = planned.body.problems.some(({ severity }) => severity === 'error');
    const isRefused = hasErrors && !run.values.isOn('force');
    if (run.values.isOn('dry-run')) console.error('weir: this was a dry run: nothing is written');
    else if (isRefused) console.error('weir: nothing is written, since the changes cause errors; --force writes them');
    else await back(false, planned.etag);
    return isRefused || (hasErrors && run.values.isOn('dry-run')) ? 1 : 0;
  },
};

type Report = Answer<'revisions.rollbackAll'>;

/** Makes the rollback, or tries it. `etag`: the state that the trial has seen. */
type Rollback = (dryRun: boolean, etag: string | null) => Promise<Answered<Report>>;

async function rollbackOf({ values, target, words }: ApiRun): Promise<Rollback> {
  const [word, ...more] = words;
  const time = values.text('time');
  if (more.length > 0 || (word === undefined) === (time === ''))
    throw new UsageError('weir rollback takes one REVISION, or --time TIME; weir revisions list has the revisions');
  const revision = word === undefined ? null : revisionNumber(word);
  if (revision !== null && !values.isOn('all')) return ofOne(target, revision, values);
  return ofAll(target, revision === null ? { time } : { revision }, values);
}

function ofAll(target: ApiTarget, moment: Input<'revisions.rollbackAll'>['body'], values: FlagValues): Rollback {
  const [namespaces, kinds] = [values.list('namespace'), values.list('kind').map((kind) => kindNamed(kind).kind)];
  const body = {
    ...moment,
    ...(namespaces.length === 0 ? {} : { namespaces }),
    ...(kinds.length === 0 ? {} : { kinds }),
    skipRefused: values.isOn('skip-refused'),
  };
  return async (dryRun, etag) =>
    valueOf(await target.client.call('revisions.rollbackAll', { body: { ...body, dryRun }, ifMatch: etag ?? '*' }), target);
}

/** The trial and the rollback are of the same state of the object. */
async function ofOne(target: ApiTarget, revision: number, values: FlagValues): Promise<Rollback> {
  if (values.list('kind').length + values.list('namespace').length > 0 || values.isOn('skip-refused'))
    throw new UsageError('--kind, --namespace and --skip-refused need --all or --time: a revision is of one object');
  const { body } = valueOf(await target.client.call('revisions.get', { params: { revision } }), target);
  const { kind, namespace, name } = body;
  const ifMatch = (await etagOf(target, { kind, namespace: namespace || '-', name })) ?? '*';
  return async (dryRun) =>
    valueOf(await target.client.call('revisions.rollback', { params: { revision }, body: { dryRun }, ifMatch }), target);
}

function show({ values }: ApiRun, report: Report): void {
  if (values.text('output') !== 'table') return console.log(safeJson(report));
  const objects = report.objects.filter(({ change }) => change !== 'unchanged');
  const refused = report.refused.map(({ ref, detail }) => `cannot go back: ${nameOf(ref)}: ${detail}`);
  printLines(
    objects.length + refused.length === 0 ? ['no difference'] : [...changesText({ objects }, true), ...effectsText(report), ...refused],
  );
}
