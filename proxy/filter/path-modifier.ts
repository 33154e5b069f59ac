// Path changes that redirects and rewrites share.
import type * as ir from '#api/ir/ir.ts';
import { normalisePath } from '#api/match/normalise.ts';
import { targetText } from './text.ts';

/**
 * The modifier with its text made safe for a request line and a Location, in the normal form that other paths have; to be called once,
 * when a filter is built.
 */
export function preparePathModifier(modifier: ir.PathModifier | null): ir.PathModifier | null {
  return modifier === null ? null : { type: modifier.type, value: normalText(targetText(modifier.value)) };
}

function normalText(text: string): string {
  return text.startsWith('/') ? (normalisePath(text) ?? text) : text;
}

/**
 * The path after a prepared modifier. `prefixLength`: how many characters the matched PathPrefix covers. Begins with exactly one
 * slash: with none it would run into the host before it, and `//` a browser would take for another host.
 */
export function modifyPath(modifier: ir.PathModifier, path: string, prefixLength: number): string {
  if (modifier.type === 'ReplaceFullPath') return singleSlash(modifier.value);
  // `*` (OPTIONS) is no path, so there is nothing behind the prefix.
  const rest = path === '*' ? '' : path.slice(prefixLength);
  const prefix = modifier.value.endsWith('/') && rest.startsWith('/') ? modifier.value.slice(0, -1) : modifier.value;
  return singleSlash(prefix + rest);
}

/** The path with one slash at its beginning. */
export function singleSlash(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start++;
  return start === 1 ? path : `/${path.slice(start)}`;
}
