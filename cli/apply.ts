// `weir apply`: makes the configuration as it is in files, after a look at the effects.
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { make, plannedChanges, tried, type PlannedChange } from './admin-api/change-set.ts';
import { changesText, effectsText, nameOf, printLines, type Effects } from './admin-api/effects-text.ts';
import { readManifests, type Manifests } from './admin-api/manifests.ts';
import { safeJson } from './admin-api/printed.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

export const FILE_FLAGS = {
  filename: {
    default: '',
    value: 'FILE|DIR|-',
    text: 'files or folders of YAML and JSON; -: the standard input',
    short: 'f',
    multiple: true,
  },
  namespace: { default: '', value: 'NAME', text: 'namespace of objects without one; by default that of the context', short: 'n' },
} as const;

const FLAGS = apiFlags(
  {
    ...FILE_FLAGS,
    'dry-run': { default: 'false', value: '', text: 'show the effects, and write nothing' },
    force: { default: 'false', value: '', text: 'write also if the changes cause errors' },
  },
  { changes: true },
);

export const apply: Command = {
  name: 'apply',
  arguments: '-f FILE|DIR|-',
  summary:
    'Creates and replaces objects by the admin API, as they are in files, and shows the effects by the compiler first. Changes that cause errors are not written without --force. Ends with 1 then.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    if (run.words.length > 0) throw new UsageError('weir apply takes its files with -f');
    const manifests = await manifestsOf(run);
    if (manifests === null) return 1;
    const changes = await plannedChanges(run.target, manifests.items);
    const effects = await tried(run.target, changes);
    const isAsked = run.values.isOn('dry-run');
    const hasErrors = effects.problems.some(({ severity }) => severity === 'error');
    const isRefused = hasErrors && !run.values.isOn('force');
    show(run, effects, isAsked);
    if (!isAsked && !isRefused) await makeAll(run, changes, effects);
    return tellEnd(isAsked, isRefused, hasErrors);
  },
};

function tellEnd(isAsked: boolean, isRefused: boolean, hasErrors: boolean): number {
  if (isAsked) console.error('weir: this was a dry run: nothing is written');
  else if (isRefused) console.error('weir: nothing is written, since the changes cause errors; --force writes them');
  return (isAsked && hasErrors) || isRefused ? 1 : 0;
}

/** The objects of the files; null: some are not valid, which is printed. */
export async function manifestsOf({ values, target }: ApiRun): Promise<Manifests | null> {
  const manifests = await readManifests(values.list('filename'), values.text('namespace') || target.namespace);
  const errors = manifests.problems.filter(({ severity }) => severity === 'error');
  for (const { file, line, object, field, reason } of manifests.problems) {
    const place = [object, field].filter((text) => text !== '').join(' ');
    console.error(printable(`${file}:${line}: ${place === '' ? '' : `${place}: `}${reason}`));
  }
  if (manifests.skipped > 0) console.error(`weir: ${manifests.skipped} documents are of kinds that Weir does not read, and are skipped`);
  if (errors.length > 0) return null;
  if (manifests.items.length === 0) throw new UsageError('the files have no objects');
  return manifests;
}

function show({ values }: ApiRun, effects: Effects, fields: boolean): void {
  if (values.text('output') === 'table') printLines([...changesText(effects, fields), ...effectsText(effects)]);
  else console.log(safeJson(effects));
}

/** In the order of the files. Objects that stay as they are are not written. */
async function makeAll({ target }: ApiRun, changes: readonly PlannedChange[], { objects }: Effects): Promise<void> {
  let made = 0;
  for (const [i, change] of changes.entries()) {
    if (objects[i]?.change === 'unchanged') continue;
    try {
      await make(target, change);
    } catch (error) {
      if (error instanceof UsageError && made > 0)
        throw new UsageError(`${error.message}; the ${made} objects before ${nameOf(change)} are written`);
      throw error;
    }
    made++;
  }
}
