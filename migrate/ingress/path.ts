// Paths of an Ingress with their rewrites > matches and filters of a rule.
import type { Filter, PathMatch } from '../manifest.ts';

/** A path as the Ingress and its annotations have it. */
export interface IngressPath {
  readonly path: string;
  readonly pathType: string;
  readonly useRegex: boolean;
  /** The annotation rewrite-target. */
  readonly target: string | undefined;
}

/** The match and the rewrite of a path; `doubt` is a difference to tell, `lost` a rewrite that has no equivalent. */
export interface ConvertedPath {
  readonly match: PathMatch;
  readonly filters: readonly Filter[];
  readonly doubt?: string;
  readonly lost?: string;
}

/** A path whose rest is captured: `/api(/|$)(.*)` with `/$2`, or `/api/(.*)` with `/$1`. */
const REST_BY_TWO = /^(\/[^()[\]*+?|^$\\]*?)\(\/\|\$\)\(\.\*\)$/;
const REST_BY_ONE = /^(\/[^()[\]*+?|^$\\]*?)(?:\/\??)?\(\.\*\)$/;

/** The path as a match and, where there is a rewrite, its filter. */
export function convertPath(path: IngressPath): ConvertedPath {
  if (path.target !== undefined) return rewritten(path, path.target);
  if (path.useRegex) return { match: expression(path.path), filters: [] };
  if (path.pathType === 'Exact') return { match: { type: 'Exact', value: path.path }, filters: [] };
  const match = { type: 'PathPrefix', value: path.path === '' ? '/' : path.path } as const;
  const byCharacter = path.pathType === 'ImplementationSpecific' && !path.path.endsWith('/');
  const doubt = 'nginx compares the path by characters, and PathPrefix compares it by segments: /foo does not match /foobar any more';
  return { match, filters: [], ...(byCharacter ? { doubt } : {}) };
}

/** nginx compares without regard to case, and needs no match of the end. */
function expression(path: string): PathMatch {
  const open = path.endsWith('$') ? path.slice(0, -1) : `${path.replace(/\.\*$/, '')}.*`;
  return { type: 'RegularExpression', value: `(?i)${open.replace(/^\^/, '')}` };
}

function rewritten({ path, pathType, useRegex }: IngressPath, target: string): ConvertedPath {
  const prefix = prefixOf(path, target);
  if (prefix !== null) return prefix;
  if (/\$[0-9]/.test(target))
    return { match: expression(path), filters: [], lost: 'only paths of the form /prefix(/|$)(.*) can be rewritten by their parts' };
  const literal = !useRegex && !/[()[\]*+?|^$\\]/.test(path);
  const match: PathMatch = !literal
    ? expression(path)
    : { type: pathType === 'Exact' ? 'Exact' : 'PathPrefix', value: path === '' ? '/' : path };
  return { match, filters: [rewrite({ type: 'ReplaceFullPath', replaceFullPath: target })] };
}

/** A rewrite that replaces a prefix and keeps the rest; null for any other. */
function prefixOf(path: string, target: string): ConvertedPath | null {
  const two = REST_BY_TWO.exec(path);
  if (two !== null) return replacedPrefix(two[1] ?? '', target, '$2');
  const one = REST_BY_ONE.exec(path);
  if (one === null) return null;
  const converted = replacedPrefix(one[1] ?? '', target, '$1');
  const value = converted?.match.value ?? '/';
  return converted === null || value === '/' ? converted : { ...converted, doubt: `${value} itself matches too` };
}

function replacedPrefix(prefix: string, target: string, rest: string): ConvertedPath | null {
  if (!target.endsWith(rest) || target.indexOf('$') !== target.length - rest.length) return null;
  const value = trimmed(prefix);
  const replacement = trimmed(target.slice(0, -rest.length));
  const filters = value === replacement ? [] : [rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: replacement })];
  return { match: { type: 'PathPrefix', value }, filters };
}

function trimmed(path: string): string {
  const plain = path.replace(/\/+$/, '');
  return plain === '' ? '/' : plain;
}

function rewrite(path: Readonly<Record<string, string>>): Filter {
  return { type: 'URLRewrite', urlRewrite: { path } };
}
