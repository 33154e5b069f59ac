// The access log: writes a line per exchange or stream directly into the buffer of its sink.
import type { LogFilter } from '#api/access-log/filter.ts';
import { DEFAULT_FORMAT } from '#api/access-log/format.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AccessLogPlan } from '../../exchange/route-telemetry.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { keeps } from './filter.ts';
import type { Subject } from './filter.ts';
import { planOf, RouteLines } from './route-lines.ts';
import { LogSink } from './sink.ts';

/** Format and filter of lines. */
export interface AccessLogSettings {
  readonly format: LogFormat;
  /** Null means all lines. */
  readonly filter: LogFilter;
}

export const DEFAULT_ACCESS_LOG: AccessLogSettings = Object.freeze({ format: DEFAULT_FORMAT, filter: null });

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
  readonly #target: string;
  readonly #shared: boolean;
  /** Null while the log is off and no policy has turned it on. */
  #sink: LogSink | null;
  readonly #lines: RouteLines;
  readonly #filter: LogFilter;
  #closing: Promise<boolean> | null = null;

  /**
   * `target`: `stdout`, a path of a file to append to, or `off`: only requests whose policies turn the log on have lines, on standard output.
   * `shared`: other workers write to it too. Throws if it cannot be opened.
   */
  constructor(target: string, shared: boolean, { format, filter } = DEFAULT_ACCESS_LOG) {
    this.#target = target;
    this.#shared = shared;
    this.#sink = target === 'off' ? null : new LogSink(target, shared);
    this.#lines = new RouteLines(format);
    this.#filter = filter;
  }

  /** Where the lines go: the security log may share it. Null while the log is off. */
  get sink(): LogSink | null {
    return this.#sink;
  }

  /** The number of dropped lines. */
  get dropped(): number {
    return this.#sink?.dropped ?? 0;
  }

  started(exchange: Exchange): void {
    this.#lines.started(exchange);
  }

  matched(exchange: Exchange): void {
    this.#lines.matched(exchange);
  }

  ended(exchange: Exchange, ms: number): void {
    const plan = planOf(exchange);
    if (plan !== null) return this.#endedWith(plan, exchange, ms);
    if (this.#target === 'off') return;
    if (this.#filter !== null && !keeps(this.#filter, subjectOf(exchange, ms))) return;
    this.#write(this.#lines.line(exchange, ms));
  }

  #endedWith(plan: AccessLogPlan, exchange: Exchange, ms: number): void {
    if (!(plan.enabled ?? this.#target !== 'off')) return;
    const isKept = plan.keeps === null ? this.#filter === null || keeps(this.#filter, subjectOf(exchange, ms)) : plan.keeps(exchange, ms);
    if (isKept && isChosen(plan, exchange, ms)) this.#write(this.#lines.line(exchange, ms));
  }

  #write(line: string): void {
    this.#sink ??= new LogSink('stdout', this.#shared);
    this.#sink.write(line);
  }

  logStream(session: StreamSession, ms: number): void {
    if (this.#target === 'off') return;
    if (this.#filter === null || keeps(this.#filter, subjectOfStream(session, ms))) this.#write(this.#lines.usual.stream(session, ms));
  }

  /** Reopens the file after a rename. Returns null, or the error if the log keeps the old file. */
  reopen(): string | null {
    return this.#sink?.reopen() ?? null;
  }

  /** Writes the gathered lines: see LogSink.close. */
  close(timeout: number): Promise<boolean> {
    return (this.#closing ??= this.#sink?.close(timeout) ?? Promise.resolve(true));
  }
}

/** Whether the line is in the share that is written. */
function isChosen({ share, always }: AccessLogPlan, exchange: Exchange, ms: number): boolean {
  return share === 1 || Math.random() < share || (always !== null && always(exchange, ms));
}
