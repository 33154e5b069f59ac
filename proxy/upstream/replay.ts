// Keeps the sent part of a small request body, so that another attempt can send it again.
import type { Exchange } from '../exchange/exchange.ts';
import { KeptBody } from '../exchange/kept-body.ts';

/** Methods that may be repeated if it is unknown whether the first attempt arrived. RFC 9110 section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether sending the request twice has the same effect as once. */
export function isIdempotent(exchange: Exchange): boolean {
  return IDEMPOTENT.has(exchange.method);
}

/** Starts to keep the body, up to a number of bytes. Call it before the first chunk. */
export function startReplay(exchange: Exchange, maxBytes: number): void {
  if (exchange.requestLength !== 0 && exchange.requestLength <= maxBytes) exchange.replay = new KeptBody();
}

/** Keeps a copy of a chunk, or stops if the body exceeds the limit and the chunk is sent now. */
export function keepForReplay(exchange: Exchange, chunk: Buffer, maxBytes: number): void {
  if (exchange.replay === null) return;
  if (exchange.replay.octets + chunk.length > maxBytes && exchange.upstream !== null) exchange.replay = null;
  else exchange.replay.keep(chunk);
}

/** Whether everything that was sent can be sent again. */
export function canReplay(exchange: Exchange): boolean {
  const { requestLength, requestBytes, replay, stagedRequest } = exchange;
  return requestLength === 0 || (requestBytes === 0 && stagedRequest === null) || replay !== null || stagedRequest?.isHeld === true;
}

/** The kept part has been sent and nothing more is kept: a body that is too large cannot be sent again. */
export function sentKept(exchange: Exchange, maxBytes: number): void {
  if (exchange.requestLength > maxBytes) exchange.replay = null;
}
