// Further destinations of lines besides the file or pipe: a syslog server, and the queue of an OpenTelemetry collector. Each has bounded
// memory, drops what does not fit, and counts that.
import os from 'node:os';
import type { Log as ServiceLog } from '#lib/log.ts';
import { SEVERITY as OTLP_SEVERITY } from '#lib/otlp/records.ts';
import type { Attributes, LogRecord } from '#lib/otlp/records.ts';
import { framesOf, SEVERITY } from '#lib/syslog/message.ts';
import { SyslogSender } from '#lib/syslog/sender.ts';
import type { SyslogSettings } from '#lib/syslog/settings.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { SinkName } from '../../exchange/route-telemetry.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';

/** Takes lines with their line break. */
export interface FurtherSink {
  readonly name: SinkName;
  readonly dropped: number;
  exchange(line: string, exchange: Exchange): void;
  stream(line: string, session: StreamSession): void;
  /** Sends what waits for up to `timeout` ms. False: something was dropped. */
  close(timeout: number): Promise<boolean>;
}

/** The span of a request. */
type Trace = Pick<LogRecord, 'traceId' | 'spanId'>;

/** The kinds of messages and events. */
const REQUEST = 'access';
const CONNECTION = 'connection';

export class SyslogSink implements FurtherSink {
  readonly name = 'Syslog';
  readonly #sender: SyslogSender;
  readonly #frame = framesOf({ host: os.hostname(), program: 'weir', process: String(process.pid) });

  constructor(settings: SyslogSettings, log?: ServiceLog) {
    const server = `${settings.host}:${settings.port}`;
    this.#sender = new SyslogSender(settings, (reason) => log?.warn({ server, reason }, 'the syslog server takes no lines'));
  }

  get dropped(): number {
    return this.#sender.dropped;
  }

  exchange(line: string, exchange: Exchange): void {
    this.#sender.add(this.#frame(SEVERITY[severityOf(exchange)], REQUEST, line.slice(0, -1)));
  }

  stream(line: string, { error }: StreamSession): void {
    this.#sender.add(this.#frame(error === null ? SEVERITY.info : SEVERITY.error, CONNECTION, line.slice(0, -1)));
  }

  close(timeout: number): Promise<boolean> {
    return this.#sender.close(timeout);
  }
}

/** The queue of log records; its owner closes it and counts its losses. */
export class OtlpSink implements FurtherSink {
  readonly name = 'OTLP';
  readonly dropped = 0;
  readonly #add: (record: LogRecord) => void;

  constructor(queue: { add(record: LogRecord): void }) {
    this.#add = (record) => queue.add(record);
  }

  exchange(line: string, exchange: Exchange): void {
    this.#record(line, REQUEST, severityOf(exchange), requestAttributes(exchange), exchange.trace);
  }

  stream(line: string, { error, target }: StreamSession): void {
    const attributes = ['network.protocol.name', target.protocol, 'weir.listener', target.listener];
    this.#record(line, CONNECTION, error === null ? 'info' : 'error', [...attributes, ...errorAttributes(error)], null);
  }

  #record(line: string, event: string, severity: keyof typeof SEVERITY, attributes: Attributes, trace: Trace | null): void {
    this.#add({
      time: Date.now(),
      severity: severity === 'warning' ? OTLP_SEVERITY.warn : OTLP_SEVERITY[severity],
      severityText: severity,
      eventName: `weir.${event}`,
      body: line.slice(0, -1),
      attributes,
      traceId: trace === null ? '' : trace.traceId,
      spanId: trace === null ? '' : trace.spanId,
    });
  }

  close(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

function severityOf({ status, error }: Exchange): keyof typeof SEVERITY {
  if (status >= 500 || status === 0) return 'error';
  return status >= 400 || error !== null ? 'warning' : 'info';
}

/** The names of the semantic conventions of HTTP, and Weir's own; absent where there is none. No text of a client is without a bound. */
function requestAttributes({ method, status, route, listener, error }: Exchange): Attributes {
  return [
    'http.request.method',
    method.slice(0, 32),
    ...(status === 0 ? [] : ['http.response.status_code', status]),
    ...(route === null ? [] : ['weir.route', route.key]),
    ...(listener === '' ? [] : ['weir.listener', listener]),
    ...errorAttributes(error),
  ];
}

function errorAttributes(error: { readonly code: string } | null): Attributes {
  return error === null ? [] : ['error.type', error.code];
}
