// CORS (GEP-1767, Fetch standard section 3.2): answers preflights, and sets the origins that may read an answer.
import type { Exchange } from '../exchange/exchange.ts';
import { addHeader, getHeader, removeHeader } from '../exchange/headers.ts';
import type { Headers } from '../exchange/headers.ts';
import { reply } from '../exchange/local-reply.ts';
import type { FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import type * as ir from '#api/ir/ir.ts';
import { corsOf } from '#api/policy/cors.ts';
import type { FilterKind } from './filter.ts';
import { Origins } from './origins.ts';

/** CORS headers of the backend are replaced by those of the proxy. */
const ANSWER_HEADERS = ['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-expose-headers'];

class Cors implements RequestFilter, ResponseFilter {
  readonly name = 'CORS';
  readonly #filter: ir.Cors;
  readonly #allowed: Origins;
  readonly #anyOrigin: boolean;

  constructor(filter: ir.Cors) {
    this.#filter = filter;
    this.#anyOrigin = filter.allowOrigins.includes('*');
    this.#allowed = new Origins(filter.allowOrigins.filter((origin) => origin !== '*'));
  }

  request(exchange: Exchange): FilterVerdict {
    const requested = preflightMethod(exchange);
    const origin = getHeader(exchange.requestHeaders, 'origin');
    if (requested === null || origin === null) return 'continue';
    reply(exchange, 204, this.#preflight(exchange, origin, requested), null);
    return 'answered';
  }

  response(exchange: Exchange): void {
    const origin = getHeader(exchange.requestHeaders, 'origin');
    const headers = exchange.responseHeaders;
    if (preflightMethod(exchange) !== null && origin !== null) return;
    if (origin === null) return this.#addVary(headers);
    for (const name of ANSWER_HEADERS) removeHeader(headers, name);
    if (this.#addOrigin(headers, origin)) this.#addExposed(headers);
  }

  #preflight(exchange: Exchange, origin: string, method: string): Headers {
    const headers: Headers = [];
    if (!this.#addOrigin(headers, origin)) return headers;
    const { allowMethods, allowHeaders, maxAge } = this.#filter;
    if (allowMethods.length > 0) addHeader(headers, 'access-control-allow-methods', this.#wildcardOr(allowMethods, method));
    const wanted = getHeader(exchange.requestHeaders, 'access-control-request-headers') ?? '';
    if (allowHeaders.length > 0) addHeader(headers, 'access-control-allow-headers', this.#wildcardOr(allowHeaders, wanted));
    this.#addExposed(headers);
    addHeader(headers, 'access-control-max-age', String(maxAge));
    return headers;
  }

  /** Also in preflights, where browsers do not read it: the Gateway API requires it there too. */
  #addExposed(headers: Headers): void {
    const { exposeHeaders, allowCredentials } = this.#filter;
    if (exposeHeaders.length === 0 || (allowCredentials && exposeHeaders.includes('*'))) return;
    addHeader(headers, 'access-control-expose-headers', exposeHeaders.join(', '));
  }

  /** With credentials a browser takes `*` literally, so the requested value is returned. */
  #wildcardOr(allowed: readonly string[], asked: string): string {
    if (!allowed.includes('*')) return allowed.join(', ');
    return this.#filter.allowCredentials && asked !== '' ? asked : '*';
  }

  /** Whether the answer is the same for every origin. */
  get #sameForAll(): boolean {
    return this.#anyOrigin && !this.#filter.allowCredentials;
  }

  /** A cache must not serve an answer for one origin to another, nor an answer without an origin. */
  #addVary(headers: Headers): void {
    if (!this.#sameForAll) addHeader(headers, 'vary', 'origin');
  }

  #addOrigin(headers: Headers, origin: string): boolean {
    this.#addVary(headers);
    if (!this.#allows(origin)) return false;
    addHeader(headers, 'access-control-allow-origin', this.#sameForAll ? '*' : origin);
    if (this.#filter.allowCredentials) addHeader(headers, 'access-control-allow-credentials', 'true');
    return true;
  }

  #allows(origin: string): boolean {
    return this.#anyOrigin || this.#allowed.has(origin);
  }
}

/** The announced method of a preflight, or null for other requests. */
function preflightMethod(exchange: Exchange): string | null {
  return exchange.method === 'OPTIONS' ? getHeader(exchange.requestHeaders, 'access-control-request-method') : null;
}

export const cors: FilterKind = {
  name: 'CORS',
  ofRule: (filter) => (filter.type === 'CORS' ? new Cors(filter) : null),
  ofPolicies: (policies) =>
    policies.hasFilter('CORS') ? null : policies.filterOf('SecurityPolicy', ['cors'], (settings) => new Cors(corsOf(settings.cors ?? {}))),
};
