// Stores the answers of backends, and hands them to waiting requests (`cache` of an HTTPPolicy): the response half. It is the first to see an
// answer, so that the store has what the backend sent.
import { forwarded } from '../../cache/cache-status.ts';
import { answerDirectives } from '../../cache/directives.ts';
import { invalidated } from '../../cache/invalidation.ts';
import { mayReplaceError } from '../../cache/reuse.ts';
import { SharedBody } from '../../cache/shared-body.ts';
import type { SecondLevel } from '../../cache/second-level.ts';
import type { SharedCache } from '../../cache/shared-cache.ts';
import { ageOf, isUseful, storedAnswer, storedHeaders, type StoredAnswer } from '../../cache/stored-answer.ts';
import { sharingObstacle, storageObstacle, type AnswerFacts } from '../../cache/storing.ts';
import { confirms, isNotModified, refreshed } from '../../cache/validation.ts';
import { variantOf, varyNames } from '../../cache/vary.ts';
import { cutClient } from '../../exchange/departure.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { localReply } from '../../exchange/local-reply.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { FollowerStage, LeaderStage } from './body-stages.ts';
import { levelOf } from './cache-key.ts';
import { CACHE_USE, flightKeyOf, type CacheRequest, type CacheUse } from './cache-use.ts';
import { notModified, replyStored } from './stored-reply.ts';

type Leading = Extract<CacheUse, { type: 'leads' }>;
type Passing = Extract<CacheUse, { type: 'passes' }>;

class CacheStorage implements Filter {
  readonly name = 'cacheStorage';
  readonly #cache: SharedCache;
  readonly #second: SecondLevel | null;

  constructor(cache: SharedCache, second: SecondLevel | null) {
    this.#cache = cache;
    this.#second = second;
  }

  response(exchange: Exchange): AnswerChange {
    const use = CACHE_USE.get(exchange);
    switch (use?.type) {
      case 'follows':
        return exchange.method === 'HEAD' ? undefined : new FollowerStage(use.outcome.body);
      case 'passes':
        return this.#passed(exchange, use);
      case 'leads':
        return isOfBackend(exchange) ? this.#answered(exchange, use) : this.#failed(exchange, use);
      default:
        return undefined;
    }
  }

  /** The answer is only for its request; it may end what is stored. */
  #passed(exchange: Exchange, { reason, request }: Passing): void {
    if (!isOfBackend(exchange)) return;
    const { status, responseHeaders: headers } = exchange;
    for (const url of invalidated(request.method, request.url, status, headers)) this.#cache.invalidate(url, this.#second);
    if (request.method === 'GET' && reason === 'uri-miss' && isForOthers(request, factsOf(exchange), exchange.responseLength))
      this.#cache.note(flightKeyOf(request), true);
    headers.push('cache-status', forwarded(reason));
  }

  /** The backend has given no answer. */
  #failed(exchange: Exchange, use: Leading): void {
    const { flight, request, stored } = use;
    if (stored !== null && canReplace(stored, request)) {
      flight.decide({ type: 'stored', answer: stored, isStale: true });
      this.#cache.count(exchange, 'stale');
      replyStored(exchange, stored, request.headers, forwarded('stale'));
    } else flight.decide(isCommon(exchange.error) ? { type: 'failed', error: exchange.error } : { type: 'alone' });
  }

  #answered(exchange: Exchange, use: Leading): AnswerChange {
    const { request, stored, flight } = use;
    if (stored !== null && exchange.status === 304) return this.#confirmed(exchange, use, stored);
    if (stored !== null && exchange.status >= 500 && canReplace(stored, request)) {
      flight.decide({ type: 'stored', answer: stored, isStale: true });
      return this.#replace(exchange, use, stored, 'stale');
    }
    this.#cache.count(exchange, 'miss');
    return this.#take(exchange, use);
  }

  /** The backend confirms the stored answer, or speaks of another one. */
  #confirmed(exchange: Exchange, use: Leading, stored: StoredAnswer): AnswerChange {
    const { request, flight } = use;
    if (!confirms(exchange.responseHeaders, stored.headers)) {
      this.#cache.store.remove(stored);
      flight.decide({ type: 'alone' });
      exchange.error = ERRORS.upstreamMalformed;
      localReply(exchange, exchange.error);
      return new ReplacingStage(exchange.localBody);
    }
    const head = { status: stored.status, headers: refreshed(stored.headers, exchange.responseHeaders), receivedAt: Date.now() };
    const terms = { requestHeaders: request.headers, terms: request.terms };
    const answer = storedAnswer(request, { ...head, requestedAt: request.requestedAt }, stored.body, terms);
    this.#cache.store.remove(stored);
    this.#cache.keep(answer, request);
    flight.decide({ type: 'stored', answer, isStale: false });
    return this.#replace(exchange, use, answer, 'validated');
  }

  /** The stored answer takes the place of that of the backend. */
  #replace(exchange: Exchange, { request }: Leading, stored: StoredAnswer, outcome: 'stale' | 'validated'): AnswerChange {
    this.#cache.count(exchange, outcome);
    replyStored(exchange, stored, request.headers, forwarded('stale', { status: exchange.status }));
    return exchange.method === 'HEAD' ? undefined : new ReplacingStage(exchange.localBody);
  }

  /** A new answer: it is stored and handed on as far as it may be. */
  #take(exchange: Exchange, use: Leading): AnswerChange {
    const { request, flight, reason } = use;
    const facts = factsOf(exchange);
    const { responseLength: length } = exchange;
    const isStored = isStorable(request, facts, length);
    const isShared = isForOthers(request, facts, length);
    this.#cache.note(flightKeyOf(request), isShared || exchange.status >= 500);
    const head = {
      status: exchange.status,
      headers: storedHeaders(exchange.responseHeaders),
      requestedAt: request.requestedAt,
      receivedAt: Date.now(),
    };
    const body = new SharedBody(request.terms.maxBodySize, this.#cache.store.room);
    if (isShared) {
      const names = varyNames(facts.headers) ?? [];
      flight.decide({ type: 'answer', head: { ...head, length, varyNames: names, variant: variantOf(names, request.headers) }, body });
    } else flight.decide({ type: 'alone' });
    exchange.responseHeaders.push('cache-status', forwarded(reason, { stored: isStored }));
    const isMute = exchange.status === 200 && isNotModified(request.headers, facts.headers);
    const received = { ...head, headers: [...facts.headers] };
    if (isMute) notModified(exchange);
    if (!isStored && !isShared) return isMute ? new ReplacingStage(null) : undefined;
    return new LeaderStage(body, {
      isMute,
      complete: (whole) => {
        if (isStored && whole.isWhole) this.#store(request, received, whole.whole());
        flight.close();
      },
      overflown: () => flight.close(),
      torn: () => flight.close(),
      tooSlow: () => cutClient(exchange, ERRORS.clientTooSlow),
    });
  }

  #store(request: CacheRequest, head: Parameters<typeof storedAnswer>[1], body: Buffer): void {
    this.#cache.keep(storedAnswer(request, head, body, { requestHeaders: request.headers, terms: request.terms }), request);
  }
}

/** Whether the answer is that of a backend, and not one of the proxy itself. */
function isOfBackend({ attempt, responseHeaders, error }: Exchange): boolean {
  return error === null && attempt !== null && attempt.headers === responseHeaders;
}

/** Whether waiting requests would fail alike: the fault is not that of one client. */
function isCommon(error: ExchangeError | null): error is ExchangeError {
  return error !== null && error.source !== 'downstream';
}

function factsOf({ status, responseHeaders }: Exchange): AnswerFacts {
  // A copy: the fields of the cache are added to those that the client gets.
  const headers = [...responseHeaders];
  return { status, headers, ...answerDirectives(headers) };
}

function isStorable(request: CacheRequest, facts: AnswerFacts, length: number): boolean {
  if (length > request.terms.maxBodySize || storageObstacle(request, facts) !== null) return false;
  return isUseful(facts.status, facts.headers, facts, request.terms);
}

/** Whether the answer is also for waiting requests: it is fresh for them, or the backend fails for all alike. */
function isForOthers(request: CacheRequest, facts: AnswerFacts, length: number): boolean {
  if (facts.status >= 500) return request.method === 'GET' && sharingObstacle(request, facts) === null;
  if (!isStorable(request, facts, length)) return false;
  const now = Date.now();
  const head = { status: facts.status, headers: facts.headers, requestedAt: request.requestedAt, receivedAt: now };
  const answer = storedAnswer(request, head, Buffer.alloc(0), { requestHeaders: request.headers, terms: request.terms });
  return !facts.directives.has('no-cache') && answer.lifetime > ageOf(answer, now);
}

function canReplace(stored: StoredAnswer, { directives }: CacheRequest): boolean {
  return mayReplaceError(stored, ageOf(stored, Date.now()), directives);
}

export const cacheStorage: FilterKind = {
  name: 'cacheStorage',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.cache?.mode === 'Disabled') return null;
    return policies.filterOf(
      'HTTPPolicy',
      ['cache'],
      ({ cache: { store } = {} }, { cache }) => new CacheStorage(cache, levelOf(cache, store)),
    );
  },
};
