// `weir get`: the objects of the configuration, as their authors wrote them.
import type { KindInfo } from '#api/k8s/kinds.ts';
import type { Answer } from '../client/admin-client.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { kindNamed, pathOf } from './admin-api/kind-names.ts';
import { allItems } from './admin-api/pages.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = apiFlags({
  namespace: { default: '', value: 'NAME', text: 'namespace; without it a list has all, and a name is in that of the context', short: 'n' },
  selector: { default: '', value: 'LABELS', text: 'objects with these labels, as for kubectl: team=shop,tier!=db', short: 'l' },
  limit: { default: '10000', value: 'N', text: 'the most objects' },
});

export const get: Command = {
  name: 'get',
  arguments: '[KIND [NAME]]',
  summary: 'Shows objects of the configuration by the admin API; without KIND the kinds. A Secret comes without its data.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [word, name, ...rest] = run.words;
    if (rest.length > 0) throw new UsageError('weir get takes a KIND and one NAME');
    if (word === undefined) await showKinds(run);
    else if (name === undefined) await showList(run, kindNamed(word));
    else await showOne(run, kindNamed(word), name);
    return 0;
  },
};

async function showKinds({ target, values }: ApiRun): Promise<void> {
  const { body } = valueOf(await target.client.call('configuration.kinds'), target);
  const rows = body.items.map(({ kind, apiVersion, namespaced }) => [kind, apiVersion, String(namespaced)]);
  print(values, body, () => tableOf(['kind', 'apiVersion', 'namespaced'], rows));
}

async function showList({ target, values }: ApiRun, { kind }: KindInfo): Promise<void> {
  const [namespace, labelSelector] = [values.text('namespace'), values.text('selector')];
  const filter = { ...(namespace === '' ? {} : { namespace }), ...(labelSelector === '' ? {} : { labelSelector }) };
  const items = await allItems(target, values.count('limit', 1), (page) =>
    target.client.call('configuration.list', { params: { kind }, query: { ...page, ...filter } }),
  );
  print(values, { apiVersion: 'v1', kind: 'List', items: items.map(({ object }) => object) }, () =>
    items.length === 0 ? `no ${kind}` : tableOf(COLUMNS, items.map(rowOf)),
  );
}

async function showOne({ target, values }: ApiRun, kind: KindInfo, word: string): Promise<void> {
  const params = pathOf(kind, word, values.text('namespace') || target.namespace);
  const { body } = valueOf(await target.client.call('configuration.get', { params }), target);
  print(values, body.object, () => tableOf(COLUMNS, [rowOf(body)]));
}

const COLUMNS = ['namespace', 'name', 'labels', 'details', 'place'];

/** Objects of a server may lack any member. */
interface Loose {
  readonly metadata?: { readonly namespace?: unknown; readonly name?: unknown; readonly labels?: unknown };
  readonly spec?: Readonly<Record<string, unknown>>;
}

function rowOf({ object, place, entries = [] }: Answer<'configuration.get'>): readonly string[] {
  const { metadata = {}, spec = {} } = object as Loose;
  const labels = Object.entries((metadata.labels ?? {}) as object).map(([name, value]) => `${name}=${String(value)}`);
  return [
    String(metadata.namespace ?? ''),
    String(metadata.name ?? ''),
    labels.join(','),
    entries.length > 0 ? `entries: ${entries.join(', ')}` : detailsOf(spec),
    place === null ? '' : `${place.file}:${place.line}`,
  ];
}

/** Fields that tell objects of the frequent kinds apart. */
function detailsOf({ hostnames, parentRefs, gatewayClassName, listeners, targetRefs }: Readonly<Record<string, unknown>>): string {
  const names = (list: unknown) =>
    Array.isArray(list) ? list.map((each: { readonly name?: unknown }) => String(each.name)).join(', ') : '';
  return [
    Array.isArray(hostnames) ? hostnames.join(', ') : '',
    typeof gatewayClassName === 'string' ? `class ${gatewayClassName}` : '',
    names(listeners) && `listeners ${names(listeners)}`,
    names(parentRefs) && `at ${names(parentRefs)}`,
    names(targetRefs) && `for ${names(targetRefs)}`,
  ]
    .filter((text) => text !== '')
    .join('; ');
}
