// The objects of a folder as their authors wrote them. What one request has made of a file serves the next ones, until the file changes.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { objectId, refOf, type ObjectRef } from '#api/k8s/object.ts';
import { compareText } from '#lib/compare-text.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { FileObject } from '../../controller/watch/documents.ts';
import { decodeText } from '../../controller/watch/file-text.ts';
import type { MergedContent } from '../../controller/watch/folder.ts';
import type { StoredObject } from './configuration-store.ts';
import { etagOf } from './etag.ts';
import { writtenObjects } from './file-edit.ts';

/** An object in a list. */
export interface ListedObject {
  readonly ref: ObjectRef;
  readonly labels: Readonly<Record<string, string>>;
}

export class FolderObjects {
  readonly #folder: string;
  /** Entries live as long as the reader has the file as it was. */
  readonly #stored = new WeakMap<FileObject, StoredObject>();
  readonly #byFile = new WeakMap<MergedContent['places'], ReadonlyMap<string, readonly FileObject[]>>();
  readonly #lists = new WeakMap<MergedContent, Map<string, readonly ListedObject[]>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All objects of a kind that files define, in the order of namespace and name. */
  list(content: MergedContent, kind: string): readonly ListedObject[] {
    const lists = this.#lists.get(content) ?? new Map<string, readonly ListedObject[]>();
    this.#lists.set(content, lists);
    const known = lists.get(kind);
    if (known !== undefined) return known;
    const objects = [...content.objects.values()].filter((object) => object.kind === kind && content.places.has(objectId(refOf(object))));
    const list = objects
      .map((object) => ({ ref: refOf(object), labels: object.metadata.labels ?? {} }))
      .sort((a, b) => compareText(a.ref.namespace, b.ref.namespace) || compareText(a.ref.name, b.ref.name));
    lists.set(kind, list);
    return list;
  }

  /** The object of a document; null if no document defines it. */
  async get(ref: ObjectRef, places: MergedContent['places']): Promise<StoredObject | null> {
    const place = places.get(objectId(ref));
    if (place === undefined) return null;
    if (!this.#stored.has(place)) this.#take(decodeText(await readFile(place.file)), this.#placesIn(place.file, places));
    return this.#stored.get(place) ?? null;
  }

  /** The object of a document in a text. */
  getIn(text: string, place: FileObject): StoredObject | null {
    const [object = null] = writtenObjects(text, [place]);
    return object === null ? null : this.shown(refOf(place.object), object, place);
  }

  /** With its ETag and place. */
  shown(ref: ObjectRef, object: JsonObject, { file, line }: Pick<FileObject, 'file' | 'line'>): StoredObject {
    return { ref, object, etag: etagOf(object), place: { file: path.relative(this.#folder, file), line } };
  }

  #take(text: string, places: readonly FileObject[]): void {
    const written = writtenObjects(text, places);
    for (const [i, place] of places.entries()) {
      const object = written[i] ?? null;
      if (object !== null) this.#stored.set(place, this.shown(refOf(place.object), object, place));
    }
  }

  #placesIn(file: string, places: MergedContent['places']): readonly FileObject[] {
    const byFile = this.#byFile.get(places) ?? Map.groupBy(places.values(), (place) => place.file);
    this.#byFile.set(places, byFile);
    return byFile.get(file) ?? [];
  }
}
