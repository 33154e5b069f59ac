// Ends requests under way and WebSockets whose credential does not hold any more.
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { FoundConsumer } from '../../exchange/consumers.ts';
import { Slot } from '../../exchange/slot.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import type { Watch } from './authenticator.ts';

const STOP = new Slot<() => void>();

export class RevocationWatch {
  readonly #context: PolicyFilterContext;

  constructor(context: PolicyFilterContext) {
    this.#context = context;
  }

  /**
   * Watches the credential until the exchange is over: that of a consumer, and others by their watches. Another group or plan also ends the
   * exchange: what it may do was decided before.
   */
  begin(exchange: Exchange, credential: FoundConsumer | null, watches: readonly Watch[]): void {
    this.stop(exchange);
    const { consumers, security, origins, end } = this.#context;
    const ended = (): void => {
      this.stop(exchange);
      security.emit('credential_revoked', exchange, { policy: origins[0]?.policy ?? '' });
      end(exchange, ERRORS.credentialRevoked);
    };
    const stops = watches.map((watch) => watch(ended));
    if (credential !== null) stops.push(consumers.watch(credential, ended));
    if (stops.length > 0) STOP.set(exchange, () => stops.forEach((stop) => stop()));
  }

  /** Stops watching. */
  stop(exchange: Exchange): void {
    const stop = STOP.get(exchange);
    if (stop === null) return;
    STOP.set(exchange, null);
    stop();
  }
}
