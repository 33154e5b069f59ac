// The security event of requests that are refused because a policy could not be resolved: rules and filters refuse them, each with a detail
// of its own.
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeListener } from '../exchange/exchange-events.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';

export class UnresolvedPolicies implements ExchangeListener {
  readonly #events: SecurityEvents;

  constructor(events: SecurityEvents) {
    this.#events = events;
  }

  ended(exchange: Exchange): void {
    const { error } = exchange;
    if (error === null || error.code !== ERRORS.policyUnresolved.code) return;
    const { detail, policy } = error;
    this.#events.emit('policy_unresolved', exchange, policy === '' ? { reason: detail } : { reason: detail, policy });
  }
}
