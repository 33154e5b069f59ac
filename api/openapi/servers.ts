// The paths of the servers of a document: the beginning of all its paths.
import type { Faults } from './faults.ts';
import type { Fields } from './reading.ts';
import { isObject } from './references.ts';

/** Paths that the variables of one server make. */
const MAX_PATHS = 64;

/** The paths of the nearest `servers` of an object: the last of these that has some. */
export function serverPaths(owners: readonly Fields[], faults: Faults): readonly string[] {
  const servers = owners.map((owner) => owner['servers']).findLast((each) => Array.isArray(each) && each.length > 0);
  if (servers === undefined) return [''];
  return (servers as readonly unknown[]).flatMap((server, i) => {
    const paths = isObject(server) && typeof server['url'] === 'string' ? pathsOf(server['url'], server['variables']) : null;
    if (paths === null) faults.add(['servers', String(i)], `must have a url whose variables have at most ${MAX_PATHS} values together`);
    return paths ?? [];
  });
}

/** Null: they cannot be told. */
function pathsOf(url: string, variables: unknown): readonly string[] | null {
  let urls = [url];
  for (const [, name = ''] of url.matchAll(/\{([^{}]*)\}/g)) {
    const values = valuesOf(isObject(variables) && Object.hasOwn(variables, name) ? variables[name] : null);
    urls = urls.flatMap((each) => values.map((value) => each.replaceAll(`{${name}}`, value)));
    if (urls.length === 0 || urls.length > MAX_PATHS) return null;
  }
  return urls.map((each) => pathOfUrl(each));
}

function valuesOf(variable: unknown): readonly string[] {
  if (!isObject(variable)) return [];
  const { enum: values, default: value } = variable;
  return Array.isArray(values) ? values.map(String) : typeof value === 'string' ? [value] : [];
}

/** Without scheme and authority, and without slashes at the end. */
function pathOfUrl(url: string): string {
  const path = url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return `${path.startsWith('/') ? '' : '/'}${path}`.replace(/\/+$/, '');
}
