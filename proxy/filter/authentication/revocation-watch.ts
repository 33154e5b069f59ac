// Ends requests under way and open connections whose credential does not hold any more.
import { ERRORS } from '../../exchange/errors.ts';
import { isEndless, type Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { Slot } from '../../exchange/slot.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import type { Outcome } from './authenticator.ts';

type Accepted = Pick<Extract<Outcome, { type: 'authenticated' }>, 'credential' | 'watches' | 'sessions'>;

export class RevocationWatch {
  readonly #context: PolicyFilterContext;
  readonly #closesAll: boolean;
  readonly #slot: Slot<() => void>;

  /**
   * `closesAll`: a revocation ends requests under way too. Otherwise only what stays open ends, with the session of its user. `slot`: that of
   * the filter; two filters may watch one exchange.
   */
  constructor(context: PolicyFilterContext, closesAll: boolean, slot: Slot<() => void>) {
    this.#context = context;
    this.#slot = slot;
    this.#closesAll = closesAll;
  }

  /**
   * Watches the credential until the exchange is over: that of a consumer, and others by their watches. Another group or plan also ends the
   * exchange: what it may do was decided before.
   */
  begin(exchange: Exchange, { credential, watches = [], sessions = [] }: Accepted): void {
    this.stop(exchange);
    const end = (): void => this.#end(exchange);
    const stops = sessions.map((watch) => watch(() => (this.#closesAll || staysOpen(exchange) ? end() : undefined)));
    if (this.#closesAll) {
      for (const watch of watches) stops.push(watch(end));
      if (credential !== null) stops.push(this.#context.consumers.watch(credential, end));
    }
    if (stops.length > 0) this.#slot.set(exchange, () => stops.forEach((stop) => stop()));
  }

  #end(exchange: Exchange): void {
    const { security, origins, end } = this.#context;
    this.stop(exchange);
    security.emit('credential_revoked', exchange, { policy: origins[0]?.policy ?? '' });
    end(exchange, ERRORS.credentialRevoked);
  }

  /** Stops watching. */
  stop(exchange: Exchange): void {
    const stop = this.#slot.get(exchange);
    if (stop === null) return;
    this.#slot.set(exchange, null);
    stop();
  }
}

/** Whether the exchange does not end by itself, or asks for an answer that does not. */
function staysOpen(exchange: Exchange): boolean {
  if (isEndless(exchange) || exchange.isListed || exchange.askedUpgrade !== '') return true;
  return (getHeader(exchange.requestHeaders, 'accept') ?? '').toLowerCase().includes('text/event-stream');
}
