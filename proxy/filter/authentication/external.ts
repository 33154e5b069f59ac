// The authenticator `external`: a service decides about the request, and says which caller it is.
import type { PolicySettings } from '#api/policy/settings.ts';
import { unresolvedPolicy } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse } from '../../exchange/local-reply.ts';
import { admit, answerRefused, completeAnswer, ExternalAuthorization, type ExternalSettings } from '../external/external-authorization.ts';
import type { Decision } from '../external/decision.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { unavailable, type Authenticator, type Outcome } from './authenticator.ts';

export type ExternalAuthenticatorSettings = NonNullable<NonNullable<PolicySettings<'SecurityPolicy'>['authentication']>['external']>;

/** The service stands between every request and its backend. */
const TIMEOUT_MS = 2_000;
const CACHE_ENTRIES = 10_000;
const DENIED_TTL_MS = 1_000;
/** Over HTTP, credentials alone. */
const HEADERS_OVER_HTTP = ['authorization', 'cookie'];

export class External implements Authenticator {
  readonly name = 'external';
  /** The service asks for credentials itself. */
  readonly challenge = '';
  readonly timeout: number;
  readonly #authorization: ExternalAuthorization | null;
  readonly #policy: string;

  constructor(settings: ExternalAuthenticatorSettings, context: PolicyFilterContext) {
    const { timeout = TIMEOUT_MS, backendRef } = settings;
    this.timeout = timeout;
    const cluster = backendRef?.cluster ?? '';
    this.#authorization = cluster === '' ? null : new ExternalAuthorization(settingsOf(settings, cluster), context);
    this.#policy = context.origins[0]?.policy ?? '';
  }

  async authenticate(exchange: Exchange): Promise<Outcome> {
    if (this.#authorization === null) {
      const error = unresolvedPolicy(this.#policy, 'there is no service');
      return { type: 'refused', challenge: '', reason: error.detail, answer: (late) => refuse(late, error) };
    }
    return outcomeOf(await this.#authorization.decide(exchange));
  }

  strip(exchange: Exchange): void {
    this.#authorization?.strip(exchange);
  }

  response(exchange: Exchange): void {
    completeAnswer(exchange);
  }
}

function outcomeOf(decision: Decision): Outcome {
  if (decision.type === 'allowed') {
    const { id, claims } = decision;
    return { ...accepted(id, claims), admit: [(exchange) => admit(exchange, decision)] };
  }
  if (decision.type === 'none') return decision.mayPass ? accepted('', {}) : unavailable(decision.reason);
  return {
    type: 'refused',
    challenge: '',
    reason: 'the external service denies the request',
    answer: (exchange) => answerRefused(exchange, decision),
  };
}

function accepted(id: string, claims: Readonly<Record<string, unknown>>): Extract<Outcome, { readonly type: 'authenticated' }> {
  const principal = { id, method: 'external', groups: [], claims, consumer: '', plan: '' } as const;
  return { type: 'authenticated', principal, credential: null };
}

function settingsOf(settings: ExternalAuthenticatorSettings, cluster: string): ExternalSettings {
  const { protocol = 'HTTP', timeout = TIMEOUT_MS, identityHeader = '', onError } = settings;
  return {
    cluster,
    timeout,
    ...headersOf(settings, protocol === 'GRPC'),
    identityHeader: identityHeader.toLowerCase(),
    http: protocol === 'GRPC' ? null : httpOf(settings),
    body: bodyOf(settings.body),
    failOpen: onError === 'Open',
    cache: cacheOf(settings.cache),
  };
}

function headersOf(settings: ExternalAuthenticatorSettings, isGrpc: boolean) {
  return {
    headersToService: lower(settings.headersToService) ?? (isGrpc ? null : HEADERS_OVER_HTTP),
    headersToBackend: lower(settings.headersToBackend) ?? (isGrpc ? null : []),
    headersToClient: lower(settings.headersToClient),
  };
}

function httpOf(settings: ExternalAuthenticatorSettings): ExternalSettings['http'] {
  const { path = null, pathPrefix } = settings.http ?? {};
  return { method: methodOf(settings), path, pathPrefix: prefixOf(pathPrefix), strict: false };
}

function bodyOf(body: ExternalAuthenticatorSettings['body']): ExternalSettings['body'] {
  return body === undefined ? null : { maxBytes: body.maxBytes ?? 0, allowPartial: body.allowPartial ?? false };
}

/** A question at a path of its own is no repetition of the request. Null: the method of the request. */
function methodOf({ http = {}, body }: ExternalAuthenticatorSettings): string | null {
  return http.method ?? (http.path !== undefined && body === undefined ? 'GET' : null);
}

function cacheOf(cache: ExternalAuthenticatorSettings['cache']): ExternalSettings['cache'] {
  if (cache === undefined) return null;
  const { ttl = null, headers = [], parts = [], entries = CACHE_ENTRIES } = cache;
  const deniedTtl = cache.deniedTtl ?? Math.min(DENIED_TTL_MS, ttl ?? DENIED_TTL_MS);
  return { ttl, deniedTtl, entries, parts, headers: lower(headers) ?? [] };
}

function lower(names: readonly string[] | undefined): readonly string[] | null {
  return names === undefined ? null : names.map((name) => name.toLowerCase());
}

function prefixOf(prefix = ''): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}
