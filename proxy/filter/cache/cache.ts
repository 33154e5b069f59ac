// Answers requests out of the cache (`cache` of an HTTPPolicy): the request half. A request that finds nothing goes to the backend, or waits
// for one that is on its way there.
import { CACHE_COLLAPSED, CACHE_HIT, forwarded } from '../../cache/cache-status.ts';
import type { ForwardReason } from '../../cache/cache-status.ts';
import { requestDirectives } from '../../cache/directives.ts';
import type { Flight, FlightOutcome } from '../../cache/flight.ts';
import { reuseOf } from '../../cache/reuse.ts';
import type { SecondLevel } from '../../cache/second-level.ts';
import type { SharedCache } from '../../cache/shared-cache.ts';
import { ageOf, type StoredAnswer } from '../../cache/stored-answer.ts';
import { addCondition, isNotModified, removeCondition } from '../../cache/validation.ts';
import { variantOf } from '../../cache/vary.ts';
import { detachedCopy } from '../../exchange/departure.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { fallBack } from '../../exchange/fallback.ts';
import { hasHeader, removeHeader } from '../../exchange/headers.ts';
import { localReply, refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterDependencies, FilterKind } from '../filter.ts';
import { CacheKey, levelOf, type CacheSettings } from './cache-key.ts';
import { CACHE_USE, flightKeyOf, type CacheRequest, type StorageTerms } from './cache-use.ts';
import { hasCredentials, pastStore, type CallerTerms } from './request-facts.ts';
import { notModified, replyStored } from './stored-reply.ts';

const DEFAULT_MAX_BODY = 1_048_576;
/** A request waits for another one as long as that is under way; this is the end of a wait that would never end, milliseconds. */
const PATIENCE = { timeout: 600_000, failOpen: true };
/** A request that waited so often in vain goes on alone. */
const MAX_WAITS = 3;

const IGNORED = new Map<string, string | null>();

/** What the cache has to know of its rule. */
interface RuleTraits {
  /** A service decides about every request. */
  readonly isAuthorized: boolean;
  /** Nothing changes bodies after the cache: a part of a body could not be changed. */
  readonly hasRanges: boolean;
}

class Cache implements Filter {
  readonly name = 'cache';
  readonly patience = PATIENCE;
  readonly #cache: SharedCache;
  readonly #second: SecondLevel | null;
  readonly #proceed: FilterDependencies['proceed'];
  readonly #key: CacheKey;
  readonly #callers: CallerTerms;
  readonly #honours: boolean;
  readonly #terms: StorageTerms;
  readonly #hasRanges: boolean;

  constructor(
    settings: CacheSettings,
    { cache, proceed }: Pick<FilterDependencies, 'cache' | 'proceed'>,
    { isAuthorized, hasRanges }: RuleTraits,
  ) {
    this.#hasRanges = hasRanges;
    const { key = {}, requestDirectives: directives } = settings;
    this.#cache = cache;
    this.#second = levelOf(cache, settings.store);
    this.#proceed = proceed;
    this.#key = new CacheKey(key);
    this.#callers = { ownAnswers: key.principal === 'Own', knowsCookies: key.cookies !== undefined, isAuthorized };
    this.#honours = directives !== 'Ignore';
    this.#terms = termsOf(settings, cache.store.maxBodyBytes);
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (exchange.grpc || exchange.upgrade !== '' || exchange.method === 'CONNECT') return 'continue';
    if (!this.#hasRanges) {
      removeHeader(exchange.requestHeaders, 'range');
      removeHeader(exchange.requestHeaders, 'if-range');
    }
    const past = pastStore(exchange);
    const request = this.#requestOf(exchange);
    if (past !== null) return this.#pass(exchange, request, past);
    return this.#lookUp(exchange, request, 0);
  }

  #requestOf(exchange: Exchange): CacheRequest {
    const { url, key } = this.#key.of(exchange);
    return {
      url,
      key,
      method: exchange.method,
      hasCredentials: hasCredentials(exchange, this.#callers),
      directives: this.#honours ? requestDirectives(exchange.requestHeaders) : IGNORED,
      headers: exchange.requestHeaders,
      terms: this.#terms,
      requestedAt: Date.now(),
      since: this.#cache.moment,
      ticket: null,
    };
  }

  #lookUp(exchange: Exchange, request: CacheRequest, waits: number): FilterVerdict | Promise<FilterVerdict> {
    const stored = this.#find(request);
    if (stored !== null) {
      const reuse = reuseOf(stored, ageOf(stored, Date.now()), request.directives);
      if (reuse !== 'validate') return this.#serve(exchange, request, stored, reuse === 'fresh' ? 'hit' : 'stale', reuse === 'stale');
    }
    if (this.#second !== null && this.#asksSecond(request, stored)) return this.#askSecond(this.#second, exchange, request, waits);
    return this.#forward(exchange, request, stored, waits);
  }

  /** The request goes to the backend, or waits for one that is on its way there. */
  #forward(exchange: Exchange, request: CacheRequest, stored: StoredAnswer | null, waits: number): FilterVerdict | Promise<FilterVerdict> {
    if (request.directives.has('only-if-cached')) return refuse(exchange, ERRORS.notCached);
    const alone = this.#reasonToPass(exchange, request, stored, waits);
    if (alone !== null) return this.#pass(exchange, request, alone);
    const flightKey = this.#flightKey(request);
    const flight = this.#cache.flight(flightKey);
    if (flight !== undefined && !request.directives.has('no-cache')) return this.#wait(exchange, request, flight, waits);
    const reason = stored === null ? (this.#cache.store.varyNames(request.key) === null ? 'uri-miss' : 'vary-miss') : 'stale';
    this.#lead(exchange, request, { stored, reason, flightKey });
    return 'continue';
  }

  /** Whether the second level may have an answer that the memory lacks. It is asked once for a request. */
  #asksSecond(request: CacheRequest, stored: StoredAnswer | null): boolean {
    const { ticket, directives } = request;
    if (ticket !== null || directives.has('no-cache') || directives.has('no-store')) return false;
    if (stored === null && this.#cache.goesAlone(flightKeyOf(request))) return false;
    return this.#cache.flight(this.#flightKey(request)) === undefined;
  }

  async #askSecond(second: SecondLevel, exchange: Exchange, request: CacheRequest, waits: number): Promise<FilterVerdict> {
    const { signal } = exchange;
    CACHE_USE.set(exchange, { type: 'passes', reason: 'uri-miss', request });
    const ticket = this.#cache.fetch(second, request);
    await ticket;
    if (signal.aborted) return 'continue';
    return this.#lookUp(exchange, { ...request, ticket }, waits);
  }

  #find({ key, headers, hasCredentials: isPersonal }: CacheRequest): StoredAnswer | null {
    const stored = this.#cache.store.find(key, headers);
    return stored !== null && (!isPersonal || stored.isForEveryone) ? stored : null;
  }

  /** Requests for the same variant wait for each other, as far as the variants are known. */
  #flightKey(request: CacheRequest): string {
    const { key, headers } = request;
    const flightKey = flightKeyOf(request);
    const names = this.#cache.store.varyNames(key) ?? this.#cache.flight(flightKey)?.varyNames ?? null;
    return names === null ? flightKey : `${flightKey}\n${variantOf(names, headers)}`;
  }

  #reasonToPass({ method }: Exchange, request: CacheRequest, stored: StoredAnswer | null, waits: number): ForwardReason | null {
    if (request.directives.has('no-store')) return 'request';
    if (method === 'HEAD') return stored === null ? 'uri-miss' : 'stale';
    if (stored === null && hasHeader(request.headers, 'range')) return 'partial';
    return waits >= MAX_WAITS || (stored === null && this.#cache.goesAlone(flightKeyOf(request))) ? 'uri-miss' : null;
  }

  #pass(exchange: Exchange, request: CacheRequest, reason: ForwardReason): FilterVerdict {
    this.#cache.count(exchange, reason === 'uri-miss' ? 'miss' : 'bypass');
    CACHE_USE.set(exchange, { type: 'passes', reason, request });
    return 'continue';
  }

  #lead(exchange: Exchange, request: CacheRequest, found: { stored: StoredAnswer | null; reason: ForwardReason; flightKey: string }): void {
    const { stored, reason, flightKey } = found;
    const headers = (exchange.requestHeaders = [...request.headers]);
    removeHeader(headers, 'range');
    const canConfirm = stored !== null && addCondition(headers, stored.headers);
    if (!canConfirm) removeCondition(headers);
    const flight = this.#cache.takeOff(flightKey);
    exchange.heirs = flight;
    CACHE_USE.set(exchange, { type: 'leads', reason, request, flight, stored });
  }

  #serve(exchange: Exchange, request: CacheRequest, stored: StoredAnswer, outcome: 'hit' | 'stale', asks: boolean): FilterVerdict {
    this.#cache.count(exchange, outcome);
    CACHE_USE.set(exchange, { type: 'answered' });
    if (asks) this.#revalidate(exchange, request, stored);
    replyStored(exchange, stored, request.headers, CACHE_HIT);
    return 'answered';
  }

  /** Asks the backend about a stale answer in the background, once at a time. */
  #revalidate(exchange: Exchange, request: CacheRequest, stored: StoredAnswer): void {
    const flightKey = this.#flightKey(request);
    if (this.#cache.flight(flightKey) !== undefined) return;
    const copy = detachedCopy(exchange);
    copy.method = 'GET';
    const ticket = this.#second === null ? null : this.#cache.fetch(this.#second, request);
    this.#lead(copy, { ...request, method: 'GET', ticket }, { stored, reason: 'stale', flightKey });
    this.#proceed(copy, this);
  }

  async #wait(exchange: Exchange, request: CacheRequest, flight: Flight, waits: number): Promise<FilterVerdict> {
    const { signal } = exchange;
    CACHE_USE.set(exchange, { type: 'passes', reason: 'uri-miss', request });
    const outcome = await flight.wait(signal);
    if (signal.aborted) return 'continue';
    return this.#landed(exchange, request, outcome, waits);
  }

  #landed(exchange: Exchange, request: CacheRequest, outcome: FlightOutcome, waits: number): FilterVerdict | Promise<FilterVerdict> {
    if (outcome.type === 'failed') return this.#fail(exchange, outcome.error);
    if (outcome.type === 'stored' && outcome.answer.variant === variantOf(outcome.answer.varyNames, request.headers))
      return this.#serve(exchange, request, outcome.answer, outcome.isStale ? 'stale' : 'hit', false);
    if (outcome.type === 'answer' && this.#suits(outcome, request)) return this.#follow(exchange, request, outcome);
    return this.#lookUp(exchange, request, waits + 1);
  }

  #suits({ head, body }: Extract<FlightOutcome, { type: 'answer' }>, { headers }: CacheRequest): boolean {
    return body.isWhole && head.variant === variantOf(head.varyNames, headers);
  }

  #follow(exchange: Exchange, request: CacheRequest, outcome: Extract<FlightOutcome, { type: 'answer' }>): FilterVerdict {
    const { status, headers, length } = outcome.head;
    this.#cache.count(exchange, 'collapsed');
    exchange.fromStore = true;
    exchange.status = status;
    exchange.responseHeaders = [...headers, 'cache-status', CACHE_COLLAPSED];
    exchange.responseLength = length;
    if (status === 200 && isNotModified(request.headers, headers)) {
      CACHE_USE.set(exchange, { type: 'answered' });
      notModified(exchange);
    } else CACHE_USE.set(exchange, { type: 'follows', outcome });
    return 'answered';
  }

  #fail(exchange: Exchange, error: ExchangeError): FilterVerdict {
    this.#cache.count(exchange, 'collapsed');
    CACHE_USE.set(exchange, { type: 'answered' });
    exchange.error = error;
    if (!fallBack(exchange, error)) localReply(exchange, error);
    exchange.responseHeaders.push('cache-status', forwarded('uri-miss'));
    return 'answered';
  }

  /** In any case the requests that wait for it go on. */
  ended(exchange: Exchange): void {
    const use = CACHE_USE.get(exchange);
    if (use?.type === 'leads') use.flight.decide({ type: 'alone' });
  }
}

function termsOf(settings: CacheSettings, maxBodyBytes: number): StorageTerms {
  const { maxBodySize = DEFAULT_MAX_BODY, defaultTtl, maxTtl, heuristics, staleWhileRevalidate = 0, staleIfError = 0 } = settings;
  return {
    maxBodySize: Math.min(maxBodySize, maxBodyBytes),
    defaultTtl: defaultTtl === undefined ? null : defaultTtl / 1_000,
    maxTtl: maxTtl === undefined ? null : maxTtl / 1_000,
    heuristic: heuristics === 'Enabled',
    staleWhileRevalidate: staleWhileRevalidate / 1_000,
    staleIfError: staleIfError / 1_000,
  };
}

export const cache: FilterKind = {
  name: 'cache',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.cache?.mode === 'Disabled') return null;
    const { response } = policies.settings('HTTPPolicy').settings;
    const traits = { isAuthorized: policies.hasFilter('ExternalAuth'), hasRanges: response?.body === undefined };
    const draft = policies.filterOf(
      'HTTPPolicy',
      ['cache'],
      ({ cache: settings = {} }, dependencies) => new Cache(settings, dependencies, traits),
    );
    return draft === null ? null : { ...draft, identity: [draft.identity, traits] };
  },
};
