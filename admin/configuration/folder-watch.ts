// Watches a folder for an observer: what its files define now, whatever program has written them.
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { FileObject } from '../../controller/watch/documents.ts';
import { decodeText } from '../../controller/watch/file-text.ts';
import { FolderReader, type MergedContent } from '../../controller/watch/folder.ts';
import type { ConfigurationObserver, ObservedObject } from './configuration-store.ts';
import { etagOf } from './etag.ts';
import { writtenObjects } from './file-edit.ts';

/** Editors write a file in several steps; those within this time are one change, milliseconds. */
const QUIET_MS = 30;
/** Between two looks: changes behind symbolic links that leave the folder cause no event. */
const POLL_MS = 2_000;
/** Names of the files of Weir itself: the folder of the store of `weir up`, and files that are written aside. */
const OWN_NAMES = '.weir';

/** An object as the observer knows it. */
interface Known {
  readonly ref: ObjectRef;
  /** The reader returns the same value while the file of the object does not change. */
  readonly read: KubernetesObject;
}

/** A defined object with its place. */
type Defined = Known & { readonly id: string; readonly place: FileObject };

export class FolderWatch {
  readonly #folder: string;
  readonly #reader: FolderReader;
  readonly #peers: Set<FolderReader>;
  readonly #observer: ConfigurationObserver;
  readonly #inTurn: (work: () => Promise<void>) => Promise<void>;
  #known: Map<string, Known> | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #poll: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  /** `peers`: the readers of the folder. `inTurn`: runs work while no change is made through the API. */
  constructor(
    folder: string,
    peers: Set<FolderReader>,
    observer: ConfigurationObserver,
    inTurn: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.#folder = folder;
    this.#reader = new FolderReader(folder, { peers });
    this.#peers = peers;
    this.#observer = observer;
    this.#inTurn = inTurn;
  }

  start(): void {
    this.#look();
    this.#poll = setInterval(() => this.#schedule(), POLL_MS).unref();
    try {
      this.#watcher = watch(this.#folder, { recursive: true }, (_, file) => {
        if (file?.startsWith(OWN_NAMES) !== true) this.#schedule();
      }).unref();
      this.#watcher.on('error', () => undefined);
    } catch {
      // There is no folder yet, or no more watches: the poll finds changes too.
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#watcher?.close();
    if (this.#poll !== null) clearInterval(this.#poll);
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
    this.#peers.delete(this.#reader);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => this.#look(), QUIET_MS).unref();
  }

  #look(): void {
    this.#timer = null;
    // A folder that cannot be read now is as it was; the next look tries again.
    this.#looking = this.#looking.then(() => this.#inTurn(() => this.#tell())).catch(() => undefined);
  }

  async #tell(): Promise<void> {
    const content = await this.#reader.read();
    if (this.#isStopped) return;
    if (this.#reader.isUnsettled) this.#schedule();
    const before = this.#known ?? new Map<string, Known>();
    const defined = definedIn(content);
    const written = await this.#written(defined.filter(({ id, read }) => before.get(id)?.read !== read));
    const now = new Map([...keptOf(before, content), ...defined.map(({ id, ref, read }) => [id, { ref, read }] as const)]);
    // A file that changed since it was read is read again.
    for (const { id, stored } of written) if (stored === null) restore(now, before, id);
    const told = written.filter(({ stored }) => stored !== null).map(({ id: _, ...observed }) => observed);
    const gone = [...before].flatMap(([id, { ref }]) => (now.has(id) ? [] : [{ ref, stored: null, manager: '' }]));
    if (told.length < written.length) this.#schedule();
    const isFirst = this.#known === null;
    this.#known = now;
    if (isFirst) this.#observer.synced(told, null);
    else if (told.length + gone.length > 0) this.#observer.changed([...told, ...gone]);
  }

  async #written(defined: readonly Defined[]): Promise<readonly (ObservedObject & { readonly id: string })[]> {
    const all: (ObservedObject & { readonly id: string })[] = [];
    for (const [file, some] of Map.groupBy(defined, ({ place }) => place.file)) {
      const text = await readFile(file).then(decodeText, () => '');
      const objects = writtenObjects(
        text,
        some.map(({ place }) => place),
      );
      for (const [i, { id, ref, place }] of some.entries()) {
        const object = ownOf(id, objects[i] ?? null);
        const where = { file: path.relative(this.#folder, file), line: place.line };
        all.push({ id, ref, manager: '', stored: object === null ? null : { ref, object, etag: etagOf(object), place: where } });
      }
    }
    return all;
  }
}

/** The file may have changed since its places were found. */
function ownOf(id: string, object: JsonObject | null): JsonObject | null {
  return object !== null && objectId(refOf(object as unknown as KubernetesObject)) === id ? object : null;
}

function definedIn({ objects, places }: MergedContent): readonly Defined[] {
  return [...objects].flatMap(([id, read]) => {
    const place = places.get(id);
    return place === undefined ? [] : [{ id, ref: refOf(read), read, place }];
  });
}

/** Objects whose documents are not valid now stay in force as they were. */
function keptOf(before: ReadonlyMap<string, Known>, { problems }: MergedContent): readonly (readonly [string, Known])[] {
  return problems.flatMap(({ object, severity }) => {
    const known = severity === 'error' ? before.get(object) : undefined;
    return known === undefined ? [] : [[object, known] as const];
  });
}

function restore(now: Map<string, Known>, before: ReadonlyMap<string, Known>, id: string): void {
  const known = before.get(id);
  if (known === undefined) now.delete(id);
  else now.set(id, known);
}
