// The sink of the access log: gathers lines in a buffer and writes it when it is full, or a moment after the first line. Requests never
// wait: if a pipe or disk is slow, bytes wait in memory up to a limit, and the sink drops and counts further lines.
import { closeSync, write, writeSync } from 'node:fs';
import { openDestination } from './destination.ts';
import type { Destination } from './destination.ts';
import { WRITE_BYTES } from './line.ts';

const FLUSH_MS = 100;
/** Time between two attempts to write to a full pipe or disk. */
const RETRY_MS = 20;
/** The most bytes that wait for a slow disk or pipe. */
const MAX_PENDING_BYTES = 4_194_304;

/** Lines that wait to be written. */
interface Chunk {
  bytes: Buffer;
  /** The number of lines; 0 once a part is written: the chunk then counts as written. */
  lines: number;
}

export class LogSink {
  readonly #target: string;
  readonly #shared: boolean;
  #destination: Destination;
  /** Replaces the destination once no write is in progress. */
  #next: Destination | null = null;
  /** Has room for a chunk and one more line. */
  #buffer: Buffer;
  #used = 0;
  #lines = 0;
  #dropped = 0;
  readonly #queue: Chunk[] = [];
  #queuedBytes = 0;
  #writing = false;
  /** Whether the pipe has lost its last reader, which is permanent. */
  #broken = false;
  #closed = false;
  #flushTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #emptied: (() => void) | null = null;

  /** `target`: `stdout` or a path of a file to append to; `shared`: other workers write to it too. Throws if it cannot be opened. */
  constructor(target: string, shared: boolean) {
    this.#shared = shared;
    this.#target = target;
    this.#destination = openDestination(target, shared);
    this.#buffer = Buffer.allocUnsafe(this.#destination.chunkBytes + WRITE_BYTES);
  }

  /** The number of dropped lines. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a line of at most WRITE_BYTES. */
  write(line: string): void {
    if (this.#broken || this.#closed) {
      this.#dropped++;
      return;
    }
    const { chunkBytes } = this.#destination;
    const written = this.#buffer.utf8Write(line, this.#used);
    if (this.#used + written > chunkBytes) {
      const begin = this.#used;
      this.#handOver();
      this.#buffer.copyWithin(0, begin, begin + written);
    }
    this.#used += written;
    this.#lines++;
    this.#flushTimer ??= setTimeout(this.#flushDue, FLUSH_MS).unref();
  }

  readonly #flushDue = (): void => {
    this.#flushTimer = null;
    this.#handOver();
  };

  /** Writes the gathered lines, or queues them. */
  #handOver(): void {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    const lines = this.#lines;
    this.#used = 0;
    this.#lines = 0;
    const rest = this.#destination.direct && this.#queue.length === 0 ? this.#writeNow(bytes) : bytes;
    if (rest === null) return;
    if (this.#broken || this.#queuedBytes + rest.length > MAX_PENDING_BYTES) {
      this.#dropped += lines;
      return;
    }
    this.#queue.push({ bytes: Buffer.from(rest), lines });
    this.#queuedBytes += rest.length;
    this.#pump();
  }

  /** Writes without blocking. Returns the unwritten rest, or null. */
  #writeNow(bytes: Buffer): Buffer | null {
    try {
      const written = writeSync(this.#destination.descriptor, bytes);
      return written === bytes.length ? null : bytes.subarray(written);
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
      return bytes;
    }
  }

  /** Keeps unwritten bytes for another attempt, except after the last reader has left. */
  #failed({ code }: NodeJS.ErrnoException): void {
    if (code === 'EPIPE') this.#break();
  }

  #break(): void {
    this.#broken = true;
    for (const { lines } of this.#queue.splice(0)) this.#dropped += lines;
    this.#queuedBytes = 0;
    this.#emptied?.();
  }

  /** Writes as much of the queue as the destination takes. */
  #pump(): void {
    if (this.#writing || this.#retryTimer !== null) return;
    if (this.#next !== null) this.#changeDestination(this.#next);
    if (this.#destination.direct) return this.#pumpNow();
    const [chunk] = this.#queue;
    if (chunk === undefined) return this.#emptied?.();
    this.#writing = true;
    write(this.#destination.descriptor, chunk.bytes, (error, written) => {
      this.#writing = false;
      if (error === null) {
        this.#went(chunk, written);
        return this.#pump();
      }
      this.#failed(error);
      this.#retryLater();
    });
  }

  #pumpNow(): void {
    for (let [chunk] = this.#queue; chunk !== undefined; [chunk] = this.#queue) {
      const rest = this.#writeNow(chunk.bytes);
      if (this.#broken) return;
      this.#went(chunk, chunk.bytes.length - (rest?.length ?? 0));
      if (rest !== null) return this.#retryLater();
    }
    this.#emptied?.();
  }

  #went(chunk: Chunk, written: number): void {
    this.#queuedBytes -= written;
    if (written === chunk.bytes.length) this.#queue.shift();
    else chunk.bytes = chunk.bytes.subarray(written);
  }

  #retryLater(): void {
    if (this.#broken) return;
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      this.#pump();
    }, RETRY_MS).unref();
  }

  /** Reopens the file after a rename. Returns null, or the error if the sink keeps the old file. */
  reopen(): string | null {
    if (this.#target === 'stdout' || this.#closed) return null;
    try {
      const next = openDestination(this.#target, this.#shared);
      if (this.#next !== null) closeSync(this.#next.descriptor);
      this.#next = next;
    } catch (error) {
      return (error as Error).message;
    }
    this.#handOver();
    this.#pump();
    return null;
  }

  /** Runs only between writes, since a write needs its descriptor to stay open. */
  #changeDestination(next: Destination): void {
    closeSync(this.#destination.descriptor);
    this.#destination = next;
    this.#next = null;
    if (next.chunkBytes + WRITE_BYTES > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], next.chunkBytes + WRITE_BYTES);
  }

  /**
   * Writes the gathered lines, for at most `timeout` ms. Resolves to false if lines are left: a thread may then be blocked in the write,
   * and only SIGKILL ends the process.
   */
  async close(timeout: number): Promise<boolean> {
    this.#handOver();
    this.#closed = true;
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const deadline = setTimeout(() => resolve(false), timeout);
    this.#emptied = () => resolve(true);
    this.#retryTimer?.ref();
    this.#pump();
    const flushed = await promise;
    clearTimeout(deadline);
    if (flushed && this.#target !== 'stdout') closeSync(this.#destination.descriptor);
    return flushed;
  }
}
