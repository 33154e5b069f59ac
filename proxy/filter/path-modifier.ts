// Path changes of redirects and rewrites.
import type * as ir from '#api/ir/ir.ts';
import { normalisePath } from '#api/match/normalise.ts';
import { targetText } from './text.ts';

/**
 * The modifier with its text escaped for a request line and a Location, in the normal form of paths. Call it once, when a filter is built.
 */
export function preparePathModifier(modifier: ir.PathModifier | null): ir.PathModifier | null {
  return modifier === null ? null : { type: modifier.type, value: normalText(targetText(modifier.value)) };
}

function normalText(text: string): string {
  return text.startsWith('/') ? (normalisePath(text) ?? text) : text;
}

/**
 * Applies a prepared modifier. `prefixLength`: the length of the path part that the PathPrefix covers. The result starts with exactly one
 * slash: without one it would extend the host before it, and browsers read `//` as the start of another host.
 */
export function modifyPath(modifier: ir.PathModifier, path: string, prefixLength: number): string {
  if (modifier.type === 'ReplaceFullPath') return singleSlash(modifier.value);
  // `*` (OPTIONS) is not a path, so no part follows the prefix.
  const rest = path === '*' ? '' : path.slice(prefixLength);
  const prefix = modifier.value.endsWith('/') && rest.startsWith('/') ? modifier.value.slice(0, -1) : modifier.value;
  return singleSlash(prefix + rest);
}

/** The path with one slash at the start. */
export function singleSlash(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start++;
  return start === 1 ? path : `/${path.slice(start)}`;
}
