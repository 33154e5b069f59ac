// The access log: writes a line per exchange or stream directly into the buffer of its sink.
import type { LogFilter } from '#api/access-log/filter.ts';
import { DEFAULT_FORMAT } from '#api/access-log/format.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { SyslogSettings } from '#lib/syslog/settings.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AccessLogPlan, SinkName } from '../../exchange/route-telemetry.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { keeps } from './filter.ts';
import type { Subject } from './filter.ts';
import type { FurtherSink } from './further-sinks.ts';
import type { Remembered } from './remembered.ts';
import { planOf, RouteLines } from './route-lines.ts';
import { LogSink } from './sink.ts';

/** Format and filter of lines. */
export interface AccessLogSettings {
  readonly format: LogFormat;
  /** Null means all lines. */
  readonly filter: LogFilter;
  /** Lines also go to the OpenTelemetry collector, if there is one for logs. */
  readonly otlp?: boolean;
  /** Lines also go to this server; null, the default: none. */
  readonly syslog?: SyslogSettings | null;
  /** The requests whose lines stay in memory for a while; those that failed by default. */
  readonly recent?: Remembered;
}

export const DEFAULT_ACCESS_LOG: AccessLogSettings = Object.freeze({ format: DEFAULT_FORMAT, filter: null });

/** Takes exchanges and streams of a worker as they start and end. */
export interface Log extends ExchangeListener {
  started(exchange: Exchange): void;
  ended(exchange: Exchange, ms: number): void;
  logStream(session: StreamSession, ms: number): void;
}

/** The values of an exchange that filters check. */
export function subjectOf({ status, route, error, clientAddress: client, principal: caller }: Exchange, ms: number): Subject {
  return { status, ms, route: route === null ? '' : route.key, failed: error !== null, client, caller };
}

/** The values of a connection that filters check. */
export function subjectOfStream({ target, error, remoteAddress: client }: StreamSession, ms: number): Subject {
  return { status: 0, ms, route: target.plan === null ? '' : target.plan.key, failed: error !== null, client, caller: null };
}

export class AccessLog implements Log {
  readonly #shared: boolean;
  /** Whether requests without a policy have lines. */
  readonly #isOn: boolean;
  /** Null while lines go only to further sinks, and while the log is off and no policy has turned it on. */
  #sink: LogSink | null;
  /** Null: there are none. */
  readonly #further: readonly FurtherSink[] | null;
  readonly #lines: RouteLines;
  readonly #filter: LogFilter;
  #closing: Promise<boolean> | null = null;

  /**
   * `target`: `stdout`, a path of a file to append to, or `off`: without further sinks only requests whose policies turn the log on have
   * lines, on standard output. `shared`: other workers write to it too. Throws if it cannot be opened.
   */
  constructor(target: string, shared: boolean, { format, filter } = DEFAULT_ACCESS_LOG, further: readonly FurtherSink[] = []) {
    this.#shared = shared;
    this.#isOn = target !== 'off' || further.length > 0;
    this.#sink = target === 'off' ? null : new LogSink(target, shared);
    this.#further = further.length === 0 ? null : further;
    this.#lines = new RouteLines(format);
    this.#filter = filter;
  }

  /** Whether requests without a policy have lines. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Where the lines go: the security log may share it. Null while they go nowhere, or only to further sinks. */
  get sink(): LogSink | null {
    return this.#sink;
  }

  /** The number of dropped lines. */
  get dropped(): number {
    return this.#sink?.dropped ?? 0;
  }

  /** The number of lines dropped before the syslog server. The queue for the collector counts its own. */
  get syslogDropped(): number {
    return (this.#further ?? []).reduce((sum, { dropped }) => sum + dropped, 0);
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
    if (!this.#isOn || (this.#filter !== null && !keeps(this.#filter, subjectOf(exchange, ms)))) return;
    const line = this.#lines.line(exchange, ms);
    if (this.#sink !== null) this.#sink.write(line);
    if (this.#further !== null) for (const sink of this.#further) sink.exchange(line, exchange);
  }

  #endedWith(plan: AccessLogPlan, exchange: Exchange, ms: number): void {
    if (!(plan.enabled ?? this.#isOn) || !this.#isKept(plan, exchange, ms) || !isChosen(plan, exchange, ms)) return;
    const line = this.#lines.line(exchange, ms);
    const { sinks } = plan;
    if (isAmong(sinks, 'Output')) this.#output(sinks)?.write(line);
    for (const sink of this.#further ?? []) if (isAmong(sinks, sink.name)) sink.exchange(line, exchange);
  }

  #isKept({ keeps: own }: AccessLogPlan, exchange: Exchange, ms: number): boolean {
    if (own !== null) return own(exchange, ms);
    return this.#filter === null || keeps(this.#filter, subjectOf(exchange, ms));
  }

  /** Standard output if a policy turns on a log that is off, and names no other destination. */
  #output(sinks: AccessLogPlan['sinks']): LogSink | null {
    if (this.#sink === null && (!this.#isOn || sinks !== null)) this.#sink = new LogSink('stdout', this.#shared);
    return this.#sink;
  }

  logStream(session: StreamSession, ms: number): void {
    if (!this.#isOn || (this.#filter !== null && !keeps(this.#filter, subjectOfStream(session, ms)))) return;
    const line = this.#lines.usual.stream(session, ms);
    if (this.#sink !== null) this.#sink.write(line);
    for (const sink of this.#further ?? []) sink.stream(line, session);
  }

  /** Reopens the file after a rename. Returns null, or the error if the log keeps the old file. */
  reopen(): string | null {
    return this.#sink?.reopen() ?? null;
  }

  /** Writes the gathered lines: see LogSink.close. */
  close(timeout: number): Promise<boolean> {
    return (this.#closing ??= this.#close(timeout));
  }

  async #close(timeout: number): Promise<boolean> {
    const further = (this.#further ?? []).map((sink) => sink.close(timeout));
    const [own] = await Promise.all([this.#sink?.close(timeout) ?? true, ...further]);
    return own;
  }
}

/** Whether the line is in the share that is written. */
function isChosen({ share, always }: AccessLogPlan, exchange: Exchange, ms: number): boolean {
  return share === 1 || Math.random() < share || (always !== null && always(exchange, ms));
}

function isAmong(sinks: AccessLogPlan['sinks'], name: SinkName): boolean {
  return sinks === null || sinks.includes(name);
}
