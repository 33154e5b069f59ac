// Path changes that redirects and rewrites share.
import type * as ir from '#api/ir/ir.ts';

/**
 * The path after a modifier. `prefixLength`: how many characters the matched PathPrefix covers. Never begins with `//`, which a
 * browser would take for another host.
 */
export function modifyPath(modifier: ir.PathModifier, path: string, prefixLength: number): string {
  if (modifier.type === 'ReplaceFullPath') return singleSlash(modifier.value === '' ? '/' : modifier.value);
  const rest = path.slice(prefixLength);
  const prefix = modifier.value.endsWith('/') && rest.startsWith('/') ? modifier.value.slice(0, -1) : modifier.value;
  const joined = prefix + rest;
  return singleSlash(joined.startsWith('/') ? joined : `/${joined}`);
}

function singleSlash(path: string): string {
  let start = 0;
  while (path.charCodeAt(start + 1) === 0x2f) start++;
  return start === 0 ? path : path.slice(start);
}
