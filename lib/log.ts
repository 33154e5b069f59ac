// Structured logs: one JSON object per line, with ids in fields instead of in the message.
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** A logger. `child` adds fields to every line. */
export type Log = Logger;

/** The log levels, most verbose first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Creates the logger of a process. It writes to standard error by default: standard output is for results. */
export function createLog(level: LogLevel, destination: DestinationStream = standardError()): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
}

/** A closed terminal or pipe loses the log lines; the process continues. */
export function standardError(): DestinationStream {
  const destination = pino.destination({ dest: 2, sync: true });
  destination.on('error', () => (destination.write = () => true));
  return destination;
}
