// Configuration in a folder of YAML and JSON files, as `weir up` reads it: which document defines an object is decided by the same reader.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileNames, FILES_ANNOTATION } from '#api/k8s/config-map-files.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { ok, type Result } from '#lib/result.ts';
import type { CompilerOptions } from '../../controller/compile/compile.ts';
import { selects } from '../../controller/compile/label-selector.ts';
import { parseDocuments, type FileObject } from '../../controller/watch/documents.ts';
import { decodeText } from '../../controller/watch/file-text.ts';
import { FolderReader, type MergedContent } from '../../controller/watch/folder.ts';
import { notFound, refuse, type AdminProblem } from '../api/problem.ts';
import { EffectCompiler, type EffectLimits } from '../compilation/effect-compiler.ts';
import type { EffectContent } from '../compilation/effect-worker.ts';
import { withPlaces } from '../compilation/effects.ts';
import type {
  ChangedObject,
  ConfigurationObserver,
  ConfigurationStore,
  DryRun,
  DryRunOptions,
  ListQuery,
  ObjectChange,
  ObjectPage,
  RefusedChange,
  StoredObject,
} from './configuration-store.ts';
import { editedText, newText } from './file-edit.ts';
import { FolderChanges } from './folder-changes.ts';
import { createFile, fileNameOf, readEditable, removeFile, replaceFile } from './folder-files.ts';
import { FolderObjects } from './folder-objects.ts';
import { FolderWatch } from './folder-watch.ts';
import { pageOf } from './pages.ts';
import { plannedObject } from './planned-change.ts';

/** The texts of files in one operation, by path: as on disk, or as earlier changes of the same set leave them; null for none. */
type Texts = Map<string, string | null>;

/** A change with the texts that it leaves. */
interface Edit extends ChangedObject {
  /** The file, or null for one of its own. */
  readonly file: string | null;
  /** Null: nothing is left in the file. */
  readonly text: string | null;
}

export class FolderStore implements ConfigurationStore {
  readonly origin = 'folder';
  readonly #folder: string;
  readonly #reader: FolderReader;
  /** Of the folder: the own one, and those of observers. */
  readonly #readers = new Set<FolderReader>();
  readonly #changes: FolderChanges;
  readonly #compiler: EffectCompiler;
  readonly #objects: FolderObjects;
  /** Operations run one after the other: an edit is made of the text that is replaced. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `limits`: of dry runs. */
  constructor(folder: string, options: CompilerOptions, limits: Partial<EffectLimits> = {}) {
    this.#folder = path.resolve(folder);
    this.#reader = new FolderReader(this.#folder, { settledMs: 0, peers: this.#readers });
    this.#changes = new FolderChanges(this.#folder);
    this.#objects = new FolderObjects(this.#folder);
    this.#compiler = new EffectCompiler(options, limits);
  }

  list(kind: KindName, { namespace, selector, limit, cursor }: ListQuery): Promise<Result<ObjectPage, AdminProblem>> {
    return this.#inTurn(async () => {
      const content = await this.#content();
      const wanted = this.#objects
        .list(content, kind)
        .filter(({ ref, labels }) => (namespace === null || ref.namespace === namespace) && selects(selector, labels));
      const page = pageOf(wanted, limit, cursor);
      if (!page.ok) return page;
      const items: (StoredObject | null)[] = [];
      for (const { ref } of page.value.items) items.push(await this.#objects.get(ref, content.places));
      return ok({ items: items.filter((item) => item !== null), next: page.value.next });
    });
  }

  get(ref: ObjectRef): Promise<Result<StoredObject, AdminProblem>> {
    return this.#inTurn(async () => {
      const content = await this.#content();
      const stored = await this.#objects.get(ref, content.places);
      return stored === null ? (brokenIn(this.#folder, content, ref) ?? notFound('object', objectId(ref))) : ok(stored);
    });
  }

  apply(change: ObjectChange): Promise<Result<ChangedObject, AdminProblem>> {
    return this.#inTurn(async () => {
      const content = await this.#content();
      const edit = await this.#edit(change, content, new Map());
      if (!edit.ok) return edit;
      const { file, text, ref } = edit.value;
      const written = await (file === null ? createFile(this.#folder, ref, text ?? '') : this.#rewrite(file, ref, change, content));
      return written.ok ? ok(edit.value) : written;
    });
  }

  dryRun(changes: readonly ObjectChange[], { base = [], ...asked }: DryRunOptions = {}): Promise<Result<DryRun, AdminProblem>> {
    return this.#compiler.run(async (run) => {
      const { supposed, made, refused, content } = await this.#inTurn(async () => {
        const texts: Texts = new Map();
        const { content: before } = await this.#suppose(base, await this.#content(), texts);
        return { supposed: before, ...(await this.#suppose(changes, before, texts)) };
      });
      // Other operations go on from here.
      await run.compileVersion(supposed, toContent(supposed));
      await run.compile('after', toContent(content));
      const { effects, ...told } = await run.compare(asked);
      const nameOf = (file: string): string => path.relative(this.#folder, file);
      return ok({ changes: made, refused, effects: withPlaces(effects, supposed.places, content.places, nameOf), ...told });
    });
  }

  observe(observer: ConfigurationObserver): () => Promise<void> {
    const watch = new FolderWatch(this.#folder, this.#readers, observer, (work) => this.#inTurn(work));
    watch.start();
    return () => watch.stop();
  }

  async close(): Promise<void> {
    await this.#compiler.close();
    await this.#turn;
    this.#changes.close();
  }

  async #content(): Promise<MergedContent> {
    const changed = await this.#changes.changed();
    return changed === null ? this.#reader.read() : this.#reader.readChanged(changed);
  }

  /** The content after changes that nothing writes. `texts` gets the texts of their files. */
  async #suppose(
    changes: readonly ObjectChange[],
    before: MergedContent,
    texts: Texts,
  ): Promise<{ readonly made: readonly ChangedObject[]; readonly refused: readonly RefusedChange[]; readonly content: MergedContent }> {
    const made: ChangedObject[] = [];
    const refused: RefusedChange[] = [];
    let content = before;
    for (const [index, change] of changes.entries()) {
      const edit = await this.#edit(change, content, texts);
      if (!edit.ok) refused.push({ index, problem: edit.error });
      if (!edit.ok) continue;
      texts.set(edit.value.file ?? path.join(this.#folder, fileNameOf(change.ref)), edit.value.text);
      content = await this.#reader.readWith(texts);
      made.push(edit.value);
    }
    return { made, refused, content };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** The object as written, in the texts or on disk; null if no document defines it. */
  #stored(ref: ObjectRef, places: MergedContent['places'], texts: Texts): Promise<StoredObject | null> {
    const place = places.get(objectId(ref));
    const text = place === undefined ? undefined : texts.get(place.file);
    if (place === undefined || text === undefined) return this.#objects.get(ref, places);
    return Promise.resolve(this.#objects.getIn(text ?? '', place));
  }

  /** The text that a change leaves, or why it is refused. Nothing is written. */
  async #edit(change: ObjectChange, content: MergedContent, texts: Texts): Promise<Result<Edit, AdminProblem>> {
    const { ref } = change;
    const before = await this.#stored(ref, content.places, texts);
    const broken = before === null ? brokenIn(this.#folder, content, ref) : null;
    if (broken !== null) return broken;
    const object = plannedObject(change, before);
    if (!object.ok) return object;
    const files = object.value === null ? null : refusedFiles(ref, object.value, content, this.#folder);
    if (files !== null) return files;
    const place = content.places.get(objectId(ref));
    const text = await this.#changedText(object.value, place, texts);
    if (!text.ok) return refuse(409, 'file-not-editable', `the file of ${objectId(ref)} ${text.error}; change the file`);
    return ok({ ref, before, after: this.#after(ref, object.value, place, text.value), file: place?.file ?? null, text: text.value });
  }

  #after(ref: ObjectRef, object: JsonObject | null, place: FileObject | undefined, text: string | null): StoredObject | null {
    const file = place?.file ?? path.join(this.#folder, fileNameOf(ref));
    return object === null ? null : this.#objects.shown(ref, object, { file, line: lineIn(file, text ?? '', ref) });
  }

  async #changedText(object: JsonObject | null, place: FileObject | undefined, texts: Texts): Promise<Result<string | null>> {
    if (place === undefined) return ok(object === null ? null : newText(object));
    const text = editedText(await textOf(place.file, texts), place, object);
    return text.ok && text.value.trim() === '' ? ok(null) : text;
  }

  /** Makes the edit once more, of the bytes that it replaces. */
  async #rewrite(file: string, ref: ObjectRef, change: ObjectChange, content: MergedContent): Promise<Result<void, AdminProblem>> {
    const editable = await readEditable(this.#folder, file);
    if (!editable.ok) return editable;
    const edit = await this.#edit(change, content, new Map([[file, decodeText(editable.value.bytes)]]));
    if (!edit.ok) return edit;
    const { text } = edit.value;
    if (text === null) return removeFile(this.#folder, editable.value);
    if (parseDocuments(file, text).broken)
      return refuse(409, 'file-not-editable', `the file of ${objectId(ref)} is not valid; change the file`);
    return replaceFile(this.#folder, editable.value, text);
  }
}

async function textOf(file: string, texts: Texts): Promise<string> {
  const known = texts.get(file);
  if (known !== undefined) return known ?? '';
  const text = decodeText(await readFile(file));
  texts.set(file, text);
  return text;
}

/** The refusal for an object whose document is not valid: a new document would shadow it, or be shadowed by it. */
function brokenIn(folder: string, { problems }: MergedContent, ref: ObjectRef): Result<never, AdminProblem> | null {
  const problem = problems.find(({ object, severity }) => object === objectId(ref) && severity === 'error');
  if (problem === undefined) return null;
  const detail = `${path.relative(folder, problem.file)}:${problem.line} defines ${objectId(ref)}, but is not valid; correct the file`;
  return refuse(409, 'file-invalid', detail, {
    errors: [{ field: problem.field, reason: ref.kind === 'Secret' ? 'is not valid' : problem.reason }],
  });
}

/**
 * A ConfigMap may name files beside it as its entries. One that defines objects, such as a Secret, would become readable as an entry, past
 * all permissions.
 */
function refusedFiles(
  ref: ObjectRef,
  object: JsonObject,
  { places, problems }: MergedContent,
  folder: string,
): Result<never, AdminProblem> | null {
  if (ref.kind !== 'ConfigMap') return null;
  const names = fileNames(object as unknown as KubernetesObject);
  const place = places.get(objectId(ref));
  const beside = place === undefined ? folder : path.dirname(place.file);
  const defining = new Set([...places.values(), ...problems].map(({ file }) => file));
  const name = names.find((each) => defining.has(path.join(beside, each)));
  if (name === undefined) return null;
  const field = `metadata.annotations["${FILES_ANNOTATION}"]`;
  const reason = `names ${JSON.stringify(name)}, which defines objects`;
  return refuse(422, 'object-invalid', `${objectId(ref)} is not valid: ${field}: ${reason}`, { errors: [{ field, reason }] });
}

function lineIn(file: string, text: string, ref: ObjectRef): number {
  return parseDocuments(file, text).objects.find(({ object }) => objectId(refOf(object)) === objectId(ref))?.line ?? 0;
}

function toContent({ objects, problems }: MergedContent): EffectContent {
  return { objects, problems, unreadable: null, forget: false };
}
