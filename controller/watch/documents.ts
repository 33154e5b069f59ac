// A file of YAML or JSON > the objects in it, each with the line it begins on and whatever is wrong with it.
import { LineCounter, parseAllDocuments, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node } from 'yaml';
import { kindOf } from '#api/k8s/kinds.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { validateObject } from '#api/k8s/validate.ts';
import type { SourceProblem } from './event.ts';

/** An object as it stands in a file. */
export interface FileObject {
  readonly object: KubernetesObject;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** What a file holds. `broken`: it holds something without a name, so that nothing can be said of what is missing from it. */
export interface FileContent {
  readonly objects: readonly FileObject[];
  readonly problems: readonly SourceProblem[];
  readonly broken: boolean;
}

/** Aliases expand; a few hundred of them are more than any honest file has. */
const MAX_ALIASES = 100;

/** Reads all documents of a file. */
export function parseDocuments(file: string, text: string): FileContent {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problems: SourceProblem[] = [];
  const objects: FileObject[] = [];
  for (const document of Array.isArray(documents) ? documents : []) {
    const fault = document.errors[0];
    if (fault !== undefined) {
      problems.push({ file, line: lines.linePos(fault.pos[0]).line, object: '', field: '', reason: firstLine(fault.message) });
      continue;
    }
    for (const node of itemsOf(document)) takeNode(node, document, { file, lines, objects, problems });
  }
  return { objects, problems, broken: problems.some(({ object }) => object === '') };
}

interface Target {
  readonly file: string;
  readonly lines: LineCounter;
  readonly objects: FileObject[];
  readonly problems: SourceProblem[];
}

/** The objects of a document: itself, or the items of a List. */
function itemsOf(document: Document): Node[] {
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (isMap(root) && typeof root.get('kind') === 'string' && String(root.get('kind')).endsWith('List')) {
    const items = root.get('items', true);
    if (isSeq(items)) return items.items as Node[];
  }
  return [root];
}

function takeNode(node: Node, document: Document, target: Target): void {
  const { file, lines, objects, problems } = target;
  const line = lineOf(node, lines);
  const value = valueOf(node, document);
  if (!value.ok) {
    problems.push({ file, line, object: '', field: '', reason: value.reason });
    return;
  }
  const valid = validateObject(value.value, { strict: true });
  if (valid.ok) {
    objects.push({ object: valid.value, file, line });
    return;
  }
  for (const { field, reason } of valid.error) {
    problems.push({ file, line: lineOfField(node, field, lines) ?? line, object: nameOf(value.value), field, reason });
  }
}

function valueOf(node: Node, document: Document): { ok: true; value: unknown } | { ok: false; reason: string } {
  try {
    return { ok: true, value: node.toJS(document, { maxAliasCount: MAX_ALIASES }) as unknown };
  } catch (error) {
    return { ok: false, reason: firstLine((error as Error).message) };
  }
}

function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line;
}

/** The line of `spec.rules[0].path`, or of the nearest parent that is there. */
function lineOfField(node: Node, field: string, lines: LineCounter): number | null {
  const steps = [...field.matchAll(/([^.[\]]+)/g)].map((match) => match[1] as string);
  let current: unknown = node;
  let line: number | null = null;
  for (const step of steps) {
    if (isMap(current)) current = current.get(step, true);
    else if (isSeq(current)) current = current.get(Number(step), true);
    else break;
    if (typeof current === 'object' && current !== null && 'range' in current) line = lineOf(current as Node, lines);
  }
  return line;
}

/** `Kind/namespace/name` of something that may not be an object at all. */
function nameOf(value: unknown): string {
  const { apiVersion = '', kind, metadata } = (typeof value === 'object' && value !== null ? value : {}) as Partial<KubernetesObject>;
  if (typeof kind !== 'string' || typeof metadata?.name !== 'string') return '';
  const { namespace, name } = refOf({ apiVersion, kind, metadata });
  return objectId({ kind, name, namespace: namespace === '' && kindOf(apiVersion, kind)?.namespaced === true ? 'default' : namespace });
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
