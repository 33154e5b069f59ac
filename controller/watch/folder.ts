// A folder of YAML and JSON files: which documents define its objects. The source `files` and the admin API read it through here.
import { statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { occupying } from '#lib/event-loop/occupation.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { compareText } from '#lib/compare-text.ts';
import { parseDocuments } from './documents.ts';
import type { FileContent, FileObject, ReadOptions } from './documents.ts';
import { FileEntries } from './file-entries.ts';
import { decodeText } from './file-text.ts';
import type { SourceProblem } from './event.ts';

/**
 * The age from which a file that lost objects, or all of them, is believed: a program may have emptied it a moment ago to write it anew. Of an
 * empty file this is far more likely than an intended loss, and the program may wait for a processor.
 */
const SETTLED_MS = 100;
const SETTLED_EMPTY_MS = 2_000;
const MAX_FILE_BYTES = 4 * 1_024 * 1_024;
/** Files that are looked at in one turn of the event loop. */
const TURN = 200;
const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

export interface FolderOptions extends ReadOptions {
  /** Instead of SETTLED_MS and SETTLED_EMPTY_MS. */
  readonly settledMs?: number;
  /** The readers of the same folder, which add themselves: what one has parsed of a file is neither parsed nor kept twice. */
  readonly peers?: Set<FolderReader>;
}

/** A file as last read. */
interface KnownFile {
  readonly stamp: string;
  readonly content: FileContent;
  /** A program may still be writing it: the content is the one before, and the next scan reads it again. */
  readonly unsettled?: boolean;
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

/** Reads a folder again and again; a file that has not changed is not parsed again. */
export class FolderReader {
  readonly #folder: string;
  readonly #options: FolderOptions;
  readonly #entries = new FileEntries();
  #files: ReadonlyMap<string, KnownFile> = new Map();
  /** The content of exactly these files; null if it has entries of files that are read each time. */
  #merged: MergedContent | null = null;

  constructor(folder: string, options: FolderOptions = {}) {
    this.#folder = folder;
    this.#options = options;
    options.peers?.add(this);
  }

  /** Whether a program may still be writing a file, whose content is the one before. */
  get isUnsettled(): boolean {
    return [...this.#files.values()].some(({ unsettled }) => unsettled === true);
  }

  /** What a file has, as parsed when it had this stamp; null if that is not known. */
  parsed(file: string, stamp: string): FileContent | null {
    const known = this.#files.get(file);
    // A content that is broken may have objects of the one before.
    return known?.stamp === stamp && !known.content.broken ? known.content : null;
  }

  /** The content now. Rejects if the folder cannot be read. Calls must not overlap. */
  async read(): Promise<MergedContent> {
    return this.#take(await readFolder(this.#folder, this.#files, this.#options));
  }

  /** The content now, if at most these files, and those that ConfigMaps name, have changed since the last reading. */
  async readChanged(changed: Iterable<string>): Promise<MergedContent> {
    const files = new Map(this.#files);
    let isNew = false;
    const unsettled = [...files].flatMap(([file, known]) => (known.unsettled === true ? [file] : []));
    for (const file of new Set([...changed, ...unsettled])) {
      if (!isConfiguration(path.relative(this.#folder, file))) continue;
      const read = await readIfChanged(file, files.get(file), this.#options);
      isNew ||= read !== null && !files.has(file);
      if (read === null) files.delete(file);
      else files.set(file, read);
    }
    return this.#take(isNew ? inOrder(files) : files);
  }

  /** The same content is the same object, as long as no ConfigMap names files. */
  async #take(files: ReadonlyMap<string, KnownFile>): Promise<MergedContent> {
    if (this.#merged !== null && isSame(files, this.#files)) return this.#merged;
    this.#files = files;
    const content = await withFiles(merge(files), this.#entries, this.#folder);
    this.#merged = this.#entries.areNamed ? null : content;
    return content;
  }

  /** The content as last read, with other texts of some files, by path; null for a file that is gone. */
  async readWith(texts: ReadonlyMap<string, string | null>): Promise<MergedContent> {
    const files = new Map(this.#files);
    for (const [file, text] of texts)
      if (text === null) files.delete(file);
      else files.set(file, { stamp: '', content: parseDocuments(file, text, this.#options) });
    return withFiles(merge(inOrder(files)), new FileEntries(), this.#folder);
  }
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

function inOrder(files: ReadonlyMap<string, KnownFile>): Map<string, KnownFile> {
  return new Map([...files].sort(([a], [b]) => compareText(a, b)));
}

function isSame(files: ReadonlyMap<string, KnownFile>, known: ReadonlyMap<string, KnownFile>): boolean {
  return files.size === known.size && [...files].every(([name, file]) => known.get(name) === file);
}

/** Reads every file below a folder, or a single file; reuses unchanged files. */
async function readFolder(folder: string, known: ReadonlyMap<string, KnownFile>, options: FolderOptions): Promise<Map<string, KnownFile>> {
  const files = new Map<string, KnownFile>();
  const names = await listFiles(folder);
  for (const [i, file] of names.entries()) {
    const read = await readIfChanged(file, known.get(file), options);
    if (read !== null) files.set(file, read);
    if (i % TURN === TURN - 1) await setImmediate();
  }
  return files;
}

async function listFiles(folder: string): Promise<string[]> {
  if ((await stat(folder)).isFile()) return [folder];
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter(isConfiguration)
    .sort()
    .map((entry) => path.join(folder, entry));
}

/** Whether a file is read, by its path in the folder. Names that begin with a dot belong to editors and kubelets. */
function isConfiguration(entry: string): boolean {
  return EXTENSIONS.has(path.extname(entry)) && !entry.split(path.sep).some((part) => part.startsWith('.'));
}

/** An unreadable file keeps its last good objects, so that a half-written file does not delete them. */
async function readIfChanged(file: string, known: KnownFile | undefined, options: FolderOptions): Promise<KnownFile | null> {
  try {
    // In thousands of files a look at each takes a few milliseconds, and twenty times as long in the pool of threads.
    const { size, mtimeMs, ino, dev } = statSync(file);
    const stamp = `${dev} ${ino} ${size} ${mtimeMs}`;
    if (known?.stamp === stamp) return known;
    if (size > MAX_FILE_BYTES) return keepGood(known, stamp, unreadable(file, `is larger than ${MAX_FILE_BYTES} bytes`));
    const content = withLosses(known, file, await parsedFile(file, stamp, options));
    if (content.broken) return keepGood(known, stamp, content);
    return known !== undefined && !hasAll(content, known.content) && isFresh(mtimeMs, content, options)
      ? { ...known, unsettled: true }
      : { stamp, content };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return keepGood(known, '', unreadable(file, (error as Error).message));
  }
}

async function parsedFile(file: string, stamp: string, options: FolderOptions): Promise<FileContent> {
  for (const peer of options.peers ?? []) {
    const content = peer.parsed(file, stamp);
    if (content !== null) return content;
  }
  const bytes = await readFile(file);
  return occupying('files', () => parseDocuments(file, decodeText(bytes), options));
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
function isFresh(mtimeMs: number, { objects }: FileContent, { settledMs }: FolderOptions): boolean {
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
export interface MergedContent {
  readonly objects: Map<string, KubernetesObject>;
  readonly places: ReadonlyMap<string, FileObject>;
  readonly problems: SourceProblem[];
  readonly skipped: readonly string[];
  readonly refusals: ReadonlyMap<string, FileObject>;
}

/** All objects of all files, with implied namespaces. Of several objects with the same name, the first wins. */
function merge(files: ReadonlyMap<string, KnownFile>): MergedContent {
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
async function withFiles(merged: MergedContent, entries: FileEntries, ...roots: readonly string[]): Promise<MergedContent> {
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
