// Answers of our own: problem details (RFC 9457) for failures, and what filters answer. Bodies are made once per error, so that
// a flood of refusals costs little; nothing of the request is ever reflected.
import { httpDate } from './date.ts';
import { ERRORS } from './errors.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { failedStatus, statusFields, typeOfCall } from './grpc.ts';
import { grpcStatusOfHttp } from './grpc-status.ts';
import type { Headers } from './headers.ts';
import { UNKNOWN_LENGTH } from './stream.ts';

/** When it makes sense to ask again: seconds. */
const RETRY_AFTER: ReadonlyMap<ExchangeError, string> = new Map([
  [ERRORS.overloaded, '1'],
  [ERRORS.noEndpoints, '1'],
]);

interface PreparedReply {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const prepared = new Map<ExchangeError, PreparedReply>(Object.values(ERRORS).map((error) => [error, prepare(error)]));

function prepare(error: ExchangeError): PreparedReply {
  const problem = { type: 'about:blank', title: error.title, status: error.status, code: error.code };
  const retryAfter = RETRY_AFTER.get(error);
  return {
    headers: [
      'content-type',
      'application/problem+json',
      'cache-control',
      'no-store',
      ...(retryAfter === undefined ? [] : ['retry-after', retryAfter]),
    ],
    body: Buffer.from(`${JSON.stringify(problem)}\n`),
  };
}

/** Fills the exchange with the answer to an error. */
export function localReply(exchange: Exchange, error: ExchangeError): void {
  if (exchange.grpc) return replyToCall(exchange, error);
  const { headers, body } = prepared.get(error) ?? prepare(error);
  reply(exchange, error.status, [...headers], body);
}

/** A call understands an answer that is only a head, with the status in it, and nothing else. */
function replyToCall(exchange: Exchange, error: ExchangeError): void {
  const foreign = error === ERRORS.upstreamNotGrpc;
  const status = foreign ? grpcStatusOfHttp(exchange.status) : failedStatus(exchange, error);
  const message = foreign ? `${error.title}, but with HTTP status ${exchange.status}` : error.title;
  reply(exchange, 200, ['content-type', typeOfCall(exchange), ...statusFields(exchange, status, message)], null);
  exchange.responseLength = UNKNOWN_LENGTH;
}

/** Fills the exchange with an answer of a filter, dated (RFC 9110 section 6.6.1). `body` null: none. */
export function reply(exchange: Exchange, status: number, headers: Headers, body: Buffer | null): void {
  headers.push('date', httpDate());
  exchange.status = status;
  exchange.responseHeaders = headers;
  exchange.responseLength = body === null ? 0 : body.length;
  exchange.localBody = body;
}
