// The source `files`: a watched folder of YAML and JSON. A saved file takes effect at once; a mistake affects only its object.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { contentHash } from '#lib/hash.ts';
import type { FileObject } from './documents.ts';
import type { Change, Source, SourceListener, SourceProblem } from './event.ts';
import { FolderReader } from './folder.ts';
import type { FolderContent, FolderOptions, MergedContent } from './folder.ts';

/** Editors write a file in several steps. Steps within this time count as one change. */
const QUIET_MS = 30;
/** Interval between two scans: changes behind symbolic links that leave the folder (mounted ConfigMaps) cause no event. */
const POLL_MS = 2_000;
/** The folder of the store of `weir up`. Other names that begin with a dot may be mounts of ConfigMaps. */
const OWN_FOLDER = '.weir';

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
  readonly #reader: FolderReader;
  #listener: SourceListener | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #scanning: Promise<void> = Promise.resolve();
  #reported = new Map<string, Reported>();
  #problems = '[]';
  #content: Pick<FolderContent, 'problems' | 'skipped' | 'refusals'> = { problems: [], skipped: [], refusals: [] };
  #skipped = '[]';

  constructor(folder: string, options: FolderOptions = {}) {
    this.#folder = path.resolve(folder);
    this.#reader = new FolderReader(this.#folder, options);
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
    const merged = await this.#reader.read();
    const listener = this.#listener;
    if (listener === null) return;
    if (this.#reader.isUnsettled) this.#scheduleScan();
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
  #difference({ objects, places, refusals }: MergedContent, invalid: ReadonlySet<string>): Change[] {
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
