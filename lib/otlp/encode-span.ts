// Encodes spans. Field numbers: opentelemetry-proto 1.x, trace/v1. The writer writes from the end, so the fields come in reverse.
import { WIRE } from '../protobuf/wire-reader.ts';
import type { WireWriter } from '../protobuf/wire-writer.ts';
import { attributes, id, message, text, time, uint } from './encode.ts';
import { SPAN_STATUS } from './records.ts';
import type { SpanEvent, SpanLink, SpanRecord } from './records.ts';

const SPAN = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTime: 7,
  endTime: 8,
  attributes: 9,
  events: 11,
  links: 13,
  status: 15,
  flags: 16,
} as const;

/** The fields of a span. */
export function writeSpan(writer: WireWriter, span: SpanRecord): void {
  flags(writer, SPAN.flags, span.flags);
  if (span.status !== SPAN_STATUS.unset) message(writer, SPAN.status, span, writeStatus);
  const { links, events } = span;
  if (links !== undefined) for (let i = links.length - 1; i >= 0; i--) message(writer, SPAN.links, links[i] as SpanLink, writeLink);
  if (events !== undefined) for (let i = events.length - 1; i >= 0; i--) message(writer, SPAN.events, events[i] as SpanEvent, writeEvent);
  attributes(writer, SPAN.attributes, span.attributes);
  time(writer, SPAN.endTime, span.endTime);
  time(writer, SPAN.startTime, span.startTime);
  uint(writer, SPAN.kind, span.kind);
  text(writer, SPAN.name, span.name);
  id(writer, SPAN.parentSpanId, span.parentSpanId);
  text(writer, SPAN.traceState, span.traceState);
  id(writer, SPAN.spanId, span.spanId);
  id(writer, SPAN.traceId, span.traceId);
}

function flags(writer: WireWriter, field: number, value: number): void {
  writer.fixed32(value);
  writer.tag(field, WIRE.fixed32);
}

function writeStatus(writer: WireWriter, { status, statusMessage }: SpanRecord): void {
  uint(writer, 3, status);
  text(writer, 2, statusMessage);
}

function writeEvent(writer: WireWriter, event: SpanEvent): void {
  attributes(writer, 3, event.attributes);
  text(writer, 2, event.name);
  time(writer, 1, event.time);
}

function writeLink(writer: WireWriter, link: SpanLink): void {
  attributes(writer, 4, link.attributes);
  id(writer, 2, link.spanId);
  id(writer, 1, link.traceId);
}
