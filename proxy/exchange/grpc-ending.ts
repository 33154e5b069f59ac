// How gRPC calls end that the proxy has to end: their status travels in trailers, where there may still be some.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { failedStatus, statusFields } from './grpc.ts';
import { UNKNOWN_LENGTH } from './stream.ts';

/** The length of the answer to a call is not told: its status may follow it in trailers. */
export function leaveRoomForStatus(exchange: Exchange): void {
  if (exchange.responseLength === 0) exchange.responseLength = UNKNOWN_LENGTH;
}

/** Ends an answer that began with a status of its own; where trailers cannot follow, the answer is cut. */
export function endCall(exchange: Exchange, error: ExchangeError): void {
  const trailers = statusFields(exchange, failedStatus(exchange, error), error.title);
  if (mayEndWithStatus(exchange)) exchange.downstream.end(exchange, trailers);
  else exchange.downstream.abort(exchange);
}

/** Whether trailers may follow: no announced length forbids them. */
function mayEndWithStatus(exchange: Exchange): boolean {
  return exchange.version === 20 && exchange.responseLength === UNKNOWN_LENGTH;
}
