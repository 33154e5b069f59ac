// Signed tokens (`jwt` of `authentication`): verified once with a key of their issuer, then known by their digest until they expire.
import { hash } from 'node:crypto';
import type { ConsumersOf } from '../../../exchange/consumers.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import type { Principal } from '../../../exchange/principal.ts';
import type { PolicyFilterContext } from '../../rule-policies.ts';
import { ABSENT, unavailable, type Authenticator, type Outcome } from '../authenticator.ts';
import { insufficientScope, invalidToken } from '../bearer.ts';
import { consumerOutcome } from '../consumer-principal.ts';
import { credentialSources, readCredential, type CredentialSource, type SourceSettings } from '../credential-source.ts';
import { claimOf, lacksScope, problemOf, textsOf } from './claims.ts';
import { issuerOf, type Issuer, type ProviderSettings } from './issuer.ts';
import { checkSignature, type SignatureCheck } from './signature-check.ts';
import { parseToken, type Token } from './token.ts';

export interface JwtSettings {
  readonly providers?: readonly ProviderSettings[];
  readonly from?: readonly SourceSettings[];
  readonly maxTokenBytes?: number;
  readonly forward?: boolean;
}

const DEFAULT_MAX_BYTES = 8_192;
const MAX_VERIFIED = 10_000;

/** A token with a valid signature. */
interface Verified {
  readonly issuer: Issuer;
  readonly claims: Token['claims'];
}

export class Jwt implements Authenticator {
  readonly name = 'jwt';
  readonly challenge = 'Bearer';
  readonly #issuers: readonly Issuer[];
  readonly #sources: readonly CredentialSource[];
  readonly #maxBytes: number;
  readonly #forward: boolean;
  readonly #consumers: ConsumersOf;
  readonly #now: () => number;
  /** By digest of the token; oldest first. */
  readonly #verified = new Map<string, Verified>();

  /** `now`: a clock in milliseconds since the epoch, for tests. */
  constructor(settings: JwtSettings, context: PolicyFilterContext, now: () => number = Date.now) {
    const { providers = [], from = [{ header: 'authorization', prefix: 'Bearer ' }], maxTokenBytes, forward = false } = settings;
    this.#issuers = providers.map((provider) => issuerOf(provider, providers.length > 1, context));
    this.#sources = credentialSources(from);
    this.#maxBytes = maxTokenBytes ?? DEFAULT_MAX_BYTES;
    this.#forward = forward;
    this.#consumers = context.consumers.of(context.namespace);
    this.#now = now;
    for (const { source } of this.#issuers) source.onChange(() => this.#verified.clear());
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const text = readCredential(this.#sources, exchange);
    if (text === null || text === '') return ABSENT;
    if (text.length > this.#maxBytes) return invalidToken('the token is too large');
    const digest = hash('sha256', text, 'base64');
    const known = this.#verified.get(digest);
    if (known !== undefined) return this.#outcome(known, digest);
    const token = parseToken(text);
    if (token === null) return invalidToken('the token is malformed');
    return this.#verify(token, digest);
  }

  strip(exchange: Exchange): void {
    if (this.#forward || readCredential(this.#sources, exchange) === null) return;
    for (const source of this.#sources) if (source.read(exchange) !== null) source.remove(exchange);
  }

  dispose(): void {
    for (const { source } of this.#issuers) source.close();
  }

  #verify(token: Token, digest: string): Outcome | Promise<Outcome> {
    const name = claimOf(token.claims, 'iss');
    const issuer = this.#issuers.find((each) => each.issuer === name);
    if (issuer === undefined) return invalidToken('the token is of another issuer');
    if (!issuer.permits(token.algorithm)) return invalidToken('the algorithm of the token is not permitted');
    const early = problemOf(token.claims, issuer.rules, this.#now() / 1_000);
    if (early !== null) return invalidToken(early);
    const checked = checkSignature(issuer.source, token);
    return checked instanceof Promise
      ? checked.then((late) => this.#remember(late, issuer, token, digest))
      : this.#remember(checked, issuer, token, digest);
  }

  #remember(checked: SignatureCheck, issuer: Issuer, { claims }: Token, digest: string): Outcome {
    if (checked === 'unavailable') return unavailable('the keys of the issuer are not known');
    if (checked === 'wrong') return invalidToken('no key of the issuer has signed the token');
    const verified = { issuer, claims };
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= MAX_VERIFIED && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(digest, verified);
    return this.#outcome(verified, digest);
  }

  /** Times and consumers may have changed since the verification. */
  #outcome({ issuer, claims }: Verified, digest: string): Outcome {
    const problem = problemOf(claims, issuer.rules, this.#now() / 1_000);
    if (problem !== null) {
      this.#verified.delete(digest);
      return invalidToken(problem);
    }
    if (lacksScope(claims, issuer.rules.scopes)) return insufficientScope(issuer.rules.scopes);
    const consumer = this.#consumers.byToken(issuer.issuer, claims);
    if (consumer === null) return accepted(issuer, claims);
    const outcome = consumerOutcome(consumer, 'jwt');
    return outcome.type === 'authenticated' ? { ...outcome, principal: { ...outcome.principal, claims } } : outcome;
  }
}

function accepted({ prefix }: Issuer, claims: Token['claims']): Outcome {
  const [subject = ''] = textsOf(claimOf(claims, 'sub') ?? claimOf(claims, 'client_id'));
  if (subject === '') return invalidToken('the token has no subject');
  const groups = textsOf(claimOf(claims, 'groups'));
  const principal: Principal = { id: `${prefix}${subject}`, method: 'jwt', groups, claims, consumer: '', plan: '' };
  return { type: 'authenticated', principal, credential: null };
}
