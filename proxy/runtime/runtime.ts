// The runtime: one frozen value with all decisions about exchanges. It is swapped as a whole; an exchange takes it once.
import type * as ir from '#api/ir/ir.ts';
import type { OwnFields } from '#api/match/own-field.ts';
import { decidePreflight, isPreflight, type PolicyCors } from '#api/match/preflight.ts';
import type { Found, RouteTable } from '#api/match/table.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { DownstreamConnection, Exchange } from '../exchange/exchange.ts';
import type { TrustedProxies } from '../listener/trusted-proxies.ts';
import { refusingPlan, type RoutePlans } from './plan.ts';
import type { UnroutedPlans } from './unrouted.ts';
import type { ClientIdentity, RoutePlan } from '../exchange/plan.ts';

/** Plans by IR route object, so that a table and its plans always have the same version. */
export type Plans = WeakMap<ir.Route, RoutePlans>;

/** A request in the form of the matcher; one per worker, because matching is synchronous. */
interface Question {
  method: string;
  host: string;
  path: string;
  query: string;
  headers: readonly string[];
  own: OwnFields;
  listener: string;
}

const NO_FIELDS: OwnFields = { authority: '', contentLength: -1, expect: '', askedUpgrade: '' };

const question: Question = { method: '', host: '', path: '', query: '', headers: [], own: NO_FIELDS, listener: '' };

/** The parts of a runtime. */
export interface RuntimeParts {
  readonly tables: ReadonlyMap<number, RouteTable>;
  readonly plans: Plans;
  /** The client certificates for backends, by key of the listener of the request. */
  readonly identities: ReadonlyMap<string, ClientIdentity>;
  /** The trusted peers for information about clients, by key of the listener of the request. */
  readonly trusted: ReadonlyMap<string, TrustedProxies>;
  /** What policies say about requests that no route gets. */
  readonly unrouted: UnroutedPlans;
  readonly policyCors: PolicyCors;
}

export class Runtime {
  /** The number of swaps; for logs and dumps. */
  readonly version: number;
  /** One routing table per port. */
  readonly tables: ReadonlyMap<number, RouteTable>;
  readonly #plans: Plans;
  /** Null if no Gateway has a client certificate for backends. */
  readonly #identities: RuntimeParts['identities'] | null;
  readonly #trusted: RuntimeParts['trusted'] | null;
  readonly #unrouted: UnroutedPlans;
  readonly #policyCors: PolicyCors;

  constructor(version: number, { tables, plans, identities, trusted, unrouted, policyCors }: RuntimeParts) {
    this.version = version;
    this.tables = tables;
    this.#plans = plans;
    this.#identities = identities.size === 0 ? null : identities;
    this.#trusted = trusted.size === 0 ? null : trusted;
    this.#unrouted = unrouted;
    this.#policyCors = policyCors;
    Object.freeze(this);
  }

  /**
   * Determines the client of a request from the information of trusted proxies. False: they should have given some, and the request must be
   * refused.
   */
  identify(exchange: Exchange): boolean {
    if (this.#trusted === null) return true;
    const listener = this.tables.get(exchange.connection.localPort)?.listenerOf(exchange.host) ?? null;
    return listener === null || (this.#trusted.get(listener)?.identify(exchange) ?? true);
  }

  /** Whether the peer of a connection is certainly the client: no listener trusts it to report another one. */
  isClient(connection: DownstreamConnection): boolean {
    return this.#trusted === null || [...this.#trusted.values()].every((each) => !each.trustsPeer(connection));
  }

  /** The plan for an exchange, or null if no route matches. Stores the results of matching in the exchange. */
  match(exchange: Exchange): RoutePlan | null {
    const table = this.tables.get(exchange.connection.localPort);
    if (table === undefined) return null;
    question.method = exchange.method;
    question.host = exchange.host;
    question.path = exchange.path;
    question.query = exchange.query;
    question.headers = exchange.requestHeaders;
    question.own = exchange;
    question.listener = isolatedListener(exchange, table);
    if (question.listener === NO_LISTENER) return null;
    if (isPreflight(question)) return this.#matchPreflight(exchange, table);
    const found = table.find(question);
    return found === null ? null : this.#follow(exchange, found);
  }

  #matchPreflight(exchange: Exchange, table: RouteTable): RoutePlan | null {
    const { found, verdict } = decidePreflight(table, question, this.#policyCors);
    const plan = found === null ? null : this.#follow(exchange, found);
    return plan !== null && verdict === 'refused' ? refusingPlan(plan) : plan;
  }

  #follow(exchange: Exchange, found: Found): RoutePlan | null {
    exchange.listener = found.listener;
    exchange.prefixLength = found.prefixLength;
    if (this.#identities !== null) exchange.clientIdentity = this.identityOf(found.listener);
    return planFor(this.#plans.get(found.route), found.listener);
  }

  /** The client certificate for backends of the Gateway of a listener (key). */
  identityOf(listener: string): ClientIdentity | null {
    return this.#identities?.get(listener) ?? null;
  }

  /** Stores what policies say about the listener of the host in an exchange that gets no route, unless the connection may not reach it. */
  filterRefusal(exchange: Exchange): void {
    if (this.#unrouted.size === 0) return;
    const table = this.tables.get(exchange.connection.localPort);
    const listener = table?.listenerOf(exchange.host) ?? null;
    if (table === undefined || listener === null) return;
    const expected = isolatedListener(exchange, table);
    const plan = expected === '' || expected === listener ? this.#unrouted.get(listener) : undefined;
    if (plan === undefined) return;
    exchange.unroutedFilters = plan.filters;
    exchange.telemetry = plan.telemetry;
  }

  /**
   * The reason why nothing matched: the host belongs to another listener than the TLS connection (GEP-3567) or to one that cannot be
   * served, or there is no route. Stores the listener of the host in the exchange, for metrics and logs.
   */
  mismatch(exchange: Exchange): ExchangeError {
    const table = this.tables.get(exchange.connection.localPort);
    if (table === undefined) return ERRORS.routeNotFound;
    exchange.listener = table.listenerOf(exchange.host) ?? '';
    if (table.isUnserved(exchange.host)) return exchange.connection.tls === null ? ERRORS.listenerUnserved : ERRORS.misdirectedRequest;
    const expected = isolatedListener(exchange, table);
    return expected === '' || expected === exchange.listener ? ERRORS.routeNotFound : ERRORS.misdirectedRequest;
  }
}

/** Not a key of a listener: the connection may reach no route, because its listener is gone or it had no certificate for the host. */
const NO_LISTENER = '-';

/**
 * The listener of the TLS handshake, if the request has another host than the handshake: the connection may reach only its routes. '' if
 * there is no restriction.
 */
function isolatedListener(exchange: Exchange, table: RouteTable): string {
  const tls = exchange.connection.tls;
  if (tls === null || tls.serverName === exchange.host) return '';
  return tls.vouches(exchange.host) ? (table.listenerOf(tls.serverName) ?? NO_LISTENER) : NO_LISTENER;
}

function planFor(plans: RoutePlans | undefined, listener: string): RoutePlan | null {
  if (plans === undefined) return null;
  return plans.byListener === null ? plans.common : (plans.byListener.get(listener) ?? plans.common);
}
