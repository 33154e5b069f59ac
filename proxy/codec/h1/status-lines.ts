// Status lines, formatted once.
import { STATUS_CODES } from 'node:http';

const LINES: readonly string[] = Array.from({ length: 1_000 }, (_, status) => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`);

/** `HTTP/1.1 200 OK` with its line end. A proxy sends its own version, regardless of the peer's (RFC 9112 section 2.5). */
export function statusLine(status: number): string {
  return LINES[status] as string;
}

/** Statuses whose answers never have a body (RFC 9110 section 6.4.1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}
