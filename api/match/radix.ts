// A persistent radix tree over ASCII keys: paths forwards, host suffixes backwards. A change copies the nodes on its path and shares all
// others, so its cost does not depend on the number of routes.

/** One node. `children[code - base]` continues with that character; nodes without a value have at least two children. */
export interface RadixNode<V> {
  readonly label: string;
  readonly value: V | null;
  readonly base: number;
  readonly children: readonly (RadixNode<V> | null)[];
}

// All nodes come from this literal, so that V8 sees one shape in the search loops.
function makeNode<V>(label: string, value: V | null, base: number, children: readonly (RadixNode<V> | null)[]): RadixNode<V> {
  return { label, value, base, children };
}

const NO_CHILDREN: readonly null[] = [];

/** The value of exactly this key, or null. */
export function radixGet<V>(root: RadixNode<V> | null, key: string): V | null {
  let node = root;
  let position = 0;
  while (node !== null) {
    if (!key.startsWith(node.label, position)) return null;
    position += node.label.length;
    if (position === key.length) return node.value;
    node = radixChild(node, key.charCodeAt(position));
  }
  return null;
}

/** A tree in which the key has this value; null removes it. The shape depends only on the keys, not on the order of changes. */
export function radixSet<V>(node: RadixNode<V> | null, key: string, value: V | null): RadixNode<V> | null {
  if (node === null) return value === null ? null : makeNode(key, value, 0, NO_CHILDREN);
  const shared = sharedLength(node.label, key);
  if (shared < node.label.length) return value === null ? node : split(node, shared, key, value);
  if (shared === key.length) return tidy(makeNode(node.label, value, node.base, node.children));
  const code = key.charCodeAt(shared);
  const child = radixSet(radixChild(node, code), key.slice(shared), value);
  return tidy(withChild(node, code, child));
}

/** The child for this character, or null. */
export function radixChild<V>(node: RadixNode<V>, code: number): RadixNode<V> | null {
  const index = code - node.base;
  return index >= 0 && index < node.children.length ? (node.children[index] as RadixNode<V> | null) : null;
}

/** All keys with their values, in the order of character codes. */
export function* radixEntries<V>(node: RadixNode<V> | null, before = ''): Generator<[string, V]> {
  if (node === null) return;
  const key = before + node.label;
  if (node.value !== null) yield [key, node.value];
  for (const child of node.children) yield* radixEntries(child, key);
}

function sharedLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}

/** Splits the label of a node and adds the key beside or at the split. */
function split<V>(node: RadixNode<V>, at: number, key: string, value: V): RadixNode<V> {
  const lower = makeNode(node.label.slice(at), node.value, node.base, node.children);
  const upper = makeNode(node.label.slice(0, at), at === key.length ? value : null, lower.label.charCodeAt(0), [lower]);
  if (at === key.length) return upper;
  return withChild(upper, key.charCodeAt(at), makeNode(key.slice(at), value, 0, NO_CHILDREN));
}

function withChild<V>(node: RadixNode<V>, code: number, child: RadixNode<V> | null): RadixNode<V> {
  const first = node.children.length === 0 ? code : Math.min(code, node.base);
  const last = node.children.length === 0 ? code : Math.max(code, node.base + node.children.length - 1);
  const children: (RadixNode<V> | null)[] = [];
  for (let c = first; c <= last; c++) children.push(c === code ? child : radixChild(node, c));
  return trimmed(node, first, children);
}

/** Removes empty ends of the child table, so that equal keys always give equal nodes. */
function trimmed<V>(node: RadixNode<V>, first: number, children: readonly (RadixNode<V> | null)[]): RadixNode<V> {
  let start = 0;
  let end = children.length;
  while (start < end && children[start] === null) start++;
  while (end > start && children[end - 1] === null) end--;
  if (start === end) return makeNode(node.label, node.value, 0, NO_CHILDREN);
  return makeNode(node.label, node.value, first + start, children.slice(start, end));
}

/** Removes or merges a node without a value and without branches. */
function tidy<V>(node: RadixNode<V>): RadixNode<V> | null {
  if (node.value !== null) return node;
  let only: RadixNode<V> | null = null;
  for (const child of node.children) {
    if (child === null) continue;
    if (only !== null) return node;
    only = child;
  }
  return only === null ? null : makeNode(node.label + only.label, only.value, only.base, only.children);
}
