// The access log: writes a line per exchange or stream directly into the buffer of its sink.
import type { LogFilter } from '#api/access-log/filter.ts';
import { DEFAULT_FORMAT } from '#api/access-log/format.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { keeps } from './filter.ts';
import type { Subject } from './filter.ts';
import { compileLine } from './line.ts';
import { Moment } from './moment.ts';
import { keepHeaders, loggedHeaders, requestReaders } from './request-fields.ts';
import { LogSink } from './sink.ts';
import { streamReaders } from './stream-fields.ts';

/** Format and filter of lines. */
export interface AccessLogSettings {
  readonly format: LogFormat;
  /** Null means all lines. */
  readonly filter: LogFilter;
}

export const DEFAULT_ACCESS_LOG: AccessLogSettings = Object.freeze({ format: DEFAULT_FORMAT, filter: null });

/** Makes lines. Tests use it without a sink. */
export class LineMaker {
  readonly #headers: readonly string[];
  readonly #moment = new Moment();
  readonly #request: (exchange: Exchange, moment: Moment) => string;
  readonly #stream: (session: StreamSession, moment: Moment) => string;

  constructor(format: LogFormat) {
    this.#headers = loggedHeaders(format);
    this.#request = compileLine(format, requestReaders(this.#headers));
    this.#stream = compileLine(format, streamReaders());
  }

  /** Keeps headers before filters change them. */
  started(exchange: Exchange): void {
    if (this.#headers.length > 0) keepHeaders(exchange, this.#headers);
  }

  /** The line of an exchange, with its duration in milliseconds. It has no query, since queries often contain tokens. */
  request(exchange: Exchange, ms: number): string {
    this.#moment.ms = ms;
    return this.#request(exchange, this.#moment);
  }

  /** The line of a connection. */
  stream(session: StreamSession, ms: number): string {
    this.#moment.ms = ms;
    return this.#stream(session, this.#moment);
  }
}

/** Takes exchanges and streams of a worker as they start and end. */
export interface Log extends ExchangeListener {
  started(exchange: Exchange): void;
  ended(exchange: Exchange, ms: number): void;
  logStream(session: StreamSession, ms: number): void;
}

/** The values of an exchange that filters check. */
export function subjectOf({ status, route, error }: Exchange, ms: number): Subject {
  return { status, ms, route: route === null ? '' : route.key, failed: error !== null };
}

/** The values of a connection that filters check. */
export function subjectOfStream({ target, error }: StreamSession, ms: number): Subject {
  return { status: 0, ms, route: target.plan === null ? '' : target.plan.key, failed: error !== null };
}

export class AccessLog implements Log {
  readonly #sink: LogSink;
  readonly #lines: LineMaker;
  readonly #filter: LogFilter;
  #closing: Promise<boolean> | null = null;

  /** `target`: `stdout` or a path of a file to append to; `shared`: other workers write to it too. Throws if it cannot be opened. */
  constructor(target: string, shared: boolean, { format, filter } = DEFAULT_ACCESS_LOG) {
    this.#sink = new LogSink(target, shared);
    this.#lines = new LineMaker(format);
    this.#filter = filter;
  }

  /** Where the lines go: the security log may share it. */
  get sink(): LogSink {
    return this.#sink;
  }

  /** The number of dropped lines. */
  get dropped(): number {
    return this.#sink.dropped;
  }

  started(exchange: Exchange): void {
    this.#lines.started(exchange);
  }

  ended(exchange: Exchange, ms: number): void {
    if (this.#filter !== null && !keeps(this.#filter, subjectOf(exchange, ms))) return;
    this.#sink.write(this.#lines.request(exchange, ms));
  }

  logStream(session: StreamSession, ms: number): void {
    if (this.#filter === null || keeps(this.#filter, subjectOfStream(session, ms))) this.#sink.write(this.#lines.stream(session, ms));
  }

  /** Reopens the file after a rename. Returns null, or the error if the log keeps the old file. */
  reopen(): string | null {
    return this.#sink.reopen();
  }

  /** Writes the gathered lines: see LogSink.close. */
  close(timeout: number): Promise<boolean> {
    return (this.#closing ??= this.#sink.close(timeout));
  }
}
