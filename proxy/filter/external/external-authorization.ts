// Asks an external service about requests, for a policy or for a filter of a route: reads the body, asks once, remembers the decision.
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { BodyPart } from '../../exchange/staged-body.ts';
import { withDashes } from '../../exchange/forwarded-names.ts';
import { joinHeader } from '../../exchange/headers.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import { Slot } from '../../exchange/slot.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterDependencies } from '../filter.ts';
import { answerDenied, changeHeaders, removeAll, type Allowed, type Decision, type HeaderChange } from './decision.ts';
import { DecisionCache, type DecisionCacheOptions } from './decision-cache.ts';
import { GrpcService } from './grpc-service.ts';
import { HttpService, type HttpSettings } from './http-service.ts';
import type { QuestionBody, Service, ServiceSettings } from './service.ts';

/** The parts of a request that may tell questions apart. */
export type QuestionPart = 'Method' | 'Host' | 'Path' | 'Query' | 'ClientAddress';

export interface CacheSettings extends DecisionCacheOptions {
  /** Both empty: everything that the service gets. Names are lower case. */
  readonly headers: readonly string[];
  readonly parts: readonly QuestionPart[];
}

export interface ExternalSettings extends ServiceSettings {
  /** Null: gRPC. */
  readonly http: HttpSettings | null;
  /** Null: the service does not get the body. */
  readonly body: { readonly maxBytes: number; readonly allowPartial: boolean } | null;
  readonly failOpen: boolean;
  /** Null: each request is asked about. */
  readonly cache: CacheSettings | null;
}

/** What the answer to a request gets besides the headers of the backend. */
const TO_CLIENT = new Slot<readonly HeaderChange[]>();

export class ExternalAuthorization {
  readonly #settings: ExternalSettings;
  readonly #service: Service;
  readonly #cache: DecisionCache | null;
  readonly #wholeBody: FilterDependencies['wholeBody'];
  readonly #bodyStart: FilterDependencies['bodyStart'];
  /** What only the service may say, with dashes. */
  readonly #decided: ReadonlySet<string>;

  constructor(settings: ExternalSettings, { ask, wholeBody, bodyStart }: Pick<FilterDependencies, 'ask' | 'wholeBody' | 'bodyStart'>) {
    this.#settings = settings;
    this.#service = settings.http === null ? new GrpcService(settings, ask) : new HttpService(settings, settings.http, ask);
    this.#cache = settings.cache === null ? null : new DecisionCache(settings.cache);
    this.#wholeBody = wholeBody;
    this.#bodyStart = bodyStart;
    const names = [...(settings.headersToBackend ?? []), settings.identityHeader].filter((name) => name !== '');
    this.#decided = new Set(names.map(withDashes));
  }

  /** The decision about a request. It changes nothing of it. `none` with `mayPass`: the request may go on without a decision. */
  async decide(exchange: Exchange): Promise<Decision> {
    const body = await this.#body(exchange);
    if (body !== null && 'type' in body) return body;
    const decision = await this.#ask(exchange, body);
    return decision.type === 'none' ? { ...decision, mayPass: decision.mayPass && this.#settings.failOpen } : decision;
  }

  /** Removes what clients must not say themselves, before a request goes on. */
  strip({ requestHeaders }: Exchange): void {
    removeAll(requestHeaders, this.#decided);
  }

  #ask(exchange: Exchange, body: QuestionBody | null): Promise<Decision> {
    if (this.#cache === null) return this.#service.decide(exchange, body, exchange.signal);
    return this.#cache.decide(this.#question(exchange, body), () => this.#service.decide(exchange, body));
  }

  /** Requests with the same question get the same decision. The credentials and the caller are always a part of it. */
  #question(exchange: Exchange, body: QuestionBody | null): readonly string[] {
    const { headers = [], parts = [] } = this.#settings.cache ?? {};
    const { principal } = exchange;
    const caller = principal === null ? '' : `${principal.method} ${principal.consumer} ${principal.id}`;
    const bytes = body === null ? '' : body.bytes.toString('base64');
    if (headers.length === 0 && parts.length === 0) return [caller, bytes, ...this.#service.describe(exchange)];
    const names = new Set(['authorization', 'cookie', ...headers]);
    const values = [...names].map((name) => joinHeader(exchange.requestHeaders, name) ?? '\n');
    return [caller, bytes, ...values, ...parts.map((part) => PARTS[part](exchange))];
  }

  async #body(exchange: Exchange): Promise<QuestionBody | Decision | null> {
    const { body } = this.#settings;
    if (body === null) return null;
    const { maxBytes, allowPartial } = body;
    const part = allowPartial ? await this.#bodyStart(exchange, maxBytes) : whole(await this.#wholeBody(exchange, maxBytes));
    if (part !== null) return { bytes: part.bytes, isPartial: !part.isWhole };
    if (exchange.phase === 'done') return { type: 'none', reason: 'the client has left', mayPass: false };
    return { type: 'refused', error: ERRORS.requestBodyTooLarge };
  }
}

function whole(bytes: Buffer | null): BodyPart | null {
  return bytes === null ? null : { bytes, isWhole: true, trailers: null };
}

const PARTS: Readonly<Record<QuestionPart, (exchange: Exchange) => string>> = {
  Method: ({ method }) => method,
  Host: ({ authority }) => authority,
  Path: ({ path }) => path,
  Query: ({ query }) => query,
  ClientAddress: ({ clientAddress }) => clientAddress,
};

/** Changes a request that goes on as the decision says. */
export function admit(exchange: Exchange, { toBackend, toClient }: Allowed): void {
  changeHeaders(exchange.requestHeaders, toBackend);
  if (toClient.set.length + toClient.append.length > 0) TO_CLIENT.set(exchange, [...(TO_CLIENT.get(exchange) ?? []), toClient]);
}

/** Adds to the answer what decisions say about it, once. */
export function completeAnswer(exchange: Exchange): void {
  const changes = TO_CLIENT.get(exchange);
  if (changes === null) return;
  TO_CLIENT.set(exchange, null);
  for (const change of changes) changeHeaders(exchange.responseHeaders, change);
}

/** Answers a request that does not go on. */
export function answerRefused(exchange: Exchange, decision: Exclude<Decision, Allowed>): FilterVerdict {
  switch (decision.type) {
    case 'denied':
      return answerDenied(exchange, decision);
    case 'refused':
      return refuse(exchange, decision.error);
    default:
      return refuse(exchange, ERRORS.authenticationUnavailable);
  }
}
