// Finds the file of a repository that defines an object, and edits it in place with its comments.
import path from 'node:path/posix';
import { objectId, refOf, type ObjectRef } from '#api/k8s/object.ts';
import { equalJson } from '#lib/json-value.ts';
import { mergePatchOf } from '#lib/merge-patch.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { ok, type Result } from '#lib/result.ts';
import { parseDocuments, type FileObject } from '../../controller/watch/documents.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { ObjectChange, StoredObject } from '../configuration/configuration-store.ts';
import { editedText, newText, writtenObjects } from '../configuration/file-edit.ts';
import { fileNameOf } from '../configuration/folder-files.ts';
import { plannedObject } from '../configuration/planned-change.ts';

/** A file after a change; null: it is gone. */
export interface SourceEdit {
  readonly file: string;
  readonly text: string | null;
}

/** The texts of files by path. */
export type SourceTexts = ReadonlyMap<string, string>;

/** Makes a change in the source. `live`: the object in the cluster, which a replacement is compared with; null if it is not needed. */
export function sourceEdit(
  texts: SourceTexts,
  folder: string,
  change: ObjectChange,
  live: StoredObject | null,
): Result<SourceEdit, AdminProblem> {
  const found = definitionsOf(texts, change.ref);
  if (change.operation === 'create') return created(found, folder, change);
  const [place] = found;
  if (place === undefined)
    return refuse(404, 'source-unknown', `no file of the repository defines ${objectId(change.ref)} as it is; a template may`);
  if (found.length > 1) return ambiguous(change.ref, found);
  return edited(texts.get(place.file) ?? '', place, change, live);
}

function edited(text: string, place: FileObject, change: ObjectChange, live: StoredObject | null): Result<SourceEdit, AdminProblem> {
  const { file } = place;
  const [written = null] = writtenObjects(text, [place]);
  if (written === null) return notEditable(place);
  const ref = refOf(place.object);
  const planned = plannedObject(inSource(change, ref, live), { ref, object: written, etag: '', place: null });
  if (!planned.ok) return planned;
  // An edit may write the document in another form, which is no change.
  if (planned.value !== null && equalJson(written, planned.value)) return ok({ file, text });
  const after = editedText(text, place, planned.value);
  return after.ok ? ok({ file, text: after.value.trim() === '' ? null : after.value }) : notEditable(place);
}

function created(
  found: readonly FileObject[],
  folder: string,
  change: ObjectChange & { readonly operation: 'create' },
): Result<SourceEdit, AdminProblem> {
  const [place] = found;
  if (place !== undefined) return refuse(409, 'object-exists', `${place.file} defines ${objectId(change.ref)} already; patch it`);
  const planned = plannedObject(change, null);
  if (!planned.ok) return planned;
  return ok({ file: path.join(folder, fileNameOf(change.ref)), text: newText(planned.value ?? {}) });
}

/** The change for the object as the file has it: without the defaults and the status of the live one. */
function inSource(change: ObjectChange, ref: ObjectRef, live: StoredObject | null): ObjectChange {
  if (change.operation === 'patch') return { ref, operation: 'patch', patch: change.patch, etag: null };
  if (change.operation !== 'replace') return { ref, operation: 'delete', etag: null };
  return { ref, operation: 'patch', patch: { merge: mergePatchOf(live?.object, change.object) as JsonObject }, etag: null };
}

/** The documents of an object. One without a namespace, which a Kustomization gives it, counts if no other has the namespace. */
function definitionsOf(texts: SourceTexts, ref: ObjectRef): readonly FileObject[] {
  const named = [...texts].flatMap(([file, text]) => (text.includes(ref.name) ? parseDocuments(file, text).objects : []));
  const same = named.filter(({ object }) => object.kind === ref.kind && object.metadata.name === ref.name);
  const exact = same.filter(({ object }) => refOf(object).namespace === ref.namespace);
  return exact.length > 0 ? exact : same.filter((place) => isWithoutNamespace(texts, place));
}

/** A file that names a namespace anywhere is none for a Kustomization to complete. */
function isWithoutNamespace(texts: SourceTexts, { object, file }: FileObject): boolean {
  return object.metadata.namespace === 'default' && !/\bnamespace\b/.test(texts.get(file) ?? '');
}

function ambiguous(ref: ObjectRef, found: readonly FileObject[]): Result<never, AdminProblem> {
  const places = found.map(({ file, line }) => `${file}:${line}`).join(', ');
  return refuse(409, 'source-ambiguous', `${places} all define ${objectId(ref)}; change the one that is meant`);
}

function notEditable({ file, line }: FileObject): Result<never, AdminProblem> {
  return refuse(409, 'file-not-editable', `${file}:${line} has a form that cannot be edited here; change the file`);
}
