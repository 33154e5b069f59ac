// Answers of the proxy itself: problem details (RFC 9457) for failures, and answers of filters. Bodies are made once per error, so that a
// flood of errors is cheap; of the request they contain at most its id, which a policy has given or checked.
import { httpDate } from './date.ts';
import { ERRORS } from './errors.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { failedStatus, statusFields, typeOfCall } from './grpc.ts';
import { grpcStatusOfHttp } from './grpc-status.ts';
import type { Headers } from './headers.ts';
import type { FilterVerdict } from './plan.ts';
import { UNKNOWN_LENGTH } from './stream.ts';

/** Seconds after which a retry makes sense. */
const RETRY_AFTER: ReadonlyMap<string, string> = new Map([
  [ERRORS.overloaded.code, '1'],
  [ERRORS.circuitOpen.code, '1'],
  [ERRORS.noEndpoints.code, '1'],
  [ERRORS.idempotencyKeyInUse.code, '1'],
]);

interface PreparedReply {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** An error with details is another object, so this does not keep errors. */
const prepared = new WeakMap<ExchangeError, PreparedReply>();
/** The bodies that are problem documents. */
const problems = new WeakSet<Buffer>();

function prepare(error: ExchangeError): PreparedReply {
  const retryAfter = RETRY_AFTER.get(error.code);
  return {
    headers: [
      'content-type',
      'application/problem+json',
      'cache-control',
      'no-store',
      ...(retryAfter === undefined ? [] : ['retry-after', retryAfter]),
    ],
    body: problemOf(error, ''),
  };
}

function problemOf({ title, status, code }: ExchangeError, requestId: string): Buffer {
  const problem = { type: 'about:blank', title, status, code, ...(requestId === '' ? {} : { requestId }) };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  problems.add(body);
  return body;
}

/** Sets the answer to an error in the exchange. */
export function localReply(exchange: Exchange, error: ExchangeError): void {
  if (exchange.grpc) return replyToCall(exchange, error);
  let known = prepared.get(error);
  if (known === undefined) prepared.set(error, (known = prepare(error)));
  const { headers, body } = known;
  const { requestId } = exchange;
  reply(exchange, error.status, [...headers], requestId === '' ? body : problemOf(error, requestId));
}

/** Whether the answer is the problem document of its error. */
export function isProblem({ error, localBody }: Exchange): boolean {
  return error !== null && localBody !== null && problems.has(localBody);
}

/** Sets the answer of a filter that refuses the request, and its error for the log. */
export function refuse(exchange: Exchange, error: ExchangeError): FilterVerdict {
  exchange.error = error;
  localReply(exchange, error);
  return 'answered';
}

/** For a call: the answer is only a head with the status in it; callers understand nothing else. */
function replyToCall(exchange: Exchange, error: ExchangeError): void {
  const foreign = error === ERRORS.upstreamNotGrpc;
  const status = foreign ? grpcStatusOfHttp(exchange.status) : failedStatus(exchange, error);
  const message = foreign ? `${error.title}, but with HTTP status ${exchange.status}` : error.title;
  reply(exchange, 200, ['content-type', typeOfCall(exchange), ...statusFields(exchange, status, message)], null);
  exchange.responseLength = UNKNOWN_LENGTH;
}

/** Sets the answer of a filter in the exchange, with a Date (RFC 9110 section 6.6.1). `body` null: none. */
export function reply(exchange: Exchange, status: number, headers: Headers, body: Buffer | null): void {
  headers.push('date', httpDate());
  exchange.status = status;
  exchange.responseHeaders = headers;
  exchange.responseLength = body === null ? 0 : body.length;
  exchange.localBody = body;
}
