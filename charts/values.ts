// The values of the chart as its values.yaml documents them: each with its default and the comment above it.
import { parseDocument, isMap, isScalar } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';

/** A value that can be set, or a group of them. */
export interface Value {
  /** Like `proxy.drain.delay`. */
  readonly path: string;
  /** The comment above it, line by line; empty for none. */
  readonly comment: readonly string[];
  /** As in the file, or null for a group. */
  readonly default: unknown;
  readonly isGroup: boolean;
}

type Entry = Pair<Node, Node | null>;

/** Values in the order of the file, each group before what is in it. A mapping in braces is one value, one that is indented is a group. */
export function valuesOf(text: string): readonly Value[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('the values are no mapping');
  return valuesIn(contents as YAMLMap<Node, Node | null>, '', '');
}

/** `before` is the comment that stands before the first entry: the parser gives it to the mapping. */
function valuesIn(map: YAMLMap<Node, Node | null>, prefix: string, before: string): readonly Value[] {
  return map.items.flatMap((entry, i) => valuesOfEntry(entry, prefix, i === 0 ? before : ''));
}

function valuesOfEntry({ key, value }: Entry, prefix: string, before: string): readonly Value[] {
  const path = `${prefix}${isScalar(key) ? String(key.value) : ''}`;
  const comment = commentOf(key.commentBefore ?? before);
  if (isMap(value) && value.flow !== true) {
    const group = { path, comment, default: null, isGroup: true };
    return [group, ...valuesIn(value as YAMLMap<Node, Node | null>, `${path}.`, value.commentBefore ?? '')];
  }
  return [{ path, comment, default: (value?.toJSON() as unknown) ?? null, isGroup: false }];
}

/** A blank line ends what belongs to the file and not to the entry. */
function commentOf(text: string): readonly string[] {
  const last = text.slice(text.lastIndexOf('\n\n') + 1).trimEnd();
  return last === '' ? [] : last.split('\n').map((line) => line.replace(/^ /, ''));
}
