// The security log: one JSON line for a security event. It has a destination of its own, or shares the sink of the access log, so that
// lines of both never mix. Requests never wait for it.
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { single } from '#lib/metric.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { requestIdOf } from '../exchange/request-id.ts';
import { SECURITY_EVENTS } from '../exchange/security-events.ts';
import type { EventLines, SecurityEventFields, SecurityEventName, SecurityEvents } from '../exchange/security-events.ts';
import { escaperOf, JSON_ESCAPES, redactingEscaperOf } from './access-log/escape.ts';
import { WRITE_BYTES } from './access-log/line.ts';
import type { LogSink } from './access-log/sink.ts';

/** The time in which an event of a route or source has one line. */
export const REPEAT_MS = 10_000;
/** Routes and sources with lines in one interval; further events have no line. */
const MAX_REMEMBERED = 1_024;
/** Names of objects have at most 330 characters; clients choose other texts. */
const nameText = escaperOf(JSON_ESCAPES, 330);
const freeText = escaperOf(JSON_ESCAPES, 128);
/** The same without secrets. */
const clientText = redactingEscaperOf(JSON_ESCAPES, 128, DEFAULT_REDACTOR);

export class SecurityLog implements SecurityEvents {
  readonly #sink: LogSink | null;
  readonly #counts = new Map<SecurityEventName, number>();
  /** Events without a line in this interval. */
  readonly #remembered = new Map<string, number>();
  #intervalAt = 0;
  #dropped = 0;
  #suppressed = 0;

  /** `sink`: null counts events only. */
  constructor(sink: LogSink | null) {
    this.#sink = sink;
  }

  emit(name: SecurityEventName, exchange: Exchange | null, fields: SecurityEventFields): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (this.#sink === null) return;
    const { lines } = SECURITY_EVENTS[name];
    if (lines !== 'each' && !this.#isFirst(name, keyOf(lines, exchange, fields))) return;
    const line = lineOf(name, exchange, fields);
    if (line.length * 3 > WRITE_BYTES && Buffer.byteLength(line) > WRITE_BYTES) this.#dropped++;
    else this.#sink.write(line);
  }

  #isFirst(name: SecurityEventName, rest: string): boolean {
    const now = turnTime();
    if (now - this.#intervalAt >= REPEAT_MS) {
      this.#remembered.clear();
      this.#intervalAt = now;
    }
    const key = `${name} ${rest}`;
    const isFirst = !this.#remembered.has(key) && this.#remembered.size < MAX_REMEMBERED;
    if (isFirst) this.#remembered.set(key, now);
    else this.#suppressed++;
    return isFirst;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_security_events_total',
        type: 'counter',
        help: 'Security events, by name',
        read: () => Array.from(this.#counts, ([event, value]) => ({ labels: { event }, value })),
      },
      single('weir_security_log_suppressed_total', 'counter', 'Security events without a line, because an equal one has it', () => {
        return this.#suppressed;
      }),
      single(
        'weir_security_log_drops_total',
        'counter',
        'Dropped lines of the security log',
        () => this.#dropped + (this.#sink?.dropped ?? 0),
      ),
    ];
  }
}

/** Of the events that have one line together. */
function keyOf(lines: EventLines, exchange: Exchange | null, { policy = '', rule = '', reason = '' }: SecurityEventFields): string {
  const source = lines === 'source' && exchange !== null ? exchange.clientAddress : '';
  return `${exchange?.route?.key ?? ''} ${policy} ${rule} ${reason} ${source}`;
}

function lineOf(name: SecurityEventName, exchange: Exchange | null, fields: SecurityEventFields): string {
  let line = `{"log":"security","time":"${new Date().toISOString()}","event":"${name}"`;
  const add = (field: string, text: string | null | undefined, escape = freeText): void => {
    if (text !== null && text !== undefined && text !== '') line += `,"${field}":"${escape(text)}"`;
  };
  add('reason', fields.reason, clientText);
  add('policy', fields.policy, nameText);
  add('rule', fields.rule);
  add('source', fields.source);
  add('origin', fields.origin);
  add('until', fields.until);
  if (fields.score !== undefined) line += `,"score":${Math.round(fields.score)}`;
  add('note', fields.note);
  add('principal', fields.principal ?? exchange?.principal?.id);
  add('consumer', fields.consumer ?? exchange?.principal?.consumer, nameText);
  if (exchange !== null) addRequest(add, exchange);
  return `${line}}\n`;
}

function addRequest(
  add: (field: string, text: string | null | undefined, escape?: (text: string) => string) => void,
  exchange: Exchange,
): void {
  add('clientAddress', exchange.clientAddress);
  add('route', exchange.route?.key, nameText);
  add('listener', exchange.listener, nameText);
  add('requestId', requestIdOf(exchange), clientText);
  add('traceId', exchange.trace?.traceId);
}
