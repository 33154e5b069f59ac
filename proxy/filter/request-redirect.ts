// RequestRedirect: answers with a Location.
import { portAt } from '../exchange/authority.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { reply } from '../exchange/local-reply.ts';
import type { FilterVerdict, RequestFilter } from '../exchange/plan.ts';
import type * as ir from '#api/ir/ir.ts';
import type { FilterKind } from './filter.ts';
import { modifyPath, preparePathModifier, singleSlash } from './path-modifier.ts';
import { targetText } from './text.ts';

const WELL_KNOWN = { http: 80, https: 443 } as const;

class RequestRedirect implements RequestFilter {
  readonly name = 'RequestRedirect';
  readonly #filter: ir.RequestRedirect;

  constructor(filter: ir.RequestRedirect) {
    const hostname = filter.hostname === null ? null : targetText(filter.hostname);
    this.#filter = { ...filter, hostname, path: preparePathModifier(filter.path) };
  }

  request(exchange: Exchange): FilterVerdict {
    reply(exchange, this.#filter.statusCode, ['location', this.#location(exchange)], null);
    return 'answered';
  }

  #location(exchange: Exchange): string {
    const scheme = this.#filter.scheme ?? exchange.scheme;
    const host = this.#filter.hostname ?? hostOf(exchange.client?.authority || exchange.authority);
    const path = this.#path(exchange);
    const query = exchange.hasQuery ? `?${exchange.query}` : '';
    // A 1.0 request may lack a host; RFC 9110 section 10.2.2 allows a Location without one.
    if (host === '') return `${path}${query}`;
    return `${scheme}://${host}${this.#port(exchange, scheme)}${path}${query}`;
  }

  /** Some readers of a Location take a path that starts with `//` for another host. */
  #path(exchange: Exchange): string {
    const { path } = this.#filter;
    if (path !== null) return modifyPath(path, exchange.path, exchange.prefixLength);
    return exchange.path === '*' ? '/' : singleSlash(exchange.path);
  }

  /**
   * As in the Gateway API: the given port; else the well-known port of the given scheme; else the port of the listener, or of the proxy in
   * front that clients connect to. Well-known ports are omitted.
   */
  #port(exchange: Exchange, scheme: 'http' | 'https'): string {
    const own = exchange.client?.port ?? exchange.connection.localPort;
    const port = this.#filter.port ?? (this.#filter.scheme === null ? own : WELL_KNOWN[scheme]);
    return port === WELL_KNOWN[scheme] ? '' : `:${port}`;
  }
}

/** The authority without its port; an IPv6 literal keeps its brackets. */
function hostOf(authority: string): string {
  return authority.slice(0, portAt(authority));
}

export const requestRedirect: FilterKind = {
  name: 'RequestRedirect',
  ofRule: (filter) => (filter.type === 'RequestRedirect' ? new RequestRedirect(filter) : null),
};
