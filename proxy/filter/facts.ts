// The facts of an exchange for expressions.
import { ClientFacts, OutcomeFacts, PrincipalFacts, RequestFacts, ResponseFacts, type Facts } from '#api/expression/facts.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** What expressions can read of a request. */
export function requestFacts(exchange: Exchange): Facts {
  return {
    request: new RequestFacts({
      method: exchange.method,
      scheme: exchange.scheme,
      host: exchange.host,
      path: exchange.path,
      query: exchange.query,
      headers: exchange.requestHeaders,
      size: exchange.requestLength,
    }),
    client: new ClientFacts(exchange.clientAddress),
    principal: new PrincipalFacts(exchange.principal),
    now: new Date(),
  };
}

/** The same with the head of the answer. */
export function responseFacts(exchange: Exchange): Facts {
  const { status, responseHeaders } = exchange;
  return { ...requestFacts(exchange), response: new ResponseFacts({ status, headers: responseHeaders }) };
}

/** The same once the exchange is over, after a number of milliseconds. */
export function outcomeFacts(exchange: Exchange, durationMs: number): Facts {
  const { error, attempts, requestBytes, responseBytes, route, listener, attempt } = exchange;
  const source = {
    error: error === null ? '' : error.code,
    durationMs,
    attempts,
    requestBytes,
    responseBytes,
    route: route === null ? '' : route.key,
    listener,
    endpoint: attempt === null ? '' : joinAddress(attempt.endpoint.address, attempt.endpoint.port),
  };
  return { ...responseFacts(exchange), outcome: new OutcomeFacts(source) };
}
