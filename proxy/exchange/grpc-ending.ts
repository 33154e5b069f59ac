// Ends gRPC calls on behalf of the proxy: with the status in trailers, if trailers can still follow.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { failedStatus, statusFields } from './grpc.ts';
import { UNKNOWN_LENGTH } from './stream.ts';

/** Removes the length of the answer to a call: the status may follow the answer in trailers. */
export function leaveRoomForStatus(exchange: Exchange): void {
  if (exchange.responseLength === 0) exchange.responseLength = UNKNOWN_LENGTH;
}

/** Ends a started answer with a status of the proxy; if trailers cannot follow, the answer is cut. */
export function endCall(exchange: Exchange, error: ExchangeError): void {
  const trailers = statusFields(exchange, failedStatus(exchange, error), error.title);
  if (exchange.translation !== null) endTranslated(exchange, exchange.translation.ending(trailers));
  else if (mayEndWithStatus(exchange)) exchange.downstream.end(exchange, trailers);
  else exchange.downstream.abort(exchange);
}

function endTranslated(exchange: Exchange, ending: Buffer | null): void {
  if (ending === null || exchange.responseLength !== UNKNOWN_LENGTH) return exchange.downstream.abort(exchange);
  exchange.responseBytes += ending.length;
  exchange.downstream.writeData(exchange, ending);
  exchange.downstream.end(exchange, null);
}

/** Whether trailers may follow: an announced length forbids them. */
function mayEndWithStatus(exchange: Exchange): boolean {
  return exchange.version === 20 && exchange.responseLength === UNKNOWN_LENGTH;
}
