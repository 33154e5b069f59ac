// gRPC over HTTP/2 on the request path (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): calls, their deadlines, and their
// statuses, which are in the trailers, or in the head of an answer without a body.
import type { Attempt } from './attempt.ts';
import { ERRORS } from './errors.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { GRPC_STATUS, grpcStatusOf, grpcStatusOfHttp, grpcStatusOfReset, MAX_GRPC_STATUS } from './grpc-status.ts';
import { getHeader } from './headers.ts';
import type { Headers } from './headers.ts';

const CONTENT_TYPE = 'application/grpc';
/** CANCEL (RFC 9113 section 7). */
const RESET_CANCEL = 8;
/** Timers of many runtimes are early by this much. */
const CLOCK_GRAIN_MS = 1;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const ZERO = 0x30;
const NINE = 0x39;
/** The maximum digits of a grpc-timeout. */
const MAX_DIGITS = 8;

/** Whether a Content-Type is gRPC: `application/grpc`, alone or with a suffix like `+proto`; not `application/grpc-web`. */
export function isGrpcType(type: string | null): boolean {
  if (type === null || type.length < CONTENT_TYPE.length) return false;
  if (!type.startsWith(CONTENT_TYPE) && type.slice(0, CONTENT_TYPE.length).toLowerCase() !== CONTENT_TYPE) return false;
  const next = type.charCodeAt(CONTENT_TYPE.length);
  return type.length === CONTENT_TYPE.length || next === PLUS || next === SEMICOLON;
}

/** Whether the answer of the exchange is that of a call, as gRPC or gRPC-Web: a filter may have made JSON of it. */
export function isCallAnswer({ grpc, responseHeaders }: Exchange): boolean {
  if (!grpc) return false;
  const type = getHeader(responseHeaders, 'content-type');
  return type === null || type.slice(0, CONTENT_TYPE.length).toLowerCase() === CONTENT_TYPE;
}

/** A message format: the suffix of the content type. */
const FORMAT = /^\+[A-Za-z0-9._-]{1,64}$/;

/**
 * The content type for the answer to a call: that of the call without parameters, because callers read no status from an answer of another
 * type.
 */
export function typeOfCall({ requestHeaders }: Exchange): string {
  const type = getHeader(requestHeaders, 'content-type') ?? '';
  const [format = ''] = type.slice(CONTENT_TYPE.length).split(';', 1);
  return isGrpcType(type) && FORMAT.test(format.trimEnd()) ? CONTENT_TYPE + format.trimEnd() : CONTENT_TYPE;
}

/** Marks the exchange if it is a call. Only a POST can be one, so other requests skip the check. */
export function recogniseCall(exchange: Exchange): void {
  exchange.grpc = exchange.method === 'POST' && isGrpcType(getHeader(exchange.requestHeaders, 'content-type'));
}

/** Whether these headers start an answer to a call; otherwise the sender does not speak gRPC. */
export function answersCall(headers: readonly string[]): boolean {
  return isGrpcType(getHeader(headers, 'content-type')) || getHeader(headers, 'grpc-status') !== null;
}

/** The call has no deadline. */
export const NO_DEADLINE = -1;
/** The deadline is invalid. */
export const BAD_DEADLINE = -2;

/** The caller's timeout in milliseconds: `grpc-timeout`, up to eight digits and a unit. NO_DEADLINE or BAD_DEADLINE without a valid one. */
export function callTimeout(headers: readonly string[]): number {
  let timeout = NO_DEADLINE;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'grpc-timeout') continue;
    if (timeout !== NO_DEADLINE) return BAD_DEADLINE;
    timeout = parseTimeout(headers[i + 1] as string);
  }
  return timeout;
}

/** The milliseconds of a `grpc-timeout`; BAD_DEADLINE if it is invalid. */
export function parseTimeout(text: string): number {
  const digits = text.length - 1;
  if (digits < 1 || digits > MAX_DIGITS) return BAD_DEADLINE;
  let amount = 0;
  for (let i = 0; i < digits; i++) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) return BAD_DEADLINE;
    amount = amount * 10 + code - ZERO;
  }
  const unit = unitMilliseconds(text.charAt(digits));
  return unit === 0 ? BAD_DEADLINE : amount * unit;
}

function unitMilliseconds(unit: string): number {
  switch (unit) {
    case 'H':
      return 3_600_000;
    case 'M':
      return 60_000;
    case 'S':
      return 1_000;
    case 'm':
      return 1;
    case 'u':
      return 1e-3;
    case 'n':
      return 1e-6;
    default:
      return 0;
  }
}

/** The largest number with eight digits. */
const MAX_AMOUNT = 99_999_999;

/** Formats milliseconds as a grpc-timeout, in the finest unit that fits. It rounds down, so that deadlines shrink on the way. */
export function formatTimeout(ms: number): string {
  const microseconds = Math.floor(ms * 1_000);
  if (microseconds <= MAX_AMOUNT) return `${Math.max(1, microseconds)}u`;
  if (ms <= MAX_AMOUNT) return `${Math.floor(ms)}m`;
  return `${Math.min(MAX_AMOUNT, Math.floor(ms / 1_000))}S`;
}

/** Stores the backend's status for the log: from the trailers, or from the head if the answer has no more. */
export function noteStatus(exchange: Exchange, trailers: Headers | null): void {
  const text = (trailers === null ? null : getHeader(trailers, 'grpc-status')) ?? getHeader(exchange.responseHeaders, 'grpc-status');
  if (text !== null) exchange.grpcStatus = parseStatus(text);
  // A filter may have taken it out of the head.
  else if (exchange.grpcStatus < 0) exchange.grpcStatus = GRPC_STATUS.unknown;
}

/** The status of an answer whose head decides it: the answer has only a head, or it is not gRPC. -1 if the status follows later. */
export function statusOfHead(status: number, headers: readonly string[]): number {
  const text = getHeader(headers, 'grpc-status');
  if (text !== null) return parseStatus(text);
  return answersCall(headers) ? -1 : grpcStatusOfHttp(status);
}

function parseStatus(text: string): number {
  const status = Number(text);
  return Number.isInteger(status) && status >= 0 && status <= MAX_GRPC_STATUS ? status : GRPC_STATUS.unknown;
}

/** The status of a call that failed here or on the way. The code of an RST_STREAM is more specific than the failure. */
export function failedStatus(exchange: Exchange, error: ExchangeError): number {
  const wasReset = error === ERRORS.upstreamReset || error === ERRORS.upstreamBodyTruncated;
  const { attempt } = exchange;
  if (!wasReset || attempt === null || attempt.resetCode < 0) return grpcStatusOf(error);
  return gaveUpInTime(attempt) ? GRPC_STATUS.deadlineExceeded : grpcStatusOfReset(attempt.resetCode);
}

/** Backends cancel calls after the deadline and may be faster than the proxy: it is the same deadline. */
function gaveUpInTime({ resetCode, deadlineAt }: Attempt): boolean {
  return resetCode === RESET_CANCEL && deadlineAt > 0 && performance.now() >= deadlineAt - CLOCK_GRAIN_MS;
}

/** The status and message of a failure for the caller. Stores the status in the exchange. */
export function statusFields(exchange: Exchange, status: number, message: string): Headers {
  exchange.grpcStatus = status;
  return ['grpc-status', String(status), 'grpc-message', encodeMessage(message)];
}

/** Percent-encodes everything but printable ASCII, and `%` itself: section "Status-Message". */
export function encodeMessage(message: string): string {
  let encoded = '';
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
