// ExternalAuth: a service decides about the requests of a rule (GEP-1494).
import type * as ir from '#api/ir/ir.ts';
import { normalisePath } from '#api/match/normalise.ts';
import { unresolvedPolicy } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict, Patience } from '../exchange/plan.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import { admit, answerRefused, completeAnswer, ExternalAuthorization, type ExternalSettings } from './external/external-authorization.ts';
import type { Decision } from './external/decision.ts';
import type { Filter, FilterDependencies, FilterKind } from './filter.ts';
import { targetText } from './text.ts';

/** The Gateway API has no setting for it. */
const TIMEOUT_MS = 2_000;
/** The service has had its time before the filter has. */
const MARGIN_MS = 1_000;

/** The filter of a rule belongs to no policy. */
const NO_SERVICE = unresolvedPolicy('', 'the filter ExternalAuth has no service');

class ExternalAuth implements Filter {
  readonly name = 'ExternalAuth';
  readonly patience: Patience = { timeout: TIMEOUT_MS + MARGIN_MS, failOpen: false };
  /** Null: the reference of the filter leads nowhere. */
  readonly #authorization: ExternalAuthorization | null;
  readonly #security: SecurityEvents;

  constructor(service: ir.ExternalAuthService, dependencies: FilterDependencies) {
    this.#security = dependencies.security;
    this.#authorization = service.cluster === null ? null : new ExternalAuthorization(settingsOf(service, service.cluster), dependencies);
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (this.#authorization !== null) return this.#decide(exchange, this.#authorization);
    return refuse(exchange, NO_SERVICE);
  }

  async #decide(exchange: Exchange, authorization: ExternalAuthorization): Promise<FilterVerdict> {
    const decision = await authorization.decide(exchange);
    if (exchange.phase === 'done') return 'answered';
    if (decision.type !== 'allowed') return this.#refuse(exchange, decision);
    authorization.strip(exchange);
    admit(exchange, decision);
    return 'continue';
  }

  #refuse(exchange: Exchange, decision: Exclude<Decision, { readonly type: 'allowed' }>): FilterVerdict {
    const verdict = answerRefused(exchange, decision);
    if (decision.type === 'none') this.#security.emit('authentication_unavailable', exchange, { reason: decision.reason });
    else this.#security.emit('access_denied', exchange, { reason: 'the external service denies the request' });
    return verdict;
  }

  response(exchange: Exchange): void {
    completeAnswer(exchange);
  }
}

function settingsOf(service: ir.ExternalAuthService, cluster: string): ExternalSettings {
  const isGrpc = service.protocol === 'GRPC';
  const orAll = (names: readonly string[]): readonly string[] | null => (names.length === 0 ? null : names);
  return {
    cluster,
    timeout: TIMEOUT_MS,
    headersToService: isGrpc ? orAll(service.requestHeaders) : ['authorization', ...service.requestHeaders],
    headersToBackend: orAll(service.responseHeaders),
    headersToClient: null,
    identityHeader: '',
    http: isGrpc ? null : { method: null, path: null, pathPrefix: prefixOf(service.path), strict: true },
    body: service.maxBodyBytes === 0 ? null : { maxBytes: service.maxBodyBytes, allowPartial: false },
    failOpen: false,
    cache: null,
  };
}

/** In the normal form of paths, without a slash at its end. */
function prefixOf(text: string): string {
  if (text === '') return '';
  const path = targetText(text.startsWith('/') ? text : `/${text}`);
  const normal = normalisePath(path) ?? path;
  return normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

export const externalAuth: FilterKind = {
  name: 'ExternalAuth',
  ofRule: (filter, dependencies) => (filter.type === 'ExternalAuth' ? new ExternalAuth(filter.service, dependencies) : null),
};
