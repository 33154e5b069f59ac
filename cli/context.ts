// `weir context`: the admin APIs that this user knows.
import { flagsOf, FlagValues, type FlagGroup } from '#lib/flags.ts';
import { actionOf } from './actions.ts';
import { FORM_FLAG, print } from './admin-api/printed.ts';
import { contextFile, contextNamed, readContexts, writeContexts, type Contexts } from './admin-api/context-file.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable, tableOf } from './operations/table.ts';

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      namespace: { default: '', value: 'NAME', text: 'use: the namespace of objects without one, from now on', short: 'n' },
      output: FORM_FLAG,
    },
  },
];

export const context: Command = {
  name: 'context',
  arguments: 'list|use|delete [NAME]',
  summary:
    'Lists the contexts that weir login has made, chooses the current one, or deletes one with its credentials. WEIR_CONFIG names their file, by default ~/.config/weir/config.yaml.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('context', ACTIONS, values.positionals);
    return Promise.resolve(run(values, rest));
  },
};

type Action = (values: FlagValues, rest: readonly string[]) => number;

const ACTIONS: Readonly<Record<string, Action>> = { list, use, delete: remove };

function list(values: FlagValues, rest: readonly string[]): number {
  if (rest.length > 0) throw new UsageError('weir context list takes no names');
  const { contexts, currentContext } = readContexts(contextFile());
  // The credentials stay in the file.
  const items = Object.entries(contexts).map(([name, { url, user = '', namespace = 'default', session, token }]) => {
    const credentials = token !== undefined ? 'token' : session === undefined ? 'none' : 'session';
    return { name, current: name === currentContext, url, user, namespace, credentials };
  });
  const rows = items.map((item) => [item.current ? '*' : '', item.name, item.url, item.user, item.namespace, item.credentials]);
  print(values, { items }, () => tableOf(['current', 'name', 'url', 'user', 'namespace', 'credentials'], rows));
  return 0;
}

function use(values: FlagValues, rest: readonly string[]): number {
  const file = contextFile();
  const contexts = readContexts(file);
  const { name, context: chosen } = named('use', contexts, rest);
  const namespace = values.text('namespace');
  const changed = { ...contexts.contexts, [name]: { ...chosen, ...(namespace === '' ? {} : { namespace }) } };
  writeContexts(file, { currentContext: name, contexts: changed });
  console.log(`the context ${printable(name)} is in use: ${printable(chosen.url)}`);
  return 0;
}

function remove(_: FlagValues, rest: readonly string[]): number {
  const file = contextFile();
  const { contexts, currentContext } = readContexts(file);
  const { name, context: chosen } = named('delete', { contexts }, rest);
  const { [name]: __, ...others } = contexts;
  writeContexts(file, { ...(currentContext === undefined || currentContext === name ? {} : { currentContext }), contexts: others });
  const session = chosen.session === undefined ? '' : '; its session ends by itself, weir logout would have ended it';
  console.log(`the context ${printable(name)} is deleted${session}`);
  return 0;
}

function named(action: string, { contexts }: Pick<Contexts, 'contexts'>, [name, ...more]: readonly string[]) {
  if (name === undefined || more.length > 0) throw new UsageError(`weir context ${action} takes one NAME`);
  const found = contextNamed({ contexts }, name);
  if (found === null) throw new UsageError(`no context ${JSON.stringify(name)}; there are: ${Object.keys(contexts).join(', ') || 'none'}`);
  return { name, context: found };
}
