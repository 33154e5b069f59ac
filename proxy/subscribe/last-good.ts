// The last good configuration on disk, from which a proxy starts without a controller. Its loss is never fatal.
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { EncodedResource } from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { decodeLastGood, encodeLastGood } from './last-good-format.ts';

export interface LastGoodOptions {
  readonly file: string;
  readonly log: Log;
  /** The time that changes are collected before a write, milliseconds. */
  readonly delay?: number;
  /** The maximum size of a stored configuration, bytes. */
  readonly maximum?: number;
}

/** Since the start of the process. */
export interface LastGoodCounts {
  readonly written: number;
  readonly failed: number;
}

const DELAY_MS = 5_000;
const MAX_BYTES = 256 * 1024 * 1024;

type Snapshot = () => readonly EncodedResource[];

export class LastGood {
  readonly #options: LastGoodOptions;
  readonly #maximum: number;
  #privateKey: Buffer | null = null;
  #pending: Snapshot | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #written = 0;
  #failed = 0;
  #savedAt = 0;

  constructor(options: LastGoodOptions) {
    this.#options = options;
    this.#maximum = options.maximum ?? MAX_BYTES;
  }

  get counts(): LastGoodCounts {
    return { written: this.#written, failed: this.#failed };
  }

  /** The time of the last write, milliseconds since the epoch; 0 without a file. */
  get savedAt(): number {
    return this.#savedAt;
  }

  /** Sets the key (PEM) that seals Secrets; null: Secrets are left out. True if it changed, so that the file should be written again. */
  useKey(privateKey: Buffer | null): boolean {
    const before = this.#privateKey;
    this.#privateKey = privateKey;
    return before === null || privateKey === null ? before !== privateKey : !before.equals(privateKey);
  }

  /** Loads the file; nothing if there is none, or if it is damaged, which is logged and counted. Never rejects. */
  async load(): Promise<readonly EncodedResource[]> {
    const { file, log } = this.#options;
    try {
      const { size, mtimeMs } = await stat(file);
      if (size > this.#maximum) throw new Error(`holds ${size} bytes, ${this.#maximum} are allowed`);
      const content = decodeLastGood(await readFile(file), this.#privateKey);
      if (!content.ok) throw new Error(content.error);
      const { resources, unreadable, unknown } = content.value;
      if (unreadable > 0) log.warn({ file, secrets: unreadable }, 'secrets of the last good configuration were sealed with another key');
      if (unknown > 0)
        log.warn(
          { file, resources: unknown },
          'the last good configuration is of a later release: resources of kinds that this release does not know are left out',
        );
      this.#savedAt = mtimeMs;
      return resources;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      this.#failed++;
      log.error({ err: error, file }, 'the last good configuration is ignored');
      return [];
    }
  }

  /** Schedules a write of the snapshot as it will be then. */
  schedule(snapshot: Snapshot): void {
    this.#pending = snapshot;
    this.#timer ??= setTimeout(() => this.#flush(), this.#options.delay ?? DELAY_MS).unref();
  }

  /** Writes pending changes now. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const snapshot = this.#pending;
    this.#pending = null;
    if (snapshot !== null) this.#writing = this.#writing.then(() => this.#write(snapshot()));
  }

  async #write(resources: readonly EncodedResource[]): Promise<void> {
    const { file, log } = this.#options;
    const temporary = `${file}.new`;
    try {
      // A file from before a crash may have another mode.
      await rm(temporary, { force: true });
      await writeDurably(temporary, encodeLastGood(resources, this.#privateKey), this.#maximum);
      await rename(temporary, file);
      await syncFolder(path.dirname(file));
      this.#written++;
      this.#savedAt = Date.now();
    } catch (error) {
      this.#failed++;
      log.error({ err: error, file }, 'the last good configuration could not be written');
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

async function writeDurably(file: string, chunks: Iterable<Buffer>, maximum: number): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    let total = 0;
    for (const chunk of chunks) {
      total += chunk.length;
      if (total > maximum) throw new Error(`the configuration takes more than ${maximum} bytes`);
      await writeAll(handle, chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A full disk writes fewer bytes than requested. */
async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let rest = chunk; rest.length > 0;) {
    const { bytesWritten } = await handle.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}

/** The rename must also survive a crash. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
