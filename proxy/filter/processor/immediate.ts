// The immediate response of a processor: the answer of an exchange in place of that of the backend.
import { ERRORS, withStatuses, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { grpcStatusOfHttp } from '../../exchange/grpc-status.ts';
import { hasHeader, type Headers } from '../../exchange/headers.ts';
import { localReply, reply } from '../../exchange/local-reply.ts';
import { changeHeaders, type HeaderRules } from './header-changes.ts';
import type { ImmediateResponse } from './messages.ts';

/** Sets the answer in the exchange. Returns its status, or why the processor has failed; then nothing has changed. */
export function answerImmediately(exchange: Exchange, immediate: ImmediateResponse, rules: HeaderRules): number | string {
  const status = statusOf(immediate);
  if (status === null) return 'the processor answers with a status that is not valid';
  const headers: Headers = [];
  const fault = changeHeaders(immediate.headers, headers, 'response', { ...rules, isStrict: false }, null);
  if (fault !== null) return fault;
  const error = refusal(immediate, status);
  exchange.error = status >= 400 ? error : null;
  if (exchange.grpc) localReply(exchange, error);
  else answer(exchange, status, headers, bodyOf(immediate, status));
  return status;
}

function answer(exchange: Exchange, status: number, headers: Headers, body: Buffer | null): void {
  // Some errors may be cached by default (RFC 9111 section 4.2.2).
  if (status >= 400 && !hasHeader(headers, 'cache-control')) headers.push('cache-control', 'no-store');
  if (body !== null && !hasHeader(headers, 'content-type')) headers.push('content-type', 'text/plain; charset=utf-8');
  reply(exchange, status, headers, body);
}

/** The error for a body that cannot have another answer: only the status counts. */
export function refusalOf(immediate: ImmediateResponse): ExchangeError {
  return refusal(immediate, statusOf(immediate) ?? 403);
}

function bodyOf({ body }: ImmediateResponse, status: number): Buffer | null {
  return body.length === 0 || status === 204 || status === 304 ? null : Buffer.from(body);
}

/** Envoy takes no status for 200. */
function statusOf({ status }: ImmediateResponse): number | null {
  const code = status === null || status.code === 0 ? 200 : status.code;
  return code >= 200 && code <= 599 ? code : null;
}

function refusal({ grpc_status: grpc }: ImmediateResponse, status: number): ExchangeError {
  return withStatuses(ERRORS.processorRefused, status < 400 ? 403 : status, grpc === null ? grpcStatusOfHttp(status) : grpc.status);
}
