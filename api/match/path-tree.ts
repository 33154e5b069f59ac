// The matches of one host name by path: a radix tree for exact paths and prefixes, a list for expressions.
import { firstMatch, type Candidate } from './candidate.ts';
import { comparePrecedence } from './precedence.ts';
import { radixChild, radixEntries, radixGet, radixSet, type RadixNode } from './radix.ts';
import type { MatchRequest } from './request.ts';

/** The matches of one path. Lists are in order of precedence; null instead of an empty list. GrpcMethods are at the prefix `/`. */
export interface PathLeaf {
  /** The length of the path. */
  readonly length: number;
  readonly exact: readonly Candidate[] | null;
  readonly prefix: readonly Candidate[] | null;
}

/** All matches of one host name. */
export interface PathTree {
  readonly root: RadixNode<PathLeaf> | null;
  readonly regexes: readonly Candidate[] | null;
}

/** The tree without matches. */
export const EMPTY_TREE: PathTree = Object.freeze({ root: null, regexes: null });

const SLASH = 0x2f;

/**
 * The winner, or null: the exact path, else the first expression that matches, else the longest prefix that matches. One walk finds both
 * the exact path and the deepest prefix. The tree is walked again for the next shorter prefix only if the method, headers or query of all
 * matches at that prefix fail.
 */
// The hot loop of the proxy. It is one function because a call per node costs as much as the node itself.
// eslint-disable-next-line complexity
export function findInTree(tree: PathTree, request: MatchRequest): Candidate | null {
  const path = request.path;
  const length = path.length;
  let node = tree.root;
  let position = 0;
  let deepest: PathLeaf | null = null;
  while (node !== null) {
    const label = node.label;
    if (!continuesWith(path, position, label)) break;
    position += label.length;
    const leaf = node.value;
    if (position === length) {
      if (leaf === null) break;
      if (leaf.prefix !== null) deepest = leaf;
      const found = leaf.exact === null ? null : firstMatch(leaf.exact, request);
      if (found !== null) return found;
      break;
    }
    const code = path.charCodeAt(position);
    if (code === SLASH && leaf !== null && leaf.prefix !== null) deepest = leaf;
    node = radixChild(node, code);
  }
  if (tree.regexes !== null) {
    const found = firstMatch(tree.regexes, request);
    if (found !== null) return found;
  }
  return deepest === null ? null : findPrefix(tree, deepest, request);
}

/** Tries a prefix, then shorter ones. */
function findPrefix(tree: PathTree, deepest: PathLeaf, request: MatchRequest): Candidate | null {
  let leaf: PathLeaf | null = deepest;
  while (leaf !== null) {
    const found = firstMatch(leaf.prefix as readonly Candidate[], request);
    if (found !== null) return found;
    leaf = prefixBelow(tree.root, request.path, leaf.length);
  }
  return null;
}

/** The matches whose path equals or covers this one, and all expressions: those that `findInTree` tries, in its order. */
export function* pathCandidates(tree: PathTree, path: string): Generator<Candidate> {
  const leaf = radixGet(tree.root, path);
  yield* leaf?.exact ?? [];
  yield* tree.regexes ?? [];
  yield* leaf?.prefix ?? [];
  for (let below = prefixBelow(tree.root, path, path.length); below !== null; below = prefixBelow(tree.root, path, below.length)) {
    yield* below.prefix ?? [];
  }
}

/** The longest prefix of whole segments that covers fewer than `limit` characters. */
function prefixBelow(root: RadixNode<PathLeaf> | null, path: string, limit: number): PathLeaf | null {
  let node = root;
  let position = 0;
  let deepest: PathLeaf | null = null;
  while (node !== null && continuesWith(path, position, node.label)) {
    position += node.label.length;
    if (position >= limit) break;
    const code = path.charCodeAt(position);
    if (code === SLASH && node.value !== null && node.value.prefix !== null) deepest = node.value;
    node = radixChild(node, code);
  }
  return deepest;
}

function continuesWith(path: string, position: number, label: string): boolean {
  if (position + label.length > path.length) return false;
  for (let i = 0; i < label.length; i++) {
    if (path.charCodeAt(position + i) !== label.charCodeAt(i)) return false;
  }
  return true;
}

/** A tree with some matches removed and others added; this one stays unchanged. Only the affected paths are rebuilt. */
export function changeTree(tree: PathTree, removed: readonly Candidate[], added: readonly Candidate[]): PathTree {
  const regexes = changeList(tree.regexes, { removed: new Set(removed), added }, isExpression);
  let root = tree.root;
  for (const [path, changes] of groupByPath(removed, added)) {
    const leaf = radixGet(root, path);
    const exact = changeList(leaf?.exact ?? null, changes, isExact);
    const prefix = changeList(leaf?.prefix ?? null, changes, isPrefix);
    root = radixSet(root, path, exact === null && prefix === null ? null : makeLeaf(path.length, exact, prefix));
  }
  return root === null && regexes === null ? EMPTY_TREE : Object.freeze({ root, regexes });
}

/** All matches in order of precedence. */
export function treeCandidates(tree: PathTree): Candidate[] {
  const all = [...(tree.regexes ?? [])];
  for (const [, leaf] of radixEntries(tree.root)) all.push(...(leaf.exact ?? []), ...(leaf.prefix ?? []));
  return all.sort(comparePrecedence);
}

interface ListChanges {
  readonly removed: ReadonlySet<Candidate>;
  readonly added: readonly Candidate[];
}

/** Exact paths and prefixes by path, so that each leaf is built once for any number of matches. */
function groupByPath(removed: readonly Candidate[], added: readonly Candidate[]): Map<string, ListChanges> {
  const groups = new Map<string, { removed: Set<Candidate>; added: Candidate[] }>();
  const at = (path: string): { removed: Set<Candidate>; added: Candidate[] } => {
    const known = groups.get(path);
    if (known !== undefined) return known;
    const changes = { removed: new Set<Candidate>(), added: [] };
    groups.set(path, changes);
    return changes;
  };
  for (const candidate of removed) if (!isExpression(candidate)) at(candidate.path).removed.add(candidate);
  for (const candidate of added) if (!isExpression(candidate)) at(candidate.path).added.push(candidate);
  return groups;
}

/** The list of one kind of path after the changes, or the same list if they do not affect it. */
function changeList(
  list: readonly Candidate[] | null,
  changes: ListChanges,
  belongs: (candidate: Candidate) => boolean,
): readonly Candidate[] | null {
  const kept = (list ?? []).filter((candidate) => !changes.removed.has(candidate));
  const added = changes.added.filter(belongs);
  if (added.length === 0 && kept.length === (list ?? []).length) return list;
  return kept.length + added.length === 0 ? null : kept.concat(added).sort(comparePrecedence);
}

function isExpression({ pathType }: Candidate): boolean {
  return pathType === 'RegularExpression';
}

function isExact({ pathType }: Candidate): boolean {
  return pathType === 'Exact';
}

/** GrpcMethods are tried at the prefix `/`, before its other matches. */
function isPrefix({ pathType }: Candidate): boolean {
  return pathType === 'PathPrefix' || pathType === 'GrpcMethod';
}

function makeLeaf(length: number, exact: readonly Candidate[] | null, prefix: readonly Candidate[] | null): PathLeaf {
  return { length, exact, prefix };
}
