// The access log: one JSON line per exchange, gathered and written in blocks. Clients choose much of what it holds, so every
// string is escaped and cut.
import { closeSync, openSync, write } from 'node:fs';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';

const FLUSH_BYTES = 16_384;
const FLUSH_MS = 500;
/** Beyond this the disk or the pipe is stuck: lines are dropped and counted, memory does not grow. */
const MAX_PENDING_BYTES = 4_194_304;
const MAX_FIELD = 512;

export class AccessLog {
  readonly #fd: number;
  readonly #ownsFd: boolean;
  readonly #timer: NodeJS.Timeout;
  #lines: string[] = [];
  #bytes = 0;
  #writing = false;
  #dropped = 0;

  /** `target`: `stdout` or a path, which is appended to. Throws when it cannot be opened. */
  constructor(target: string) {
    this.#ownsFd = target !== 'stdout';
    this.#fd = this.#ownsFd ? openSync(target, 'a') : 1;
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Lines lost because nothing took them. */
  get dropped(): number {
    return this.#dropped;
  }

  log(exchange: Exchange, ms: number): void {
    if (this.#bytes > MAX_PENDING_BYTES) {
      this.#dropped++;
      return;
    }
    const line = formatLine(exchange, ms, new Date().toISOString());
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
  }

  /** Writes what has gathered, unless a write is under way. */
  flush(): void {
    if (this.#writing || this.#lines.length === 0) return;
    const block = Buffer.from(this.#lines.join(''), 'utf8');
    this.#lines = [];
    this.#write(block);
  }

  #write(block: Buffer): void {
    this.#writing = true;
    write(this.#fd, block, (error, written) => {
      this.#writing = false;
      if (error === null && written < block.length) return this.#write(block.subarray(written));
      if (error !== null) this.#dropped++;
      this.#bytes = this.#lines.reduce((sum, line) => sum + line.length, 0);
      if (this.#bytes >= FLUSH_BYTES) this.flush();
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.flush();
    if (this.#ownsFd && !this.#writing) closeSync(this.#fd);
  }
}

/** One line. Queries are left out: they carry tokens more often than anything else does. */
export function formatLine(exchange: Exchange, ms: number, time: string): string {
  const fields: Record<string, string | number> = {
    time,
    method: cut(exchange.method),
    authority: cut(exchange.authority),
    path: cut(exchange.path),
    status: exchange.status,
    durationMs: round(ms),
    headMs: round(exchange.headAt),
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    remoteAddress: exchange.connection.remoteAddress,
    protocol: exchange.connection.protocol,
  };
  addOrigin(fields, exchange);
  const agent = getHeader(exchange.requestHeaders, 'user-agent');
  if (agent !== null) fields['userAgent'] = cut(agent);
  return `${JSON.stringify(fields)}\n`;
}

function addOrigin(fields: Record<string, string | number>, exchange: Exchange): void {
  if (exchange.route !== null) fields['route'] = exchange.route.key;
  if (exchange.listener !== '') fields['listener'] = exchange.listener;
  if (exchange.endpoint !== null) fields['endpoint'] = `${exchange.endpoint.address}:${exchange.endpoint.port}`;
  if (exchange.attempts > 1) fields['attempts'] = exchange.attempts;
  if (exchange.error !== null) fields['error'] = exchange.error.code;
}

function cut(text: string): string {
  return text.length > MAX_FIELD ? `${text.slice(0, MAX_FIELD)}...` : text;
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
