// What has changed in a folder since the last look, by the events of the system: a look at thousands of files for each request is too slow.
import { lstatSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** More changed files are a reason for a look at all. */
const MAX_CHANGES = 100;
/** After this time a look at all is due, milliseconds: some file systems have no events for changes by other machines. */
const TRUST_MS = 2_000;

export class FolderChanges {
  readonly #folder: string;
  readonly #watchers = new Map<string, FSWatcher>();
  #changed = new Set<string>();
  /** Events tell of every change. Links lead to places without events. */
  #isTrusted = false;
  #looked = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The files that may have changed since the last call; null: look at all of them. Changes that were made before the request that asks are
   * among them.
   */
  async changed(): Promise<ReadonlySet<string> | null> {
    // Events that the system has already are taken in the turn between.
    await setImmediate();
    await setImmediate();
    if (this.#isTrusted && performance.now() - this.#looked < TRUST_MS) return this.#take();
    await this.#follow();
    this.#looked = performance.now();
    this.#changed = new Set();
    return null;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#isTrusted = false;
  }

  #take(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Watches all folders. One that is new may have got folders before it was watched. */
  async #follow(): Promise<void> {
    this.#isTrusted = true;
    for (let isNew = true; isNew;) {
      isNew = false;
      const folders = await this.#folders();
      for (const [folder, watcher] of this.#watchers) if (!folders.has(folder)) this.#forget(folder, watcher);
      for (const folder of folders) if (!this.#watchers.has(folder)) isNew = this.#watch(folder) || isNew;
    }
  }

  async #folders(): Promise<ReadonlySet<string>> {
    const folders = new Set([this.#folder]);
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true })) {
      if (isHidden(path.relative(this.#folder, path.join(entry.parentPath, entry.name)))) continue;
      if (entry.isDirectory()) folders.add(path.join(entry.parentPath, entry.name));
      else if (!entry.isFile()) this.#isTrusted = false;
    }
    return folders;
  }

  #watch(folder: string): boolean {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#note(folder, name));
      watcher.on('error', () => this.#forget(folder, watcher));
      this.#watchers.set(folder, watcher);
      return true;
    } catch {
      // The system has no more watches: each request looks at all files.
      this.#isTrusted = false;
      return false;
    }
  }

  #forget(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder);
    this.#isTrusted = false;
  }

  #note(folder: string, name: string | null): void {
    if (name === null) this.#isTrusted = false;
    else if (!name.startsWith('.')) this.#add(path.join(folder, name));
  }

  #add(file: string): void {
    this.#changed.add(file);
    if (this.#changed.size > MAX_CHANGES || this.#watchers.has(file) || isOther(file)) this.#isTrusted = false;
  }
}

/** A folder, a link, or something that has gone again and may have been one. */
function isOther(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found === undefined ? path.extname(file) === '' : !found.isFile();
}

function isHidden(relative: string): boolean {
  return relative.split(path.sep).some((part) => part.startsWith('.'));
}
