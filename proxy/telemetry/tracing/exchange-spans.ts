// The spans of an exchange that is kept: that of the request, and below it those of waits for filters, of calls of filters and of attempts. They share one record
// and its list of attributes, which the sink reads at once.
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { SPAN_KIND, SPAN_STATUS } from '#lib/otlp/records.ts';
import type { SpanLink, SpanRecord, Value } from '#lib/otlp/records.ts';
import { newSpanId } from '#lib/trace-context/ids.ts';
import { redactorOf } from '../exchange-redactor.ts';
import { attemptAttributes } from './attempt-attributes.ts';
import { Epoch } from './epoch.ts';
import { errorTypeOf, errorTypeOfAttempt, errorTypeOfCall } from './failure.ts';
import { attemptName, requestName, serviceCallName } from './names.ts';
import { requestAttributes } from './request-attributes.ts';
import { serviceCallAttributes } from './service-call-attributes.ts';
import type { FilterWait, Trace, TracedCall } from './trace.ts';

/** Takes spans: the queue of the way to a collector. It keeps nothing of the record after the call. */
export interface SpanSink {
  add(span: SpanRecord): void;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

const NO_LINKS: readonly SpanLink[] = Object.freeze([]);

export class ExchangeSpans {
  readonly #sink: SpanSink;
  readonly #epoch = new Epoch();
  readonly #attributes: Value[] = [];
  readonly #record: Writable<SpanRecord> = {
    ...{ traceId: '', spanId: '', parentSpanId: '', traceState: '', flags: 0, name: '', kind: SPAN_KIND.internal },
    ...{ startTime: 0, endTime: 0, attributes: this.#attributes, links: NO_LINKS, status: SPAN_STATUS.unset, statusMessage: '' },
  };

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  /** Hands over the spans of an exchange that is over after `ms` milliseconds. */
  add(exchange: Exchange, trace: Trace, ms: number): void {
    const offset = this.#epoch.offset();
    const record = this.#record;
    record.traceId = trace.traceId;
    record.traceState = trace.traceState;
    record.flags = trace.sampled ? 1 : 0;
    this.#addRequest(exchange, trace, offset, ms);
    record.links = NO_LINKS;
    record.parentSpanId = trace.spanId;
    if (trace.waits !== null) for (const wait of trace.waits) this.#addWait(wait, offset);
    if (trace.calls !== null) for (const call of trace.calls) this.#addCall(call, exchange, offset, exchange.startedAt + ms);
    if (trace.first !== null) this.#addAttempt(trace.first, offset);
    if (trace.later !== null) for (const attempt of trace.later) this.#addAttempt(attempt, offset);
  }

  #addRequest(exchange: Exchange, { spanId, caller, traceId, settings, revision }: Trace, offset: number, ms: number): void {
    const record = this.#record;
    const isRoot = caller === null || caller.traceId !== traceId;
    record.parentSpanId = isRoot ? '' : caller.spanId;
    if (isRoot && caller !== null && caller.traceId !== '')
      record.links = [{ traceId: caller.traceId, spanId: caller.spanId, attributes: [] }];
    const attributes = this.#begin(spanId, requestName(exchange), SPAN_KIND.server);
    const problem = errorTypeOf(exchange);
    requestAttributes(attributes, exchange, settings.attributes, redactorOf(exchange));
    if (revision !== '') attributes.push('weir.config.revision', revision);
    if (problem !== '') attributes.push('error.type', problem);
    this.#end(offset + exchange.startedAt, offset + exchange.startedAt + ms, problem !== '', exchange.error?.title ?? '');
  }

  #addWait({ filter, since, until }: FilterWait, offset: number): void {
    this.#begin(newSpanId(), `filter ${filter}`, SPAN_KIND.internal).push('weir.filter', filter);
    this.#end(offset + since, offset + until, false, '');
  }

  /** `end`: of the exchange, for a call that goes on. */
  #addCall(traced: TracedCall, exchange: Exchange, offset: number, end: number): void {
    const { call, spanId, since, over } = traced;
    const attributes = this.#begin(spanId, serviceCallName(call), SPAN_KIND.client);
    serviceCallAttributes(attributes, call, over === null ? null : over.outcome, redactorOf(exchange));
    const problem = over === null ? '' : errorTypeOfCall(call, over.outcome);
    if (problem !== '') attributes.push('error.type', problem);
    this.#end(offset + since, offset + (over === null ? end : over.at), problem !== '', '');
  }

  #addAttempt(attempt: Attempt, offset: number): void {
    const attributes = this.#begin(attempt.spanId, attemptName(attempt.exchange), SPAN_KIND.client);
    const problem = errorTypeOfAttempt(attempt);
    attemptAttributes(attributes, attempt, redactorOf(attempt.exchange));
    if (problem !== '') attributes.push('error.type', problem);
    this.#end(offset + attempt.beganAt, offset + attempt.endedAt, problem !== '', attempt.error?.title ?? '');
  }

  #begin(spanId: string, name: string, kind: number): Value[] {
    const [record, attributes] = [this.#record, this.#attributes];
    attributes.length = 0;
    record.spanId = spanId;
    record.name = name;
    record.kind = kind;
    return attributes;
  }

  #end(start: number, end: number, failed: boolean, message: string): void {
    const record = this.#record;
    record.startTime = start;
    record.endTime = Math.max(start, end);
    record.status = failed ? SPAN_STATUS.error : SPAN_STATUS.unset;
    record.statusMessage = failed ? message : '';
    this.#sink.add(record);
  }
}
