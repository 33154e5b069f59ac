// `weir delete`: deletes an object of the configuration, after a look at the effects.
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { etagOf, make, tried, type PlannedChange } from './admin-api/change-set.ts';
import { changesText, effectsText, nameOf, printLines } from './admin-api/effects-text.ts';
import { kindNamed, pathOf } from './admin-api/kind-names.ts';
import { safeJson } from './admin-api/printed.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS = apiFlags(
  {
    namespace: { default: '', value: 'NAME', text: 'namespace of the object; by default that of the context', short: 'n' },
    'dry-run': { default: 'false', value: '', text: 'show the effects, and delete nothing' },
    force: { default: 'false', value: '', text: 'delete also if that causes errors, such as references that dangle' },
  },
  { changes: true },
);

export const remove: Command = {
  name: 'delete',
  arguments: 'KIND NAME',
  summary:
    'Deletes an object by the admin API, and shows the effects first. A deletion that causes errors needs --force; it ends with 1 without.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [word, name, ...rest] = run.words;
    if (word === undefined || name === undefined || rest.length > 0) throw new UsageError('weir delete takes a KIND and one NAME');
    const path = pathOf(kindNamed(word), name, run.values.text('namespace') || run.target.namespace);
    const etag = await etagOf(run.target, path);
    if (etag === null) throw new UsageError(`there is no ${nameOf(path)}`);
    return deleteOne(run, { ...path, operation: 'delete', etag });
  },
};

async function deleteOne({ values, target }: ApiRun, change: PlannedChange): Promise<number> {
  const effects = await tried(target, [change]);
  if (values.text('output') === 'table') printLines([...changesText(effects, false), ...effectsText(effects)]);
  else console.log(safeJson(effects));
  const hasErrors = effects.problems.some(({ severity }) => severity === 'error');
  if (values.isOn('dry-run')) console.error('weir: this was a dry run: nothing is deleted');
  else if (hasErrors && !values.isOn('force')) console.error('weir: nothing is deleted, since that causes errors; --force deletes it');
  else {
    await make(target, change);
    return 0;
  }
  return hasErrors ? 1 : 0;
}
