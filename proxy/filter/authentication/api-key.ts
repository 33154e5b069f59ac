// API keys of consumers. The key itself is compared nowhere: the index finds the consumer by the digest of the key.
import type { ConsumersOf } from '../../exchange/consumers.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { ABSENT, refused, type Authenticator, type Outcome } from './authenticator.ts';
import { consumerOutcome } from './consumer-principal.ts';
import { credentialSources, readCredential, type CredentialSource, type SourceSettings } from './credential-source.ts';

/** A longer key is no key: it is not worth a digest. */
const MAX_KEY = 1_024;

export interface ApiKeySettings {
  readonly from?: readonly SourceSettings[];
  readonly forward?: boolean;
}

export class ApiKey implements Authenticator {
  readonly name = 'apiKey';
  readonly challenge = 'ApiKey';
  readonly #sources: readonly CredentialSource[];
  readonly #forward: boolean;
  readonly #consumers: ConsumersOf;

  constructor({ from = [{ header: 'x-api-key' }], forward = false }: ApiKeySettings, consumers: ConsumersOf) {
    this.#sources = credentialSources(from);
    this.#forward = forward;
    this.#consumers = consumers;
  }

  authenticate(exchange: Exchange): Outcome {
    const key = readCredential(this.#sources, exchange);
    if (key === null || key === '') return ABSENT;
    const found = key.length > MAX_KEY ? null : this.#consumers.byApiKey(key);
    return found === null ? refused('no consumer has this API key') : consumerOutcome(found, 'apiKey');
  }

  strip(exchange: Exchange): void {
    if (!this.#forward) for (const source of this.#sources) source.remove(exchange);
  }
}
