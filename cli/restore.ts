// `weir restore`: restores a backup, after a look at the effects.
import { readFileSync } from 'node:fs';
import type { Answer } from '../client/admin-client.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { changesText, effectsText, nameOf, printLines } from './admin-api/effects-text.ts';
import { safeJson } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const PARTS = ['all', 'configuration', 'store'] as const;

const FLAGS = apiFlags(
  {
    parts: { default: 'all', value: 'all|configuration|store', text: 'what to restore', words: PARTS },
    prune: { default: 'false', value: '', text: 'delete objects that the backup does not have' },
    'skip-refused': {
      default: 'false',
      value: '',
      text: 'leave objects that cannot be restored as they are; by default nothing is changed then',
    },
    'dry-run': { default: 'false', value: '', text: 'show the effects, and write nothing' },
    force: { default: 'false', value: '', text: 'write also if the changes cause errors' },
  },
  { changes: true },
);

export const restore: Command = {
  name: 'restore',
  arguments: 'FILE',
  summary:
    'Restores a backup by the admin API, and shows the effects first. The store is replaced as a whole, and all sessions end. A restore that causes errors needs --force; it ends with 1 without.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [file, ...more] = run.words;
    if (file === undefined || more.length > 0) throw new UsageError('weir restore takes one FILE');
    const upload = readFileSync(file);
    const planned = await call(run, upload, { dryRun: true, ifMatch: '*' });
    show(run, planned.body);
    const hasErrors = planned.body.configuration.problems.some(({ severity }) => severity === 'error');
    const isRefused = hasErrors && !run.values.isOn('force');
    if (run.values.isOn('dry-run')) console.error('weir: this was a dry run: nothing is written');
    else if (isRefused) console.error('weir: nothing is restored, since the changes cause errors; --force restores');
    else tellDone((await call(run, upload, { dryRun: false, ifMatch: planned.etag ?? '*' })).body);
    return isRefused || (hasErrors && run.values.isOn('dry-run')) ? 1 : 0;
  },
};

type Restored = Answer<'backups.restore'>;

/** `ifMatch`: the state that the trial has seen. */
async function call(
  { values, target }: ApiRun,
  upload: Uint8Array,
  { dryRun, ifMatch }: { readonly dryRun: boolean; readonly ifMatch: string },
) {
  const query = { dryRun, parts: values.word('parts', PARTS), prune: values.isOn('prune'), skipRefused: values.isOn('skip-refused') };
  return valueOf(await target.client.call('backups.restore', { query, upload, ifMatch }), target);
}

function show({ values }: ApiRun, report: Restored): void {
  if (values.text('output') !== 'table') return console.log(safeJson(report));
  const { archive, audit, configuration } = report;
  const objects = configuration.objects.filter(({ change }) => change !== 'unchanged');
  printLines([
    `backup of ${archive.created} by Weir ${archive.release}`,
    ...(audit === 'none' ? [] : [`store: replaced as a whole; audit log: ${audit}`]),
    ...changesText({ objects }, false),
    ...effectsText(configuration),
    ...configuration.refused.map(({ ref, detail }) => `cannot be restored: ${nameOf(ref)}: ${detail}`),
  ]);
}

function tellDone({ audit }: Restored): void {
  console.error(`weir: restored${audit === 'none' ? '' : '; all sessions have ended: log in again with weir login'}`);
}
