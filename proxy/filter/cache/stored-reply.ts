// Answers out of the store, as the request asks for them: whole, a part, or the news that the client has it already.
import { ageOf, type StoredAnswer } from '../../cache/stored-answer.ts';
import { rangeOf } from '../../cache/ranges.ts';
import { isNotModified, notModifiedHeaders } from '../../cache/validation.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';

/** Sets a stored answer in the exchange. `asked`: the headers of the client; `cacheStatus`: the field of the proxy. */
export function replyStored(exchange: Exchange, stored: StoredAnswer, asked: readonly string[], cacheStatus: string): void {
  const { body } = stored;
  exchange.fromStore = true;
  exchange.status = stored.status;
  exchange.responseHeaders = stored.headers.concat('age', String(Math.floor(ageOf(stored, Date.now()))), 'cache-status', cacheStatus);
  exchange.responseLength = body.length;
  exchange.localBody = body;
  if (stored.status !== 200) return;
  if (isNotModified(asked, stored.headers)) notModified(exchange);
  else if (exchange.method === 'GET') part(exchange, asked, stored);
}

/** The client has the answer in the exchange already. */
export function notModified(exchange: Exchange): void {
  exchange.status = 304;
  exchange.responseHeaders = notModifiedHeaders(exchange.responseHeaders);
  exchange.responseLength = UNKNOWN_LENGTH;
  exchange.localBody = null;
}

function part(exchange: Exchange, asked: readonly string[], { headers, body }: StoredAnswer): void {
  const range = rangeOf(asked, headers, body.length);
  if (range === null) return;
  if (range === 'unsatisfiable') {
    exchange.status = 416;
    exchange.responseHeaders.push('content-range', `bytes */${body.length}`);
    exchange.responseLength = 0;
    exchange.localBody = null;
    return;
  }
  const { start, end } = range;
  exchange.status = 206;
  exchange.responseHeaders.push('content-range', `bytes ${start}-${end - 1}/${body.length}`);
  exchange.responseLength = end - start;
  exchange.localBody = body.subarray(start, end);
}
