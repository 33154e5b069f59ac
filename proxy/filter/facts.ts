// The facts of an exchange for expressions.
import { ClientFacts, PrincipalFacts, RequestFacts, ResponseFacts, type Facts } from '#api/expression/facts.ts';
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
