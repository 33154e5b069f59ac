// Which exchanges and attempts count as failed in traces, by the conventions of OpenTelemetry for HTTP and RPC.
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import type { CallOutcome, ServiceCall } from '../../exchange/tracing.ts';

/** The statuses of calls that are failures of the server. */
const SERVER_FAILURES: ReadonlySet<number> = new Set([
  GRPC_STATUS.unknown,
  GRPC_STATUS.deadlineExceeded,
  GRPC_STATUS.unimplemented,
  GRPC_STATUS.internal,
  GRPC_STATUS.unavailable,
  GRPC_STATUS.dataLoss,
]);
const SERVER_ERROR = 500;
const CLIENT_ERROR = 400;

/** Whether the server failed. Mistakes of clients, and clients that leave, are no failures. */
export function isFailure({ status, grpc, grpcStatus, error }: Exchange): boolean {
  if (status >= SERVER_ERROR || (error !== null && error.status >= SERVER_ERROR)) return true;
  return grpc && SERVER_FAILURES.has(grpcStatus);
}

/** What went wrong: a code of docs/reference/errors.md, a status of HTTP, or one of gRPC; '' if nothing did. */
export function errorTypeOf(exchange: Exchange): string {
  if (!isFailure(exchange)) return '';
  const { error, status, grpc, grpcStatus } = exchange;
  if (error !== null) return error.code;
  return String(grpc && grpcStatus >= 0 ? grpcStatus : status);
}

/** The same for an attempt. A client counts every answer from 400 on as an error. */
export function errorTypeOfAttempt({ error, status }: Attempt): string {
  if (error !== null) return error.code;
  return status >= CLIENT_ERROR ? String(status) : '';
}

/** The same for a call of a filter to a service. */
export function errorTypeOfCall({ protocol }: ServiceCall, { status, error }: CallOutcome): string {
  if (error !== '') return error;
  return status >= (protocol === 'grpc' ? 1 : CLIENT_ERROR) ? String(status) : '';
}
