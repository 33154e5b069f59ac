// Encodes log records. Field numbers: opentelemetry-proto 1.x, logs/v1.
import type { WireWriter } from '../protobuf/wire-writer.ts';
import { anyValue, attributes, id, text, time, uint } from './encode.ts';
import type { LogRecord } from './records.ts';

const LOG = {
  time: 1,
  severity: 2,
  severityText: 3,
  body: 5,
  attributes: 6,
  traceId: 9,
  spanId: 10,
  observedTime: 11,
  eventName: 12,
} as const;

/** The fields of a log record. Its source is the program itself, which observes it when it happens. */
export function writeLog(writer: WireWriter, log: LogRecord): void {
  text(writer, LOG.eventName, log.eventName);
  time(writer, LOG.observedTime, log.time);
  id(writer, LOG.spanId, log.spanId);
  id(writer, LOG.traceId, log.traceId);
  attributes(writer, LOG.attributes, log.attributes);
  anyValue(writer, LOG.body, log.body);
  text(writer, LOG.severityText, log.severityText);
  uint(writer, LOG.severity, log.severity);
  time(writer, LOG.time, log.time);
}
