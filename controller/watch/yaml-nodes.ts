// Navigates YAML documents: follows aliases and merge keys, resolves field paths, finds lines.
import { isAlias, isMap, isNode, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, LineCounter, Node, Scalar, YAMLMap } from 'yaml';
import { YAML_BOOLEANS } from '#api/k8s/yaml-words.ts';

/** Limit for the expansion of aliases; real files have fewer. */
export const MAX_ALIASES = 100;

/** The documents of a text, read as kubectl reads it: merge keys count, and a name that a map has twice is an error. */
export function yamlDocuments(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { lineCounter, uniqueKeys: true, prettyErrors: false, merge: true, logLevel: 'error' });
  return Array.isArray(documents) ? documents : [];
}

/** The node, with an alias replaced by its anchor; null if there is none. */
export function resolved(node: unknown, document: Document): Node | null {
  if (isAlias(node)) return node.resolve(document) ?? null;
  return isNode(node) ? node : null;
}

/** The nodes along a path such as `spec.rules[0].path`, as far as they exist. */
export function* nodesTo(root: Node, field: string, document: Document): Generator<Node> {
  let current = resolved(root, document);
  for (const [, key, name] of field.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)) {
    const child = childOf(current, key ?? name ?? '', document);
    if (child === null) return;
    yield child;
    current = resolved(child, document);
  }
}

function childOf(node: Node | null, step: string, document: Document): Node | null {
  if (isSeq(node)) return nodeOrNull(node.get(Number(step), true));
  return isMap(node) ? (nodeOrNull(node.get(step, true)) ?? merged(node, step, document)) : null;
}

/** The value of a field that a merge key (`<<`) adds to a map. */
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

/** The 1-based line at which a node starts. */
export function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line;
}

/**
 * The value of a plain word in YAML 1.1, which kubectl reads, if it is text in YAML 1.2: `yes`, `off`, `1_000`. Undefined if it is text in
 * both.
 */
export function valueInYaml11(node: Node): boolean | number | undefined {
  return isScalar(node) && node.type === 'PLAIN' && node.source !== undefined ? wordInYaml11(node.source) : undefined;
}

function wordInYaml11(source: string): boolean | number | undefined {
  if (/^(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)$/.test(source)) return YAML_BOOLEANS.get(source.toLowerCase());
  return /^[-+]?[0-9][0-9_]*$/.test(source) ? Number(source.replaceAll('_', '')) : undefined;
}

/** A scalar of an object with the path of its field. */
interface PlacedScalar {
  readonly node: Scalar;
  readonly field: string;
}

/** Every scalar below a node, without those of aliases. */
export function* scalarsIn(node: Node | null, field = ''): Generator<PlacedScalar> {
  if (isScalar(node)) yield { node, field };
  else if (isSeq(node)) for (const [i, item] of node.items.entries()) yield* scalarsIn(nodeOrNull(item), `${field}[${i}]`);
  else if (isMap(node)) for (const { key, value } of node.items) yield* scalarsIn(nodeOrNull(value), fieldIn(field, String(key)));
}

function fieldIn(parent: string, name: string): string {
  if (name.includes('.') || name.includes('/')) return `${parent}[${name}]`;
  return parent === '' ? name : `${parent}.${name}`;
}

/** The difference between a plain word here and for kubectl, which reads YAML 1.1; null if there is none. */
export function otherReading({ value, source, type }: Scalar): string | null {
  if (type !== 'PLAIN' || source === undefined) return null;
  if (typeof value === 'string') return otherThanText(source);
  const octal = Number.parseInt(source, 8);
  if (typeof value !== 'number' || !/^[-+]?0[0-7]+$/.test(source) || octal === value) return null;
  return `${source} is ${value} here and ${octal} for kubectl, which reads it as octal; write it without the leading 0`;
}

function otherThanText(source: string): string | null {
  const value = wordInYaml11(source);
  if (value === undefined) return null;
  const kind = typeof value === 'boolean' ? `the boolean ${value}` : `the number ${value}`;
  return `${source} without quotes is ${kind} for kubectl, which the API server refuses here; write "${source}"`;
}
