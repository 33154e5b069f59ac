// Opaque tokens (`introspection` of `authentication`): an endpoint of their issuer says whether they are valid, and of which caller.
import type { ConsumersOf } from '../../../exchange/consumers.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import type { PolicyFilterContext } from '../../rule-policies.ts';
import { ABSENT, unavailable, type Authenticator, type Outcome } from '../authenticator.ts';
import { insufficientScope, invalidToken } from '../bearer.ts';
import { consumerOutcome } from '../consumer-principal.ts';
import { credentialSources, readCredential, type CredentialSource, type SourceSettings } from '../credential-source.ts';
import { claimOf, contentProblem, lacksScope, textsOf, type ClaimRules } from '../jwt/claims.ts';
import { Answers } from './answers.ts';
import { Endpoint, type EndpointSettings, type Introspected } from './endpoint.ts';

export interface IntrospectionSettings extends EndpointSettings {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly scopes?: readonly string[];
  readonly requiredClaims?: readonly { readonly name?: string; readonly values?: readonly string[] }[];
  readonly from?: readonly SourceSettings[];
  readonly maxTokenBytes?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly cache?: { readonly ttl?: number; readonly inactiveTtl?: number; readonly entries?: number };
  readonly forward?: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

const MAX_TOKEN_BYTES = 4_096;
/** The endpoint stands between a request and its backend. */
const TIMEOUT_MS = 2_000;
const CACHE = { ttl: 30_000, inactiveTtl: 5_000, entries: 10_000 };
/** RFC 6749 appendix A.12. */
const TOKEN = /^[ -~]+$/;

export class Introspection implements Authenticator {
  readonly name = 'introspection';
  readonly challenge = 'Bearer';
  readonly timeout: number;
  readonly #endpoint: Endpoint;
  readonly #answers: Answers;
  readonly #issuer: string;
  readonly #rules: Pick<ClaimRules, 'audiences' | 'required' | 'scopes'>;
  readonly #sources: readonly CredentialSource[];
  readonly #maxBytes: number;
  readonly #forward: boolean;
  readonly #consumers: ConsumersOf;

  constructor(settings: IntrospectionSettings, context: PolicyFilterContext) {
    const { from = [{ header: 'authorization', prefix: 'Bearer ' }], timeout = TIMEOUT_MS } = settings;
    this.timeout = timeout;
    this.#endpoint = new Endpoint(settings, timeout, context);
    this.#answers = new Answers({ ...CACHE, ...settings.cache });
    this.#issuer = settings.issuer ?? '';
    this.#rules = rulesOf(settings);
    this.#sources = credentialSources(from);
    this.#maxBytes = settings.maxTokenBytes ?? MAX_TOKEN_BYTES;
    this.#forward = settings.forward ?? false;
    this.#consumers = context.consumers.of(context.namespace);
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const token = readCredential(this.#sources, exchange);
    if (token === null || token === '') return ABSENT;
    if (token.length > this.#maxBytes) return invalidToken('the token is too large');
    if (!TOKEN.test(token)) return invalidToken('the token is malformed');
    const answer = this.#answers.of(token, () => this.#endpoint.ask(token, exchange.trace));
    return answer instanceof Promise ? answer.then((late) => this.#outcome(late)) : this.#outcome(answer);
  }

  strip(exchange: Exchange): void {
    if (this.#forward || readCredential(this.#sources, exchange) === null) return;
    for (const source of this.#sources) if (source.read(exchange) !== null) source.remove(exchange);
  }

  #outcome(answer: Introspected): Outcome {
    if (answer.type === 'unavailable') return unavailable(answer.reason);
    if (answer.type === 'inactive') return invalidToken('the token is not active');
    const { claims } = answer;
    const problem = this.#problemOf(claims);
    if (problem !== null) return invalidToken(problem);
    if (lacksScope(claims, this.#rules.scopes)) return insufficientScope(this.#rules.scopes);
    return this.#accept(claims);
  }

  #accept(claims: Claims): Outcome {
    const consumer = this.#issuer === '' ? null : this.#consumers.byToken(this.#issuer, claims);
    if (consumer === null) return accepted(claims);
    const outcome = consumerOutcome(consumer, 'introspection');
    return outcome.type === 'authenticated' ? { ...outcome, principal: { ...outcome.principal, claims } } : outcome;
  }

  /** Scopes aside. */
  #problemOf(claims: Claims): string | null {
    return timeProblem(claims) ?? kindProblem(claims) ?? this.#issuerProblem(claims) ?? contentProblem(claims, this.#rules);
  }

  #issuerProblem(claims: Claims): string | null {
    const issuer = claimOf(claims, 'iss');
    return this.#issuer === '' || issuer === undefined || issuer === this.#issuer ? null : 'the token is of another issuer';
  }
}

function rulesOf({
  audiences = [],
  scopes = [],
  requiredClaims = [],
}: IntrospectionSettings): Pick<ClaimRules, 'audiences' | 'required' | 'scopes'> {
  return { audiences, scopes, required: requiredClaims.map(({ name = '', values = null }) => ({ name, values })) };
}

/** The endpoint has checked the time when it was asked. */
function timeProblem(claims: Claims): string | null {
  const exp = claimOf(claims, 'exp');
  if (exp === undefined) return null;
  if (typeof exp !== 'number') return 'the token has no valid time of expiry';
  return Date.now() >= exp * 1_000 ? 'the token has expired' : null;
}

/** Some endpoints call refresh tokens active too, and a token that is bound to a key is worth nothing without a proof of it. */
function kindProblem(claims: Claims): string | null {
  const [type = 'bearer'] = textsOf(claimOf(claims, 'token_type'));
  if (type.toLowerCase() !== 'bearer') return 'the token is no bearer token';
  const isRefresh = [claimOf(claims, 'token_use'), claimOf(claims, 'typ')].some((use) => typeof use === 'string' && /^refresh/i.test(use));
  return isRefresh ? 'the token is no access token' : null;
}

function accepted(claims: Claims): Outcome {
  const [id = ''] = textsOf(claimOf(claims, 'sub') ?? claimOf(claims, 'client_id'));
  if (id === '') return invalidToken('the token has no subject');
  const groups = textsOf(claimOf(claims, 'groups'));
  return {
    type: 'authenticated',
    principal: { id, method: 'introspection', groups, claims, consumer: '', plan: '' },
    credential: null,
  };
}
