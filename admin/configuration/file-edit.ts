// Edits one object in the text of a file: YAML with any number of documents, a List, JSON, or a sequence of JSON objects.
import { Document, LineCounter, isMap, isSeq } from 'yaml';
import type { Node, YAMLMap } from 'yaml';
import { refOf, objectId } from '#api/k8s/object.ts';
import { isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { equalJson, memberOf, withMember } from '#lib/json-value.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { parseDocuments, type FileObject } from '../../controller/watch/documents.ts';
import { partsOf } from '../../controller/watch/file-text.ts';
import { resolved, yamlDocuments } from '../../controller/watch/yaml-nodes.ts';
import { edited, removeItem, valueOf } from './yaml-edit.ts';

/** The objects as written in their file; a namespace that the file leaves out is part of them. */
export function writtenObjects(text: string, places: readonly FileObject[]): readonly (JsonObject | null)[] {
  return authoredObjects(text, places).map((value, i) => {
    const place = places[i];
    return value === null || place === undefined ? null : completed(value, place);
  });
}

/** The objects of a file without what it leaves out, in the order of the places; null: it is not there. Each part is parsed once. */
export function authoredObjects(text: string, places: readonly FileObject[]): readonly (JsonObject | null)[] {
  const parts = partsOf(text);
  const written = new Map<FileObject, JsonObject>();
  for (const [part, some] of Map.groupBy(places, (place) => place.part)) {
    const values = valuesIn(parts[part]?.text ?? '', new Set(some.map(({ offset }) => offset)));
    for (const place of some) {
      const value = values.get(place.offset);
      if (isObject(value)) written.set(place, value);
    }
  }
  return places.map((place) => written.get(place) ?? null);
}

/** The values at these offsets. */
function valuesIn(text: string, offsets: ReadonlySet<number>): ReadonlyMap<number, JsonValue> {
  return new Map(
    yamlDocuments(text, new LineCounter()).flatMap((document) =>
      [...nodesOf(document)].flatMap(([offset, { node }]) => (offsets.has(offset) ? [[offset, valueOf(document, node)] as const] : [])),
    ),
  );
}

/** With what the file leaves out: the kind of an entry of a list, the namespace `default`. */
function completed(value: JsonObject, { object }: FileObject): JsonObject {
  const { apiVersion = object.apiVersion, kind = object.kind, metadata, ...rest } = value;
  const { name, namespace: _, ...others } = isObject(metadata) ? metadata : {};
  const namespace = object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace };
  return { apiVersion, kind, metadata: { name, ...namespace, ...others }, ...rest };
}

/** Without what the file leaves out, so that an edit does not add it. */
function asWritten(after: JsonObject, before: JsonValue, { object }: FileObject): JsonObject {
  if (!isObject(before)) return after;
  let value = after;
  for (const name of ['apiVersion', 'kind']) if (!Object.hasOwn(before, name)) value = withMember(value, name, undefined);
  const [metadata, old] = [memberOf(value, 'metadata'), memberOf(before, 'metadata')];
  if (!isObject(metadata) || !isObject(old) || Object.hasOwn(old, 'namespace')) return value;
  return object.metadata.namespace === 'default' ? withMember(value, 'metadata', withMember(metadata, 'namespace', undefined)) : value;
}

interface Found {
  /** The texts before and after the document. */
  readonly before: string;
  readonly text: string;
  readonly after: string;
  readonly document: Document;
  readonly node: YAMLMap;
  /** The index in a List; null for a document of its own. */
  readonly item: number | null;
}

/** The document of an object. */
function find(text: string, { part, offset }: FileObject): Found | null {
  const parts = partsOf(text);
  const own = parts[part]?.text;
  if (own === undefined) return null;
  const first = parts.slice(0, part).reduce((length, each) => length + each.text.length, 0);
  let start = 0;
  for (const document of yamlDocuments(own, new LineCounter())) {
    const end = document.range[2];
    const found = nodesOf(document).get(offset) ?? null;
    const [from, to] = [first + start, first + end];
    if (found !== null) return { before: text.slice(0, from), text: text.slice(from, to), after: text.slice(to), document, ...found };
    start = end;
  }
  return null;
}

/** The nodes of a document that may be objects, by their offset: the document itself, or the entries of a list. */
function nodesOf(document: Document): ReadonlyMap<number, Pick<Found, 'node' | 'item'>> {
  const nodes = new Map<number, Pick<Found, 'node' | 'item'>>();
  const root = document.contents as Node | null;
  if (!isMap(root)) return nodes;
  const items = resolved(root.get('items', true), document);
  const entries = isSeq(items) ? items.items : [];
  for (const [item, node] of entries.entries()) {
    const offset = resolved(node, document)?.range?.[0];
    if (isMap(node) && offset !== undefined) nodes.set(offset, { node, item });
  }
  return nodes.set(root.range?.[0] ?? 0, { node: root, item: null });
}

/**
 * The text of the file with the object changed, or without it; the other objects are the same. The error is a sentence without its
 * subject.
 */
export function editedText(text: string, place: FileObject, after: JsonObject | null): Result<string> {
  const found = find(text, place);
  if (found === null) return err('writes the object in a form that cannot be edited here');
  const changed = found.before + editedDocument(found, place, after) + found.after;
  return isSound(text, changed, place, after) ? ok(changed) : err('shares parts between objects in a way that cannot be edited here');
}

function editedDocument(found: Found, place: FileObject, after: JsonObject | null): string {
  const { document, node, item, text } = found;
  const items = item === null ? null : resolved((document.contents as unknown as YAMLMap).get('items', true), document);
  if (after !== null) edited(document, node, asWritten(after, valueOf(document, node), place));
  else if (isSeq(items) && items.items.length > 1 && item !== null) removeItem(document, items, item);
  else return leadingComment(found);
  return isJson(text) ? jsonText(text, valueOf(document, document.contents)) : yamlText(text, document);
}

/** The comment at the head of a file, with an empty line after it, is about the file and not about its first object. */
function leadingComment({ before, text }: Found): string {
  return before === '' ? (/^(?:#[^\n]*\n)+(?=\n)/.exec(text)?.[0] ?? '') : '';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function jsonText(text: string, value: JsonValue): string {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? (text.trim().includes('\n') ? '  ' : '');
  const [lead = ''] = /^\s*/.exec(text) ?? [];
  const [tail = ''] = /\s*$/.exec(text) ?? [];
  return lead + JSON.stringify(value, null, indent) + tail;
}

function yamlText(text: string, document: Document): string {
  const indent = /^( {1,8})\S/m.exec(text.replace(/^\s*#.*$/gm, ''))?.[1]?.length ?? 2;
  const indentSeq = !/^( *)(?! )(?!- )[^#\n]+:[ \t]*(?:#.*)?\n\1- /m.test(text);
  const flowCollectionPadding = !/[[{][^\s\]}]/.test(text) || /[[{] \S/.test(text);
  const written = document.toString({ lineWidth: 0, indent, indentSeq, flowCollectionPadding });
  return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
}

/** Whether the text has the changed object as it must be, and all others as before, read as the source reads them. */
function isSound(before: string, changed: string, place: FileObject, after: JsonObject | null): boolean {
  const id = objectId(refOf(place.object));
  const [old, now] = [parseDocuments('', before), parseDocuments('', changed)];
  if (now.broken) return false;
  const others = ({ objects }: typeof old): JsonValue =>
    objects.filter(({ object }) => objectId(refOf(object)) !== id).map(({ object }) => object as unknown as JsonObject);
  if (!equalJson(others(old), others(now)) || !equalJson([...old.skipped], [...now.skipped])) return false;
  const same = (content: typeof old): readonly FileObject[] => content.objects.filter(({ object }) => objectId(refOf(object)) === id);
  if (after === null) return same(now).length === same(old).length - 1;
  const own = same(now).find(({ object }) => equalJson(object as unknown as JsonObject, validated(after)));
  return same(now).length === same(old).length && own !== undefined;
}

function validated(after: JsonObject): JsonValue {
  const [own] = parseDocuments('', JSON.stringify(after)).objects;
  return (own?.object ?? null) as unknown as JsonValue;
}

/** The text of a file with one new object. */
export function newText(object: JsonObject): string {
  const document = new Document();
  document.contents = edited(document, null, object);
  return document.toString({ lineWidth: 0 });
}
