// The values of the chart from values.yaml: each with its default and the comment above it.
import { parseDocument, isMap, isScalar } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';

/** A value, or a group of values. */
export interface Value {
  /** Such as `proxy.drain.delay`. */
  readonly path: string;
  /** The lines of the comment above it; empty without one. */
  readonly comment: readonly string[];
  /** The default as in the file; null for a group. */
  readonly default: unknown;
  readonly isGroup: boolean;
}

type Entry = Pair<Node, Node | null>;

/** Values in the order of the file, each group before its members. A mapping in braces is a value, an indented one is a group. */
export function valuesOf(text: string): readonly Value[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('the values are no mapping');
  return valuesIn(contents as YAMLMap<Node, Node | null>, '', '');
}

/** `before`: the comment before the first entry, which the parser attaches to the mapping. */
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

/** The comment of an entry begins after the last blank line; lines before it belong to the file. */
function commentOf(text: string): readonly string[] {
  const last = text.slice(text.lastIndexOf('\n\n') + 1).trimEnd();
  return last === '' ? [] : last.split('\n').map((line) => line.replace(/^ /, ''));
}
