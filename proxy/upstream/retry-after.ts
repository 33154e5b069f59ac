// The pause that a backend asks for in an answer: Retry-After (RFC 9110 section 10.2.3), or grpc-retry-pushback-ms (gRFC A6).
import type { Attempt } from '../exchange/attempt.ts';
import { getHeader } from '../exchange/headers.ts';

const SECONDS = /^\d{1,9}$/;
const MILLISECONDS = /^\d{1,12}$/;

/** The milliseconds that the backend asks for; 0 without a request, Infinity if it asks for no other attempt. */
export function pauseAskedFor({ exchange, headers }: Attempt): number {
  const pushback = exchange.grpc ? getHeader(headers, 'grpc-retry-pushback-ms') : null;
  // A value that cannot be read means the same as a negative one.
  if (pushback !== null) return MILLISECONDS.test(pushback) ? Number(pushback) : Infinity;
  const after = getHeader(headers, 'retry-after');
  return after === null ? 0 : millisecondsOf(after);
}

/** Seconds, or a date; 0 if it is neither. */
function millisecondsOf(after: string): number {
  if (SECONDS.test(after)) return Number(after) * 1_000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}
