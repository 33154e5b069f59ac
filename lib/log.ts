// Structured logs: one JSON object per line, ids in fields rather than in prose.
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** A logger. `child` adds fields to every line. */
export type Log = Logger;

/** Levels that can be set, quietest last. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Makes the logger of a process. Written to standard error unless a destination is given: standard output is for results. */
export function createLog(level: LogLevel, destination: DestinationStream = standardError()): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
}

/** A terminal that is closed, or a pipe that nobody reads, takes the lines no longer, and is no reason to end. */
function standardError(): DestinationStream {
  const destination = pino.destination({ dest: 2, sync: true });
  destination.on('error', () => (destination.write = () => true));
  return destination;
}
