// The files of a git repository in memory: nothing of it gets to a disk, and no path in it can leave it.
import path from 'node:path/posix';

/** What isomorphic-git reads of the state of a file. */
class Entry {
  readonly type: 'file' | 'dir';
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs = 0;
  readonly ctimeMs = 0;
  readonly dev = 0;
  readonly ino = 0;
  readonly uid = 0;
  readonly gid = 0;

  constructor(content: Uint8Array | null) {
    this.type = content === null ? 'dir' : 'file';
    this.size = content?.length ?? 0;
    this.mode = content === null ? 0o40755 : 0o100644;
  }

  isFile(): boolean {
    return this.type === 'file';
  }

  isDirectory(): boolean {
    return this.type === 'dir';
  }

  isSymbolicLink(): boolean {
    return false;
  }
}

/** The part of `fs.promises` that isomorphic-git uses. */
export class MemoryFiles {
  /** By path; null is a folder. */
  readonly #entries = new Map<string, Uint8Array | null>([['/', null]]);
  readonly promises = {
    readFile: (name: string, options?: unknown) => this.#answer(() => this.#read(name, options)),
    writeFile: (name: string, data: string | Uint8Array) =>
      this.#answer(() => void this.#entries.set(path.resolve('/', name), typeof data === 'string' ? Buffer.from(data) : data)),
    mkdir: (name: string) => this.#answer(() => this.#make(name)),
    readdir: (name: string) => this.#answer(() => this.#names(name)),
    stat: (name: string) => this.#answer(() => new Entry(this.#find(name))),
    lstat: (name: string) => this.#answer(() => new Entry(this.#find(name))),
    unlink: (name: string) => this.#answer(() => this.#remove(name)),
    rmdir: (name: string) => this.#answer(() => this.#remove(name)),
    rm: (name: string) => this.#answer(() => this.#remove(name)),
    readlink: (name: string) => this.#answer((): string => this.#fail('EINVAL', name)),
    symlink: (_target: string, name: string) => this.#answer((): void => this.#fail('EPERM', name)),
  };

  /** As a promise, whose rejection has the error. */
  #answer<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => resolve(work()));
  }

  #fail(code: string, name: string): never {
    throw Object.assign(new Error(`${code}: ${name}`), { code });
  }

  #find(name: string): Uint8Array | null {
    const found = this.#entries.get(path.resolve('/', name));
    return found === undefined ? this.#fail('ENOENT', name) : found;
  }

  #read(name: string, options: unknown): Uint8Array | string {
    const content = this.#find(name) ?? this.#fail('EISDIR', name);
    const encoding = typeof options === 'string' ? options : (options as { readonly encoding?: string } | undefined)?.encoding;
    return encoding === 'utf8' ? Buffer.from(content).toString('utf8') : content;
  }

  #make(name: string): void {
    const full = path.resolve('/', name);
    if (this.#entries.has(full)) this.#fail('EEXIST', name);
    if (!this.#entries.has(path.dirname(full))) this.#fail('ENOENT', name);
    this.#entries.set(full, null);
  }

  #names(name: string): readonly string[] {
    if (this.#find(name) !== null) this.#fail('ENOTDIR', name);
    const full = path.resolve('/', name);
    return [...this.#entries.keys()].filter((each) => each !== '/' && path.dirname(each) === full).map((each) => path.basename(each));
  }

  #remove(name: string): void {
    if (!this.#entries.delete(path.resolve('/', name))) this.#fail('ENOENT', name);
  }
}
