// The audit log of the API server: tests use it to prove that an object was not written.
import { existsSync, readFileSync } from 'node:fs';

/** One write request (audit.k8s.io/v1 Event, with the fields that tests read). */
export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    /** `status` for a write of the status. */
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code: number };
  /** The request body, for the kinds of the Gateway API and of Weir. */
  readonly requestObject?: unknown;
}

/** The events of a log file, oldest first. A request's event is in the file before its answer is sent. */
export function parseAuditLog(file: string): AuditEvent[] {
  if (!existsSync(file)) return [];
  // The part after the last line end is incomplete.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as AuditEvent);
}

/** The writes of a status by one user. */
export function statusWrites(events: readonly AuditEvent[], user: string): AuditEvent[] {
  return events.filter((event) => event.user.username === user && event.objectRef?.subresource === 'status');
}
