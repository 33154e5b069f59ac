// The source of reports: what the workers of a proxy have counted.
import type { Entries, GoneEntry } from '#api/wire/telemetry-messages.ts';
import type { ReportHead } from './outbox.ts';

/** What the workers of a proxy report, and which entries exist. */
export interface ReportReading {
  readonly head: ReportHead;
  /** By process: another process counts from 0. Null for a worker that did not answer in time. */
  readonly workers: ReadonlyMap<string, Entries | null>;
  /** Null if the configuration has not changed since the last reading. */
  readonly exists: ((entry: GoneEntry) => boolean) | null;
}

/** Never rejects. */
export interface ReportSource {
  read(): Promise<ReportReading>;
}
