// Finding one's way in a document of YAML: through aliases and merge keys, by field paths, to lines.
import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Document, LineCounter, Node, YAMLMap } from 'yaml';

/** What a node stands for: an alias for its anchor; null for nothing. */
export function resolved(node: unknown, document: Document): Node | null {
  if (isAlias(node)) return node.resolve(document) ?? null;
  return isNode(node) ? node : null;
}

/** The nodes on the way to `spec.rules[0].path`, as far as they are there. */
export function* nodesTo(root: Node, field: string, document: Document): Generator<Node> {
  let current = resolved(root, document);
  for (const [, step] of field.matchAll(/([^.[\]]+)/g)) {
    const child = childOf(current, step as string, document);
    if (child === null) return;
    yield child;
    current = resolved(child, document);
  }
}

function childOf(node: Node | null, step: string, document: Document): Node | null {
  if (isSeq(node)) return nodeOrNull(node.get(Number(step), true));
  return isMap(node) ? (nodeOrNull(node.get(step, true)) ?? merged(node, step, document)) : null;
}

/** The field of a map that comes by a merge key (`<<`). */
function merged(map: YAMLMap, step: string, document: Document): Node | null {
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.source !== '<<') continue;
    const source = resolved(value, document);
    for (const each of isSeq(source) ? source.items : [source]) {
      const child = childOf(resolved(each, document), step, document);
      if (child !== null) return child;
    }
  }
  return null;
}

function nodeOrNull(value: unknown): Node | null {
  return isNode(value) ? value : null;
}

/** The line a node begins on, 1-based. */
export function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['n', 'no', 'off'].map((word) => [word, false] as const),
]);

/**
 * What YAML 1.1, which kubectl reads, makes of a bare word that YAML 1.2 takes for text: `yes`, `off`, `1_000`; undefined where it is
 * text there too.
 */
export function valueInYaml11(node: Node): boolean | number | undefined {
  if (!isScalar(node) || node.type !== 'PLAIN' || node.source === undefined) return undefined;
  const { source } = node;
  if (/^(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)$/.test(source)) return BOOLEANS.get(source.toLowerCase());
  return /^[-+]?[0-9][0-9_]*$/.test(source) ? Number(source.replaceAll('_', '')) : undefined;
}
