// Changes the value of a node of a YAML document: only the nodes that differ, so that comments, order and anchors of the others stay.
import { isAlias, isMap, isNode, isScalar, isSeq, visit } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { sharedEnds } from '#lib/json-patch.ts';
import { equalJson, memberOf } from '#lib/json-value.ts';
import { MAX_ALIASES, otherReading, resolved } from '../../controller/watch/yaml-nodes.ts';

/** The node to put in place of `node`, mostly the same one, so that its value is `value`. */
export function edited(document: Document, node: Node | null, value: JsonValue): Node {
  if (node === null) return created(document, value);
  if (equalJson(valueOf(document, node), value)) return node;
  if (isMap(node) && isObject(value)) return editedMap(document, node, value);
  if (isSeq(node) && isList(value)) return editedSeq(document, node, value);
  release(document, node, true);
  return withComments(created(document, value), node);
}

/** Takes an entry out of a list, for good. */
export function removeItem(document: Document, list: YAMLSeq, index: number): void {
  const item = list.items[index];
  if (isNode(item)) release(document, item, true);
  list.items.splice(index, 1);
}

/** The JSON value of a node. */
export function valueOf(document: Document, node: unknown): JsonValue {
  return isNode(node) ? (node.toJS(document, { maxAliasCount: MAX_ALIASES }) as JsonValue) : null;
}

/** A node for a new value. Text that kubectl would take for something else gets quotes. */
function created(document: Document, value: JsonValue): Node {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node;
  visit(node, {
    Scalar(_, scalar) {
      const { value: text } = scalar;
      if (typeof text === 'string' && otherReading({ value: text, source: text, type: 'PLAIN' } as Scalar) !== null)
        scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return node;
}

/** Comments and quotes of a replaced node. */
function withComments(node: Node, before: Node): Node {
  if (typeof before.commentBefore === 'string') node.commentBefore = before.commentBefore;
  if (typeof before.comment === 'string') node.comment = before.comment;
  if (before.spaceBefore === true) node.spaceBefore = true;
  if (isScalar(node) && isScalar(before) && typeof node.value === 'string' && before.type?.startsWith('QUOTE') === true)
    node.type = before.type;
  return node;
}

function nameOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function isMerge({ key }: Pair): boolean {
  return isScalar(key) && key.source === '<<';
}

function editedMap(document: Document, map: YAMLMap, value: JsonObject): Node {
  release(document, map, false);
  const merged = mergedMembers(document, map);
  if (Object.keys(merged).some((name) => !Object.hasOwn(value, name))) spellOut(document, map, merged);
  for (const pair of map.items.filter((each) => !isMerge(each))) {
    const member = memberOf(value, nameOf(pair));
    if (member === undefined) removePair(document, map, pair);
    else pair.value = edited(document, isNode(pair.value) ? pair.value : null, member);
  }
  addMembers(document, map, value);
  return map;
}

/** Adds the members that the map lacks, and that no merge key adds with the same value. */
function addMembers(document: Document, map: YAMLMap, value: JsonObject): void {
  const own = new Set(map.items.filter((pair) => !isMerge(pair)).map(nameOf));
  const inherited = mergedMembers(document, map);
  for (const [name, member] of Object.entries(value))
    if (member !== undefined && !own.has(name) && !equalJson(memberOf(inherited, name), member))
      map.items.push(document.createPair(name, created(document, member)) as Pair<Node, Node>);
}

function removePair(document: Document, map: YAMLMap, pair: Pair): void {
  if (isNode(pair.value)) release(document, pair.value, true);
  map.items.splice(map.items.indexOf(pair as never), 1);
}

/** The members that merge keys add, without those that the map has itself. */
function mergedMembers(document: Document, map: YAMLMap): JsonObject {
  if (!map.items.some(isMerge)) return {};
  const own = new Set(map.items.filter((pair) => !isMerge(pair)).map(nameOf));
  const all = valueOf(document, map);
  return Object.fromEntries(Object.entries(isObject(all) ? all : {}).filter(([name]) => !own.has(name)));
}

/** Replaces the merge keys of a map by what they add, since a merge key cannot take a member out. */
function spellOut(document: Document, map: YAMLMap, merged: JsonObject): void {
  for (const pair of map.items.filter(isMerge)) removePair(document, map, pair);
  for (const [name, member] of Object.entries(merged))
    if (member !== undefined) map.items.push(document.createPair(name, created(document, member)) as Pair<Node, Node>);
}

function editedSeq(document: Document, list: YAMLSeq, value: readonly JsonValue[]): Node {
  release(document, list, false);
  const before = list.items.map((item) => valueOf(document, item));
  const { head, tail } = sharedEnds(before, value);
  const [last, lastNow] = [before.length - tail, value.length - tail];
  for (let i = last - 1; i >= lastNow; i--) removeItem(document, list, i);
  for (let i = head; i < Math.min(last, lastNow); i++) {
    const item = list.items[i];
    list.items[i] = edited(document, isNode(item) ? item : null, value[i] ?? null);
  }
  const added = value.slice(Math.max(head, Math.min(last, lastNow)), lastNow).map((each) => created(document, each));
  if (lastNow > last) list.items.splice(last, 0, ...added);
  return list;
}

/**
 * Before a node with an anchor changes or goes: the first alias of it becomes a copy that has the anchor, so that the others keep the value
 * that they have. `withChildren`: all nodes below it go too.
 */
function release(document: Document, node: Node, withChildren: boolean): void {
  const anchored: (Node & { anchor?: string })[] = [];
  visit(node, {
    Node(_, each) {
      if (!isAlias(each) && (each as { anchor?: string }).anchor !== undefined) anchored.push(each as Node & { anchor?: string });
      return withChildren ? undefined : visit.BREAK;
    },
  });
  for (const each of anchored) moveAnchor(document, each, withChildren ? node : null);
}

function moveAnchor(document: Document, anchored: Node & { anchor?: string }, going: Node | null): void {
  const aliases = new Set<Alias>();
  visit(document, {
    Alias(_, alias, path) {
      const isGoing = going !== null && path.some((parent) => parent === going);
      if (!isGoing && resolved(alias, document) === anchored) aliases.add(alias);
    },
  });
  if (aliases.size === 0) return;
  const { anchor } = anchored;
  let isFirst = true;
  visit(document, {
    Alias(_, alias) {
      if (!isFirst || !aliases.has(alias)) return undefined;
      isFirst = false;
      return withAnchor(anchored, anchor);
    },
  });
  delete anchored.anchor;
}

function withAnchor(node: Node, anchor: string | undefined): Node {
  const copy = node.clone() as Node & { anchor?: string };
  if (anchor !== undefined) copy.anchor = anchor;
  return copy;
}
