// `weir diff`: what `weir apply` would change, field by field, and its effects.
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { plannedChanges, tried } from './admin-api/change-set.ts';
import { changesText, effectsText, printLines } from './admin-api/effects-text.ts';
import { print } from './admin-api/printed.ts';
import { FILE_FLAGS, manifestsOf } from './apply.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS = apiFlags(FILE_FLAGS);

export const diff: Command = {
  name: 'diff',
  arguments: '-f FILE|DIR|-',
  summary:
    'Shows what weir apply would change: fields, resources of proxies, listeners, conditions and problems. Ends with 1 if there is a difference.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    if (run.words.length > 0) throw new UsageError('weir diff takes its files with -f');
    const manifests = await manifestsOf(run);
    if (manifests === null) return 1;
    const effects = await tried(run.target, await plannedChanges(run.target, manifests.items));
    const objects = effects.objects.filter(({ change }) => change !== 'unchanged');
    if (run.values.text('output') === 'table') printLines([...changesText({ ...effects, objects }, true), ...effectsText(effects)]);
    else print(run.values, effects, () => '');
    return objects.length > 0 ? 1 : 0;
  },
};
