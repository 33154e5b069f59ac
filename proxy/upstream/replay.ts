// Keeps what was sent of a request body, as long as it is small, so that another attempt can send it again.
import type { Exchange } from '../exchange/exchange.ts';
import { KeptBody } from '../exchange/kept-body.ts';

/** Methods that may be repeated when nobody knows whether the first attempt arrived. RFC 9110 section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether sending the request twice does no more than sending it once. */
export function isIdempotent(exchange: Exchange): boolean {
  return IDEMPOTENT.has(exchange.method);
}

/** Starts keeping the body, up to so many bytes; to be called before the first chunk. */
export function startReplay(exchange: Exchange, maxBytes: number): void {
  if (exchange.requestLength !== 0 && exchange.requestLength <= maxBytes) exchange.replay = new KeptBody();
}

/** Keeps a copy of a chunk, or stops keeping when the body grows beyond the bound. */
export function keepForReplay(exchange: Exchange, chunk: Buffer, maxBytes: number): void {
  if (exchange.replay === null) return;
  if (exchange.requestBytes > maxBytes) exchange.replay = null;
  else exchange.replay.keep(chunk);
}

/** Whether everything sent so far can be sent again. */
export function canReplay(exchange: Exchange): boolean {
  return exchange.requestLength === 0 || exchange.requestBytes === 0 || exchange.replay !== null;
}

/** What was kept of the body has been sent, and no more of it will be: one that is too large cannot be sent again. */
export function sentKept(exchange: Exchange, maxBytes: number): void {
  if (exchange.requestLength > maxBytes) exchange.replay = null;
}
