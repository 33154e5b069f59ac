// Files of manifests > the objects in them, of whatever kind, each with its place.
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMap as isYamlMap, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { isMap } from './fields.ts';
import type { Note } from './note.ts';

/** An object as it stands in a file. */
export interface InputObject {
  readonly apiVersion: string;
  /** The part of apiVersion before the slash; '' for the core group. */
  readonly group: string;
  readonly kind: string;
  /** '' where the kind has none. */
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What files hold: objects, and notes about parts that cannot be read. */
export interface Input {
  readonly objects: readonly InputObject[];
  readonly notes: readonly Note[];
}

/** Of the kinds that sources read. */
const CLUSTER_SCOPED = new Set(['GatewayClass', 'IngressClass', 'Namespace']);
const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** Reads files, and every YAML or JSON file below folders. Rejects when a path does not exist. */
export async function readInput(paths: readonly string[]): Promise<Input> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const inputs = await Promise.all(files.map(async (file) => parseInput(file, await readFile(file, 'utf8'))));
  return { objects: inputs.flatMap(({ objects }) => objects), notes: inputs.flatMap(({ notes }) => notes) };
}

async function filesOf(name: string): Promise<string[]> {
  if (!(await stat(name)).isDirectory()) return [name];
  const entries = await readdir(name, { recursive: true });
  const visible = entries.filter((entry) => !entry.split(path.sep).some((part) => part.startsWith('.')));
  return visible
    .filter((entry) => EXTENSIONS.has(path.extname(entry)))
    .sort()
    .map((entry) => path.join(name, entry));
}

/** Reads all documents of one file. */
export function parseInput(file: string, text: string): Input {
  const objects: InputObject[] = [];
  const notes: Note[] = [];
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true });
  for (const document of Array.isArray(documents) ? documents : []) {
    const fault = document.errors[0];
    if (fault !== undefined) {
      const advice = text.includes('{{') ? 'render the template first (`helm template`)' : 'mend the file';
      notes.push(unreadable(file, lines.linePos(fault.pos[0]).line, fault.message.split('\n', 1)[0] ?? '', advice));
      continue;
    }
    for (const { node, value } of valuesOf(document)) {
      const line = lines.linePos(node.range?.[0] ?? 0).line;
      const object = objectOf(value, file, line);
      if (object === null) notes.push(unreadable(file, line, 'a document without apiVersion, kind or name', 'mend the file'));
      else objects.push(object);
    }
  }
  return { objects, notes };
}

function unreadable(file: string, line: number, reason: string, advice: string): Note {
  return { level: 'left out', file, line, object: '', field: '', reason, advice };
}

/** The objects of a document: itself, or the items of a List. */
function valuesOf(document: Document): { readonly node: Node; readonly value: unknown }[] {
  const root = document.contents;
  if (root === null || document.toJS() === null) return [];
  const items = isYamlMap(root) && root.get('kind') === 'List' ? root.get('items') : null;
  const nodes = isSeq(items) ? (items.items as Node[]) : [root];
  return nodes.map((node) => ({ node, value: node.toJS(document) as unknown }));
}

function objectOf(value: unknown, file: string, line: number): InputObject | null {
  if (!isMap(value) || !isMap(value['metadata'])) return null;
  const { apiVersion, kind, metadata } = value as { apiVersion: unknown; kind: unknown; metadata: Record<string, unknown> };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata['name'] !== 'string') return null;
  const named = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : 'default';
  const namespace = CLUSTER_SCOPED.has(kind) ? '' : named;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return { apiVersion, group, kind, namespace, name: metadata['name'], file, line, value };
}
