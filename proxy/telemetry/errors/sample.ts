// A sample of a failure: the head of the request without its secrets, and what became of it.
import type { ErrorSample } from '#api/wire/error-entry.ts';
import { MAX_SAMPLE_HEADERS, MAX_SAMPLE_TEXT } from '#api/wire/telemetry-limits.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import { requestIdOf } from '../../exchange/request-id.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { redactorOf } from '../exchange-redactor.ts';

/** The id of a trace in `traceparent` (W3C Trace Context), for exchanges without a trace of their own. */
const TRACE = /^[0-9a-f]{2}-([0-9a-f]{32})-/;

/** The trace of an exchange, or that of its client; '' without one. */
export function traceIdOf({ trace, requestHeaders }: Exchange): string {
  return trace?.traceId ?? TRACE.exec(getHeader(requestHeaders, 'traceparent') ?? '')?.[1] ?? '';
}

export function sampleOf(exchange: Exchange): ErrorSample {
  const { method, requestedAuthority, requestedPath, hasQuery, query, requestHeaders, status, error, attempt, attempts } = exchange;
  const endpoint = attempt === null ? '' : joinAddress(attempt.endpoint.address, attempt.endpoint.port);
  const redactor = redactorOf(exchange);
  const text = (value: string): string => textOf(value, redactor);
  return {
    at: Date.now(),
    method: text(method),
    authority: text(requestedAuthority),
    path: text(hasQuery ? `${requestedPath}?${query}` : requestedPath),
    status,
    requestId: text(requestIdOf(exchange)),
    traceId: traceIdOf(exchange),
    client: exchange.clientAddress,
    endpoint,
    attempts,
    detail: text(error?.detail ?? ''),
    headers: headersOf(requestHeaders, redactor),
  };
}

export function streamSampleOf({ target, error, clientAddress, endpoint, attempts }: StreamSession): ErrorSample {
  return {
    at: Date.now(),
    method: '',
    authority: textOf(target.serverName, DEFAULT_REDACTOR),
    path: '',
    status: 0,
    requestId: '',
    traceId: '',
    client: clientAddress,
    endpoint: endpoint === null ? '' : joinAddress(endpoint.address, endpoint.port),
    attempts,
    detail: textOf(error?.detail ?? '', DEFAULT_REDACTOR),
    headers: [],
  };
}

/** Redacted before it is cut: a cut secret would not be recognised. */
function textOf(value: string, redactor: Redactor): string {
  return redactor.text(value.slice(0, 8 * MAX_SAMPLE_TEXT)).slice(0, MAX_SAMPLE_TEXT);
}

function headersOf(headers: readonly string[], redactor: Redactor): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length && kept.length < 2 * MAX_SAMPLE_HEADERS; index += 2) {
    const name = headers[index] ?? '';
    const value = (headers[index + 1] ?? '').slice(0, 8 * MAX_SAMPLE_TEXT);
    kept.push(name.slice(0, MAX_SAMPLE_TEXT), redactor.header(name, value).slice(0, MAX_SAMPLE_TEXT));
  }
  return kept;
}
