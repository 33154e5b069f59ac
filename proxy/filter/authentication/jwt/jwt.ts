// Signed tokens (`jwt` of `authentication`): verified once with a key of their issuer, then known by their text until they expire.
import { parseToken, type Token } from '#lib/jose/token.ts';
import { Memo } from '#lib/memo.ts';
import type { ConsumersOf } from '../../../exchange/consumers.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import type { Principal } from '../../../exchange/principal.ts';
import type { PolicyFilterContext } from '../../rule-policies.ts';
import { ABSENT, unavailable, type Authenticator, type Outcome } from '../authenticator.ts';
import { insufficientScope, invalidToken } from '../bearer.ts';
import { consumerOutcome } from '../consumer-principal.ts';
import { credentialSources, readCredential, type CredentialSource, type SourceSettings } from '../credential-source.ts';
import { claimOf, lacksScope, problemOf, textsOf, validityOf, type Validity } from './claims.ts';
import { issuerOf, type Issuer, type ProviderSettings } from './issuer.ts';
import { checkSignature, type SignatureCheck } from './signature-check.ts';

export interface JwtSettings {
  readonly providers?: readonly ProviderSettings[];
  readonly from?: readonly SourceSettings[];
  readonly maxTokenBytes?: number;
  readonly forward?: boolean;
}

const DEFAULT_MAX_BYTES = 8_192;
/** The tokens of a policy that are known. Their text is in memory while they are. */
const VERIFIED = { entries: 5_000, characters: 8_388_608 };

/** A token with a valid signature. */
interface Verified {
  readonly issuer: Issuer;
  readonly claims: Token['claims'];
  readonly validity: Validity;
  /** The outcome unless a consumer has the token. */
  readonly outcome: Outcome;
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
  /** By text. Only tokens with a valid signature are here. */
  readonly #verified = new Memo<Verified>(VERIFIED);

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
    const known = this.#verified.get(text);
    if (known !== undefined) return this.#outcome(known, text);
    const token = parseToken(text);
    if (token === null) return invalidToken('the token is malformed');
    return this.#verify(token, text, exchange.trace);
  }

  strip(exchange: Exchange): void {
    if (this.#forward || readCredential(this.#sources, exchange) === null) return;
    for (const source of this.#sources) if (source.read(exchange) !== null) source.remove(exchange);
  }

  dispose(): void {
    for (const { source } of this.#issuers) source.close();
  }

  #verify(token: Token, text: string, trace: ExchangeTrace | null): Outcome | Promise<Outcome> {
    const name = claimOf(token.claims, 'iss');
    const issuer = this.#issuers.find((each) => each.issuer === name);
    if (issuer === undefined) return invalidToken('the token is of another issuer');
    if (!issuer.permits(token.algorithm)) return invalidToken('the algorithm of the token is not permitted');
    const early = problemOf(token.claims, issuer.rules, this.#now() / 1_000);
    if (early !== null) return invalidToken(early);
    const checked = checkSignature(issuer.source, token, trace);
    return checked instanceof Promise
      ? checked.then((late) => this.#remember(late, issuer, token, text))
      : this.#remember(checked, issuer, token, text);
  }

  #remember(checked: SignatureCheck, issuer: Issuer, { claims }: Token, text: string): Outcome {
    if (checked === 'unavailable') return unavailable('the keys of the issuer are not known');
    if (checked === 'wrong') return invalidToken('no key of the issuer has signed the token');
    const outcome = outcomeOf(issuer, claims);
    const verified = { issuer, claims, validity: validityOf(claims, issuer.rules), outcome };
    this.#verified.set(text, verified);
    return this.#outcome(verified, text);
  }

  /** Times and consumers may have changed since the verification. */
  #outcome({ issuer, claims, validity, outcome }: Verified, text: string): Outcome {
    const now = this.#now() / 1_000;
    if (now < validity.start || now >= validity.end) {
      this.#verified.delete(text);
      return invalidToken(problemOf(claims, issuer.rules, now) ?? '');
    }
    if (outcome.type === 'insufficient') return outcome;
    const consumer = this.#consumers.byToken(issuer.issuer, claims);
    if (consumer === null) return outcome;
    const accepted = consumerOutcome(consumer, 'jwt');
    return accepted.type === 'authenticated' ? { ...accepted, principal: { ...accepted.principal, claims } } : accepted;
  }
}

/** Without regard to the time. */
function outcomeOf({ prefix, rules: { scopes } }: Issuer, claims: Token['claims']): Outcome {
  if (lacksScope(claims, scopes)) return insufficientScope(scopes);
  const [subject = ''] = textsOf(claimOf(claims, 'sub') ?? claimOf(claims, 'client_id'));
  if (subject === '') return invalidToken('the token has no subject');
  const groups = textsOf(claimOf(claims, 'groups'));
  const principal: Principal = { id: `${prefix}${subject}`, method: 'jwt', groups, claims, consumer: '', plan: '' };
  return { type: 'authenticated', principal, credential: null };
}
