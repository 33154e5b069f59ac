// The objects of files, folders or the standard input, as weir apply and weir diff take them.
import { readFileSync } from 'node:fs';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { authoredObjects } from '../../admin/configuration/file-edit.ts';
import { parseDocuments, type FileObject } from '../../controller/watch/documents.ts';
import { decodeText } from '../../controller/watch/file-text.ts';
import { readOnce } from '../../controller/watch/folder.ts';
import type { SourceProblem } from '../../controller/watch/event.ts';
import { UsageError } from '../command.ts';

/** An object, and its path in the API. */
export interface Manifest {
  readonly path: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly object: Readonly<Record<string, unknown>>;
}

export interface Manifests {
  readonly items: readonly Manifest[];
  /** Reasons why a document is no valid object. */
  readonly problems: readonly SourceProblem[];
  /** Documents of kinds that Weir does not read. */
  readonly skipped: number;
}

/** Reads them; `-` is the standard input. `namespace`: that of objects without one. */
export async function readManifests(places: readonly string[], namespace: string): Promise<Manifests> {
  if (places.length === 0) throw new UsageError('-f FILE|DIR is missing; -f - is the standard input');
  const contents: ReadContent[] = [];
  const files = places.filter((place) => place !== '-');
  if (files.length > 0) contents.push(await filesContent(files));
  if (files.length < places.length) contents.push(inputContent());
  return {
    items: contents.flatMap(({ written }) => written.map((object) => manifestOf(object, namespace))),
    problems: contents.flatMap(({ problems }) => problems),
    skipped: contents.reduce((sum, { skipped }) => sum + skipped.length, 0),
  };
}

interface ReadContent {
  readonly written: readonly Written[];
  readonly problems: readonly SourceProblem[];
  readonly skipped: readonly string[];
}

/** An object as its author wrote it: the reader of the controller adds defaults, which are not for files. */
interface Written {
  readonly object: JsonObject;
  readonly read: KubernetesObject;
}

async function filesContent(files: readonly string[]): Promise<ReadContent> {
  const { places, problems, skipped } = await readOnce(files);
  const byFile = Map.groupBy(places.values(), ({ file }) => file);
  const written = [...byFile].flatMap(([file, found]) => writtenIn(decodeText(readFileSync(file)), found));
  return { written, problems, skipped };
}

function inputContent(): ReadContent {
  const text = decodeText(readFileSync(0));
  const { objects, problems, skipped } = parseDocuments('standard input', text);
  return { written: writtenIn(text, objects), problems, skipped };
}

function writtenIn(text: string, places: readonly FileObject[]): readonly Written[] {
  const objects = authoredObjects(text, places);
  return places.map(({ object: read }, i) => {
    const object = objects[i];
    if (object === undefined || object === null) throw new UsageError('a file has changed while it was read; try again');
    return { object, read };
  });
}

/** Items of a list may omit what the list says. */
function manifestOf({ object, read: { apiVersion, kind, metadata } }: Written, namespace: string): Manifest {
  const whole = { apiVersion, kind, ...object };
  const { namespaced } = KINDS[kind as keyof typeof KINDS];
  if (!namespaced) return { path: { kind, namespace: '-', name: metadata.name }, object: whole };
  const given = object['metadata'] as { readonly namespace?: string };
  const own = given.namespace ?? namespace;
  return { path: { kind, namespace: own, name: metadata.name }, object: { ...whole, metadata: { ...given, namespace: own } } };
}
