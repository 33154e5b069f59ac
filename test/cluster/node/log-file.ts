// The log of a container, line by line with time and stream, in the format of container runtimes: `2026-11-24T22:30:00.000Z stdout F text`.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, watch, writeSync } from 'node:fs';

/** The requested part of a log, as in a request to a kubelet. */
export interface LogQuery {
  readonly tailLines: number | null;
  readonly limitBytes: number | null;
  /** Since when, as Date.now() counts. */
  readonly since: number | null;
  readonly timestamps: boolean;
}

/** Writes the output of a container's process. */
export class LogWriter {
  readonly #file: number;
  readonly #rest: Record<'stdout' | 'stderr', Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  constructor(file: string) {
    this.#file = openSync(file, 'a');
  }

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest[stream], chunk]);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#rest[stream] = bytes.subarray(end);
    if (end > 0) this.#append(stream, bytes.toString('utf8', 0, end - 1).split('\n'));
  }

  close(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream].length > 0) this.#append(stream, [this.#rest[stream].toString()]);
    }
    closeSync(this.#file);
  }

  #append(stream: string, lines: readonly string[]): void {
    const head = `${new Date().toISOString()} ${stream} F `;
    writeSync(this.#file, lines.map((line) => `${head}${line}\n`).join(''));
  }
}

/** The requested part of the log as text. */
export function readLog(file: string, query: LogQuery): string {
  if (!existsSync(file)) return '';
  const lines = linesOf(readFileSync(file, 'utf8')).filter((line) => isSince(line, query.since));
  const tail = query.tailLines === null ? lines : lines.slice(Math.max(0, lines.length - query.tailLines));
  const text = tail.map((line) => shown(line, query)).join('');
  return query.limitBytes === null ? text : Buffer.from(text).subarray(0, query.limitBytes).toString();
}

/** Calls back with later additions, until the signal. The log may be removed meanwhile. */
export function followLog(file: string, query: LogQuery, onText: (text: string) => void, signal: AbortSignal): void {
  const descriptor = openSync(file, 'r');
  let offset = fstatSync(descriptor).size;
  let rest = '';
  const follow = () => {
    const added = readFrom(descriptor, offset);
    offset += added.length;
    const text = rest + added.toString();
    const lines = linesOf(text);
    rest = text.slice(text.lastIndexOf('\n') + 1);
    if (lines.length > 0) onText(lines.map((line) => shown(line, query)).join(''));
  };
  watch(file, { signal }, follow).on('close', () => closeSync(descriptor));
}

function readFrom(descriptor: number, offset: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - offset));
  readSync(descriptor, bytes, 0, bytes.length, offset);
  return bytes;
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

function isSince(line: string, since: number | null): boolean {
  return since === null || Date.parse(line.slice(0, line.indexOf(' '))) >= since;
}

function shown(line: string, { timestamps }: LogQuery): string {
  const [time = '', stream = '', tag = ''] = line.split(' ', 3);
  const text = line.slice(time.length + stream.length + tag.length + 3);
  return timestamps ? `${time} ${text}\n` : `${text}\n`;
}
