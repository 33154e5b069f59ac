// The fixed answer of a policy in place of an error, if the backend gives no answer.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { reply } from './local-reply.ts';

/** Sets the fixed answer in the exchange. False: there is none for this error. */
export function fallBack(exchange: Exchange, error: ExchangeError): boolean {
  const plan = exchange.route === null ? null : exchange.route.fallback;
  if (plan === null || exchange.grpc || error.source !== 'upstream') return false;
  exchange.fellBack = true;
  reply(exchange, plan.status, [...plan.headers], plan.body);
  return true;
}
