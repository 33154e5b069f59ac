// What is handed to the queues of OTLP: spans, log records and metrics, as plain objects that cost little to make.
//
// A caller gets an `Otlp` (otlp.ts), or null if no collector is configured, and adds to the queue of its signal:
//
//     otlp?.traces.add(span)      a SpanRecord; called once, when the span has ended
//     otlp?.logs.add(record)      a LogRecord
//
// `add` encodes the record in the call and keeps no reference to it, so that the caller may use the object again. It never throws, never
// waits, and costs a comparison if the queue is full. The resource (service.name, service.instance.id, k8s.pod.name, weir.fleet and so on)
// belongs to the queue: records have no attributes of it. Secrets are redacted before `add`.

/** A value of an attribute. Whole numbers become integers, other numbers doubles; null is the empty value. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** Names and values in turn: `['http.request.method', 'GET', 'http.response.status_code', 200]`. A list costs less than an object. */
export type Attributes = readonly Value[];

/** The numbers of OTLP. */
export const SPAN_KIND = Object.freeze({ internal: 1, server: 2, client: 3, producer: 4, consumer: 5 });
export const SPAN_STATUS = Object.freeze({ unset: 0, ok: 1, error: 2 });
/** Severities; each has three more numbers above it. */
export const SEVERITY = Object.freeze({ trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 });

export interface SpanRecord {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 16 hexadecimal digits; '' for a root. */
  readonly parentSpanId: string;
  /** The header tracestate; '' for none. */
  readonly traceState: string;
  /** The flags of traceparent: 1 is sampled. */
  readonly flags: number;
  readonly name: string;
  /** Of SPAN_KIND. */
  readonly kind: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly startTime: number;
  readonly endTime: number;
  readonly attributes: Attributes;
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly SpanLink[];
  /** Of SPAN_STATUS. */
  readonly status: number;
  /** For errors only; '' for none. */
  readonly statusMessage: string;
}

/** A moment of a span. */
export interface SpanEvent {
  /** Milliseconds since the epoch, with fractions. */
  readonly time: number;
  readonly name: string;
  readonly attributes: Attributes;
}

/** Another span that belongs to the same matter. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface LogRecord {
  /** Milliseconds since the epoch, with fractions. */
  readonly time: number;
  /** Of SEVERITY. */
  readonly severity: number;
  /** '' for none. */
  readonly severityText: string;
  /** The name of the kind of event, if each record of it has the same attributes; '' for none. */
  readonly eventName: string;
  readonly body: Value;
  readonly attributes: Attributes;
  /** '' without a trace. */
  readonly traceId: string;
  readonly spanId: string;
}
