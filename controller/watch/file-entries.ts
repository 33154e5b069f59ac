// Entries of ConfigMaps that are files beside their YAML: modules of plugins, documents, pages. A ConfigMap names them in an annotation.
import { isUtf8 } from 'node:buffer';
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileNames, FILES_ANNOTATION } from '#api/k8s/config-map-files.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { FileObject } from './documents.ts';
import type { SourceProblem } from './event.ts';

/** Bytes of a file, and files of a ConfigMap. */
const MAX_BYTES = 4 * 1_048_576;
const MAX_FILES = 64;
/** As for keys of ConfigMaps, so no name is that of another folder. */
const NAME = /^[-._a-zA-Z0-9]{1,253}$/;

/** An entry as last read. */
interface KnownEntry {
  readonly stamp: string;
  readonly bytes: Buffer;
}

interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** What became of the objects. */
export interface FilledObjects {
  readonly objects: Map<string, KubernetesObject>;
  readonly problems: readonly SourceProblem[];
}

export class FileEntries {
  #known = new Map<string, KnownEntry>();
  #areNamed = false;

  /** Whether a ConfigMap named files at the last call of `fill`. */
  get areNamed(): boolean {
    return this.#areNamed;
  }

  /** Adds the entries to the ConfigMaps that name files. One with a problem is left out, as one that is invalid. */
  async fill(
    objects: ReadonlyMap<string, KubernetesObject>,
    places: ReadonlyMap<string, FileObject>,
    roots: readonly string[],
  ): Promise<FilledObjects> {
    const filled = new Map(objects);
    const problems: SourceProblem[] = [];
    const read = new Map<string, KnownEntry>();
    this.#areNamed = false;
    for (const [id, object] of objects) {
      const place = places.get(id);
      const names = fileNames(object);
      if (place === undefined || names.length === 0) continue;
      this.#areNamed = true;
      const found = await this.#readAll(names, { object, place, roots, read });
      if (typeof found !== 'string') filled.set(id, withEntries(object, found));
      else if (filled.delete(id)) problems.push(problemOf(id, place, found));
    }
    this.#known = read;
    return { objects: filled, problems };
  }

  /** The files by name, or why the ConfigMap cannot have them. */
  async #readAll(
    names: readonly string[],
    { object, place, roots, read }: { object: ConfigMap; place: FileObject; roots: readonly string[]; read: Map<string, KnownEntry> },
  ): Promise<ReadonlyMap<string, Buffer> | string> {
    if (names.length > MAX_FILES) return `names more than ${MAX_FILES} files`;
    const entries = new Map<string, Buffer>();
    for (const name of names) {
      if (!NAME.test(name)) return `names ${JSON.stringify(name)}, which is no file in the folder of ${path.basename(place.file)}`;
      if (Object.hasOwn({ ...object.data, ...object.binaryData }, name)) return `names ${name}, which is an entry of its data already`;
      const entry = await this.#read(path.join(path.dirname(place.file), name), roots);
      if (typeof entry === 'string') return `names ${name}, which ${entry}`;
      read.set(entry.file, entry);
      entries.set(name, entry.bytes);
    }
    return entries;
  }

  /** A file, or why it cannot be read. A link may not lead out of the folders. */
  async #read(file: string, roots: readonly string[]): Promise<(KnownEntry & { readonly file: string }) | string> {
    try {
      const [real, ...folders] = await Promise.all([file, ...roots].map((each) => realpath(each)));
      if (real === undefined || !folders.some((folder) => real.startsWith(folder + path.sep))) return 'leads out of the folder';
      const { size, mtimeMs, ino } = await stat(real);
      if (size > MAX_BYTES) return `is larger than ${MAX_BYTES} bytes`;
      const stamp = `${real} ${ino} ${size} ${mtimeMs}`;
      const known = this.#known.get(file);
      return { file, stamp, bytes: known?.stamp === stamp ? known.bytes : await readFile(real) };
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : `cannot be read: ${(error as Error).message}`;
    }
  }
}

function withEntries(object: ConfigMap, files: ReadonlyMap<string, Buffer>): ConfigMap {
  const [data, binaryData] = [{ ...object.data }, { ...object.binaryData }];
  for (const [name, bytes] of files)
    if (isUtf8(bytes)) data[name] = bytes.toString('utf8');
    else binaryData[name] = bytes.toString('base64');
  return { ...object, data, binaryData };
}

function problemOf(object: string, { file, line }: FileObject, reason: string): SourceProblem {
  return { severity: 'error', file, line, object, field: `metadata.annotations["${FILES_ANNOTATION}"]`, reason };
}
