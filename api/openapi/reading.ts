// The text of an OpenAPI document, YAML or JSON, to a value, within bounds: of the text, of what aliases repeat, and of the depth.
import { err, ok, type Result } from '#lib/result.ts';
import { isMap, isNode, isScalar, isSeq, LineCounter, parse, parseDocument, YAMLParseError } from 'yaml';
import type { DocumentFault, DocumentPath } from './faults.ts';

/** Bytes of a text: those of a ConfigMap. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

/** How many times aliases may repeat parts of a text. */
const MAX_ALIASES = 100;

/** Containers within each other. */
const MAX_DEPTH = 100;

/** Values of a document, with those that aliases repeat. */
const MAX_VALUES = 500_000;

/** An object of a document. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value of a text. */
export function parseText(text: string): Result<unknown, readonly DocumentFault[]> {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    return whole(`is larger than ${MAX_DOCUMENT_BYTES} bytes; remove what proxies do not need`);
  const parsed = text.trimStart().startsWith('{') ? ofJson(text) : ofYaml(text);
  if (!parsed.ok) return parsed;
  const reason = beyondBounds(parsed.value);
  return reason === null ? parsed : whole(reason);
}

function whole(reason: string): Result<never, readonly DocumentFault[]> {
  return err([{ path: [], reason }]);
}

/** Flow mappings of YAML begin like JSON. */
function ofJson(text: string): Result<unknown, readonly DocumentFault[]> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return ofYaml(text);
  }
}

function ofYaml(text: string): Result<unknown, readonly DocumentFault[]> {
  try {
    return ok(parse(text, { maxAliasCount: MAX_ALIASES, merge: false, logLevel: 'error' }) as unknown);
  } catch (error) {
    if (error instanceof YAMLParseError) return whole(`is not YAML: ${firstLine(error.message)}`);
    if (error instanceof RangeError) return whole(`is nested more than ${MAX_DEPTH} times`);
    return whole(`is not usable YAML: ${firstLine(error instanceof Error ? error.message : String(error))}`);
  }
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] as string).replace(/:$/, '');
}

/** Why a value is too large or too deep; null: it is not. */
function beyondBounds(value: unknown): string | null {
  const open: [unknown, number][] = [[value, 0]];
  let values = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [part, depth] = next;
    if (++values > MAX_VALUES) return `has more than ${MAX_VALUES} values`;
    if (typeof part !== 'object' || part === null) continue;
    if (depth >= MAX_DEPTH) return `is nested more than ${MAX_DEPTH} times`;
    for (const inner of Object.values(part)) open.push([inner, depth + 1]);
  }
  return null;
}

/** The line of a part in a text, from 1; that of the nearest part around it if the part has none. */
export function lineOf(text: string, path: DocumentPath): number {
  const counter = new LineCounter();
  let node: unknown = parseDocument(text, { lineCounter: counter, logLevel: 'silent' }).contents;
  let offset = 0;
  for (const name of path) {
    const [start, inner] = partOf(node, name);
    if (start === null) break;
    [offset, node] = [start, inner];
  }
  return counter.linePos(offset).line;
}

/** Where a member or element begins, and its value; null: there is none. */
function partOf(node: unknown, name: string): readonly [number | null, unknown] {
  if (isSeq(node)) {
    const element = node.items[Number(name)];
    return [startOf(element), element];
  }
  if (!isMap(node)) return [null, null];
  const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === name);
  return pair === undefined ? [null, null] : [startOf(pair.key), pair.value];
}

function startOf(node: unknown): number | null {
  return isNode(node) && node.range ? node.range[0] : null;
}
