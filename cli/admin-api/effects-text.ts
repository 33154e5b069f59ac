// The effects of changes, as the compiler of the admin API tells them, for a terminal.
import type { Answer } from '../../client/admin-client.ts';
import { printable } from '../operations/table.ts';

/** The answer to a dry run. */
export type Effects = Answer<'configuration.dryRun'>;

/** The longest value of a field in a difference. */
const MAX_VALUE = 200;

/** `HTTPRoute/shop/cart`, as in messages of Weir. */
export function nameOf({ kind, namespace, name }: Readonly<Record<'kind' | 'namespace' | 'name', string>>): string {
  return [kind, ...(namespace === '' || namespace === '-' ? [] : [namespace]), name].join('/');
}

/** The objects with their changes, and with the changed fields if `fields`. */
export function changesText({ objects }: Pick<Effects, 'objects'>, fields: boolean): readonly string[] {
  return objects.flatMap((object) => [
    `${nameOf(object.ref)} ${object.change}`,
    // A new object, and one that goes, have one difference: the whole.
    ...(fields ? object.fields.flatMap(({ path, ...values }) => (path === '' ? [] : fieldLines(path, values))) : []),
  ]);
}

/** The lines of a field that is changed. */
export function fieldLines(path: string, values: { readonly before?: unknown; readonly after?: unknown }): readonly string[] {
  const line = (sign: string, value: unknown) => `  ${sign} ${path}: ${shortened(JSON.stringify(value))}`;
  return [...('before' in values ? [line('-', values.before)] : []), ...('after' in values ? [line('+', values.after)] : [])];
}

function shortened(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
}

/** The changes outside of the objects: resources of proxies, listeners, conditions, problems. */
export function effectsText({ resources, listeners, conditions, problems, solved }: Omit<Effects, 'objects'>): readonly string[] {
  const counts = (['added', 'changed', 'removed'] as const).flatMap((change) => {
    const count = resources.filter((each) => each.change === change).length;
    return count === 0 ? [] : [`${count} ${change}`];
  });
  return [
    ...(counts.length === 0 ? [] : [`resources of proxies: ${counts.join(', ')}`]),
    ...(listeners.length === 0 ? [] : [`listeners: ${listeners.join(', ')}`]),
    ...conditions.map(conditionLine),
    ...problems.map((problem) => `${problem.severity}: ${problemLine(problem)}`),
    ...solved.map((problem) => `solved: ${problemLine(problem)}`),
  ];
}

function conditionLine({ ref, part, type, before, after }: Effects['conditions'][number]): string {
  const state = (each: typeof before) => (each === null ? 'none' : `${each.status} (${each.reason})`);
  return `condition ${type} of ${nameOf(ref)}${part === '' ? '' : ` at ${part}`}: ${state(before)} -> ${state(after)}`;
}

function problemLine({ object, field, reason }: Effects['problems'][number]): string {
  return [object, field].filter((text) => text !== '').join(' ') + `: ${reason}`;
}

/** Lines for a terminal. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) console.log(printable(line));
}
