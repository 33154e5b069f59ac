// The source `files`: a watched folder of YAML and JSON. A saved file takes effect at once; a mistake affects only its object.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { occupying } from '#lib/event-loop/occupation.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { contentHash } from '#lib/hash.ts';
import { parseDocuments } from './documents.ts';
import type { FileContent, FileObject, ReadOptions } from './documents.ts';
import { FileEntries } from './file-entries.ts';
import { decodeText } from './file-text.ts';
import type { Change, Source, SourceListener, SourceProblem } from './event.ts';

/** Editors write a file in several steps. Steps within this time count as one change. */
const QUIET_MS = 30;
/**
 * The age from which a file that lost objects, or all of them, is believed: a program may have emptied it a moment ago to write it anew. Of an
 * empty file this is far more likely than an intended loss, and the program may wait for a processor.
 */
const SETTLED_MS = 100;
const SETTLED_EMPTY_MS = 2_000;
/** Interval between two scans: changes behind symbolic links that leave the folder (mounted ConfigMaps) cause no event. */
const POLL_MS = 2_000;
/** The folder of the store of `weir up`. Other names that begin with a dot may be mounts of ConfigMaps. */
const OWN_FOLDER = '.weir';
const MAX_FILE_BYTES = 4 * 1_024 * 1_024;
const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

export interface FileSourceOptions extends ReadOptions {
  /** Instead of SETTLED_MS and SETTLED_EMPTY_MS, for tests. */
  readonly settledMs?: number;
}

/** A file as last read. */
interface KnownFile {
  readonly stamp: string;
  readonly content: FileContent;
  /** A program may still be writing it: the content is the one before, and the next scan reads it again. */
  readonly unsettled?: boolean;
}

/** An object as last reported. */
interface Reported {
  readonly hash: string;
  readonly generation: number;
  readonly object: KubernetesObject;
  /** Undefined for an implied Namespace. */
  readonly place: FileObject | undefined;
  /** A policy that was never valid: only its targets are known. */
  readonly isRefusal: boolean;
}

export class FileSource implements Source {
  readonly #folder: string;
  readonly #options: FileSourceOptions;
  #listener: SourceListener | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #scanning: Promise<void> = Promise.resolve();
  #files = new Map<string, KnownFile>();
  readonly #entries = new FileEntries();
  #reported = new Map<string, Reported>();
  #problems = '[]';
  #content: Pick<FolderContent, 'problems' | 'skipped' | 'refusals'> = { problems: [], skipped: [], refusals: [] };
  #skipped = '[]';

  constructor(folder: string, options: FileSourceOptions = {}) {
    this.#folder = path.resolve(folder);
    this.#options = options;
  }

  /** Rejects if the folder cannot be read. */
  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    await readdir(this.#folder);
    this.#watcher = watch(this.#folder, { recursive: true }, (_, file) => {
      if (!isOwn(file)) this.#scheduleScan();
    });
    this.#watcher.on('error', () => undefined);
    await this.#scan();
    listener.synced();
    this.#poll = setInterval(() => this.#scheduleScan(), POLL_MS);
    this.#poll.unref();
  }

  /** The objects in use after the last scan: invalid ones in their last good version. */
  get content(): FolderContent {
    const reported = [...this.#reported];
    const places = new Map(reported.flatMap(([id, { place }]) => (place === undefined ? [] : [[id, place] as const])));
    return { ...this.#content, objects: reported.flatMap(([, { object, isRefusal }]) => (isRefusal ? [] : [object])), places };
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#poll !== null) clearInterval(this.#poll);
    this.#listener = null;
    await this.#scanning;
  }

  #scheduleScan(): void {
    if (this.#listener === null) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#scanning = this.#scanning.then(() => this.#scan()).catch((error: unknown) => this.#unread(error));
    }, QUIET_MS);
  }

  /** The folder cannot be read: the configuration stays as it is, and later scans try again. */
  #unread(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#tell([{ severity: 'error', file: this.#folder, line: 0, object: '', field: '', reason }]);
  }

  #tell(problems: readonly SourceProblem[]): void {
    const text = JSON.stringify(problems);
    if (text !== this.#problems) this.#listener?.problems(problems);
    this.#problems = text;
  }

  async #scan(): Promise<void> {
    const files = await readFolder(this.#folder, this.#files, this.#options);
    const listener = this.#listener;
    if (listener === null) return;
    this.#files = files;
    if ([...files.values()].some(({ unsettled }) => unsettled === true)) this.#scheduleScan();
    const merged = await withFiles(merge(files), this.#entries, this.#folder);
    if (this.#listener === null) return;
    const { objects, problems, skipped, refusals } = merged;
    const errors = problems.filter(({ severity }) => severity === 'error');
    const invalid = new Set(errors.map(({ object }) => object));
    const changes = this.#difference(merged, invalid);
    this.#content = { problems, skipped, refusals: [...refusals.values()].map(({ object }) => object) };
    if (changes.length > 0) listener.changed(changes);
    const isKept = (id: string): boolean => !objects.has(id) && this.#reported.get(id)?.isRefusal === false;
    this.#tell(problems.map((problem) => (isKept(problem.object) ? { ...problem, kept: [problem.object] } : problem)));
    this.#tellSkipped(skipped);
  }

  #tellSkipped(kinds: readonly string[]): void {
    const text = JSON.stringify(kinds);
    if (text !== this.#skipped) this.#listener?.skipped?.(kinds);
    this.#skipped = text;
  }

  /**
   * The changes since the last report. Objects get the metadata that an API server would set. `invalid` objects keep their previous
   * version, as if an API server had refused the change. Without one, the targets of policies that protect them are refused.
   */
  #difference({ objects, places, refusals }: Merged, invalid: ReadonlySet<string>): Change[] {
    const changes: Change[] = [];
    const reported = new Map<string, Reported>();
    const report = (id: string, object: KubernetesObject, place: FileObject | undefined, isRefusal: boolean): void => {
      const before = this.#reported.get(id);
      const hash = contentHash(JSON.stringify(object));
      const generation = before === undefined ? 1 : before.generation + (before.hash === hash ? 0 : 1);
      reported.set(id, { hash, generation, object, place, isRefusal });
      if (before?.hash === hash) return;
      changes.push({ type: 'upsert', object: { ...object, metadata: { ...object.metadata, uid: id, generation } } });
    };
    for (const [id, object] of objects) report(id, object, places.get(id), false);
    for (const [id, refusal] of refusals) {
      const isGood = objects.has(id) || this.#reported.get(id)?.isRefusal === false;
      if (!isGood) report(id, refusal.object, refusal, true);
    }
    for (const [id, before] of this.#reported) {
      if (reported.has(id)) continue;
      if (invalid.has(id)) reported.set(id, before);
      else changes.push({ type: 'delete', ref: refOf(before.object) });
    }
    this.#reported = reported;
    return changes;
  }
}

/** Whether a changed file is the store of `weir up`, which changes with each registered endpoint. */
function isOwn(file: string | null): boolean {
  return file !== null && (file === OWN_FOLDER || file.startsWith(OWN_FOLDER + path.sep));
}

/** The content of folders and files. `places`: the position of each object, by `Kind/namespace/name`. `skipped`: as in FileContent. */
export interface FolderContent {
  readonly objects: readonly KubernetesObject[];
  readonly places: ReadonlyMap<string, FileObject>;
  readonly problems: readonly SourceProblem[];
  readonly skipped: readonly string[];
  /** Invalid policies whose targets must not be served without them, without their settings. */
  readonly refusals: readonly KubernetesObject[];
}

/** Reads folders and files once, for `weir validate` and `weir explain`. Rejects if one cannot be read. */
export async function readOnce(paths: readonly string[], options: ReadOptions = {}): Promise<FolderContent> {
  const files = new Map<string, KnownFile>();
  for (const each of paths) for (const [file, known] of await readFolder(each, new Map(), options)) files.set(file, known);
  const roots = await Promise.all(paths.map(rootOf));
  const { objects, places, problems, skipped, refusals } = await withFiles(merge(files), new FileEntries(), ...roots);
  const refused = [...refusals].filter(([id]) => !objects.has(id)).map(([, { object }]) => object);
  return { objects: [...objects.values()], places, problems, skipped, refusals: refused };
}

/** Reads every file below a folder, or a single file; reuses unchanged files. */
async function readFolder(
  folder: string,
  known: ReadonlyMap<string, KnownFile>,
  options: FileSourceOptions,
): Promise<Map<string, KnownFile>> {
  const files = new Map<string, KnownFile>();
  for (const file of await listFiles(folder)) {
    const read = await readIfChanged(file, known.get(file), options);
    if (read !== null) files.set(file, read);
  }
  return files;
}

async function listFiles(folder: string): Promise<string[]> {
  if ((await stat(folder)).isFile()) return [folder];
  const entries = await readdir(folder, { recursive: true });
  // Names that begin with a dot belong to editors and kubelets.
  const visible = entries.filter((entry) => !entry.split(path.sep).some((part) => part.startsWith('.')));
  return visible
    .filter((entry) => EXTENSIONS.has(path.extname(entry)))
    .sort()
    .map((entry) => path.join(folder, entry));
}

/** An unreadable file keeps its last good objects, so that a half-written file does not delete them. */
async function readIfChanged(file: string, known: KnownFile | undefined, options: FileSourceOptions): Promise<KnownFile | null> {
  try {
    const { size, mtimeMs, ino } = await stat(file);
    const stamp = `${await realpath(file)} ${ino} ${size} ${mtimeMs}`;
    if (known?.stamp === stamp) return known;
    if (size > MAX_FILE_BYTES) return keepGood(known, stamp, unreadable(file, `is larger than ${MAX_FILE_BYTES} bytes`));
    const bytes = await readFile(file);
    const content = withLosses(
      known,
      file,
      occupying('files', () => parseDocuments(file, decodeText(bytes), options)),
    );
    if (content.broken) return keepGood(known, stamp, content);
    return known !== undefined && !hasAll(content, known.content) && isFresh(mtimeMs, content, options)
      ? { ...known, unsettled: true }
      : { stamp, content };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return keepGood(known, '', unreadable(file, (error as Error).message));
  }
}

/**
 * A document without a Kubernetes object that takes the place of objects is a broken edit, not a file of another program: it must not
 * delete them.
 */
function withLosses(known: KnownFile | undefined, file: string, content: FileContent): FileContent {
  if (known === undefined || content.broken || strays(content) <= strays(known.content)) return content;
  if (hasAll(content, known.content)) return content;
  const reason = 'has a document without apiVersion and kind in place of an object; delete the document to delete the object';
  const problem: SourceProblem = { severity: 'error', file, line: 0, object: '', field: '', reason };
  return { ...content, problems: [...content.problems, problem], broken: true };
}

/** Whether the file changed a moment ago. A clock that differs from that of the file system says nothing. */
function isFresh(mtimeMs: number, { objects }: FileContent, { settledMs }: FileSourceOptions): boolean {
  const age = Date.now() - mtimeMs;
  return age >= 0 && age < (settledMs ?? (objects.length === 0 ? SETTLED_EMPTY_MS : SETTLED_MS));
}

/** Whether a content has all objects of the one before. */
function hasAll(content: FileContent, before: FileContent): boolean {
  const present = new Set(content.objects.map(({ object }) => objectId(refOf(object))));
  return before.objects.every(({ object }) => present.has(objectId(refOf(object))));
}

/** The number of documents without a Kubernetes object. */
function strays({ skipped }: FileContent): number {
  return skipped.filter((kind) => kind === '').length;
}

function keepGood(known: KnownFile | undefined, stamp: string, content: FileContent): KnownFile {
  if (known === undefined) return { stamp, content };
  const { objects, skipped } = known.content;
  const kept = objects.map(({ object }) => objectId(refOf(object)));
  const problems = content.problems.map((problem) => (kept.length === 0 ? problem : { ...problem, kept }));
  return { stamp, content: { ...content, objects, problems, skipped } };
}

function unreadable(file: string, reason: string): FileContent {
  const problems: SourceProblem[] = [{ severity: 'error', file, line: 0, object: '', field: '', reason }];
  return { objects: [], problems, skipped: [], refusals: [], broken: true };
}

/** The merged content of all files. */
interface Merged {
  readonly objects: Map<string, KubernetesObject>;
  readonly places: ReadonlyMap<string, FileObject>;
  readonly problems: SourceProblem[];
  readonly skipped: readonly string[];
  readonly refusals: ReadonlyMap<string, FileObject>;
}

/** All objects of all files, with implied namespaces. Of several objects with the same name, the first wins. */
function merge(files: ReadonlyMap<string, KnownFile>): Merged {
  const first = new Map<string, FileObject>();
  const problems: SourceProblem[] = [];
  const refusals = new Map<string, FileObject>();
  for (const { content } of files.values()) {
    problems.push(...content.problems);
    for (const entry of content.refusals) refusals.set(objectId(refOf(entry.object)), entry);
    for (const entry of content.objects) takeFirst(entry, first, problems);
  }
  const objects = new Map([...first].map(([id, entry]) => [id, entry.object]));
  for (const { object } of first.values()) addNamespace(object.metadata.namespace, objects);
  return { objects, places: first, problems, skipped: [...files.values()].flatMap(({ content }) => content.skipped), refusals };
}

/** With the entries of ConfigMaps that are files below one of the roots. */
async function withFiles(merged: Merged, entries: FileEntries, ...roots: readonly string[]): Promise<Merged> {
  const { objects, problems } = await entries.fill(merged.objects, merged.places, roots);
  return { ...merged, objects, problems: [...merged.problems, ...problems] };
}

/** Of a single file it is its folder. */
async function rootOf(place: string): Promise<string> {
  return (await stat(place)).isFile() ? path.dirname(place) : place;
}

function takeFirst(entry: FileObject, first: Map<string, FileObject>, problems: SourceProblem[]): void {
  const id = objectId(refOf(entry.object));
  const winner = first.get(id);
  if (winner === undefined) first.set(id, entry);
  else {
    const reason = `is already defined in ${winner.file}:${winner.line}, which is used`;
    problems.push({ severity: 'error', file: entry.file, line: entry.line, object: id, field: 'metadata.name', reason });
  }
}

function addNamespace(name: string | undefined, objects: Map<string, KubernetesObject>): void {
  if (name === undefined || objects.has(`Namespace/${name}`)) return;
  const metadata = { name, labels: { 'kubernetes.io/metadata.name': name } };
  objects.set(`Namespace/${name}`, { apiVersion: 'v1', kind: 'Namespace', metadata });
}
