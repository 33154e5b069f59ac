// One limit of a RateLimitPolicy, as a filter asks it about requests.
import type { Expression } from '#api/expression/expression.ts';
import { keyForm, limitTerms } from '#api/policy/rate-limits.ts';
import type { LimitSettings, LimitTerms } from '#api/policy/rate-limits.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';
import { capacityOf } from '#lib/limit/algorithm.ts';
import type { Algorithm } from '#lib/limit/algorithm.ts';
import { secondsOf } from '#lib/limit/calendar.ts';
import type { Decision } from '#lib/limit/decision.ts';
import { keyDigest } from '#lib/limit/key-form.ts';
import { UNKNOWN } from '#lib/limit/meter.ts';
import type { LimitCounts } from '#lib/limit/metrics.ts';
import type { Terms } from '#lib/limit/share.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { CallOutcome, ExchangeTrace, ServiceCall } from '../exchange/tracing.ts';
import { answerCost } from './limit-cost.ts';
import { requestFacts } from './facts.ts';
import { compiledMatch, keyReader } from './limit-keys.ts';

/** A request at a limit. */
export interface Passage {
  readonly limit: Limit;
  readonly terms: Terms;
  readonly key: string;
  /** The requests that this one stands for: one at each proxy of the fleet if they share the limit. */
  readonly weight: number;
  /** The units that it took, if it may pass. */
  readonly units: number;
  /** Null: the store did not answer. Without the units of other proxies. */
  decision: Decision | null;
}

export interface LimitSurroundings {
  readonly store: LimitStore;
  /** By `<namespace>/<policy>/<limit>`. */
  readonly counts: { of(limit: string): LimitCounts };
  /** Its proxies, as the controller told it last. */
  readonly fleet: { readonly proxies: number };
}

const ALONE = { proxies: 1 };
/** The call of the span of a question. */
const IN_REDIS: ServiceCall = Object.freeze({ protocol: 'redis', method: 'EVALSHA', url: '', backend: '' });
const ANSWERED: CallOutcome = Object.freeze({ status: -1, error: '', endpoint: null });
const UNANSWERED: CallOutcome = Object.freeze({ status: -1, error: 'unavailable', endpoint: null });

export class Limit {
  readonly name: string;
  readonly cost: number;
  readonly isShadow: boolean;
  /** The store does not answer: requests are refused. */
  readonly isClosed: boolean;
  readonly #label: string;
  readonly #store: LimitStore;
  readonly #allCounts: LimitSurroundings['counts'];
  /** Null before the first request. */
  #counts: LimitCounts | null = null;
  readonly #fleet: LimitSurroundings['fleet'];
  readonly #isInRedis: boolean;
  readonly #settings: LimitSettings;
  readonly #keyOf: (exchange: Exchange) => string;
  readonly #terms: LimitTerms;
  readonly #exempt: AddressRanges | null;
  /** The beginning of the item of RateLimit. */
  readonly #state: string;
  readonly #match: Expression | null;

  constructor(policy: string, settings: LimitSettings, { store, counts, fleet }: LimitSurroundings) {
    const { name = '', cost = 1, shadow = false, key = [] } = settings;
    this.name = name;
    this.cost = cost;
    this.isShadow = shadow;
    this.isClosed = settings.onError === 'Closed';
    this.#isInRedis = settings.store === 'Redis';
    this.#label = `${policy}/${name}`;
    this.#state = `"${name}";r=`;
    this.#store = store;
    this.#allCounts = counts;
    this.#fleet = settings.share === 'Fleet' ? fleet : ALONE;
    this.#settings = settings;
    // The controller must not see what headers and cookies have.
    const read = keyReader(key);
    this.#keyOf = keyForm(settings).isDigest ? (exchange) => keyDigest(read(exchange)) : read;
    this.#terms = limitTerms(this.#label, settings);
    this.#match = settings.match === undefined ? null : compiledMatch(settings.match);
    this.#exempt = addressesOf(settings.exempt?.addresses ?? []);
  }

  /** What the limit counts, for metrics. */
  get counts(): LimitCounts {
    return (this.#counts ??= this.#allCounts.of(this.#label));
  }

  /** The item of RateLimit (section 3): what is left, and the seconds until all of it is again; '' without a decision. */
  stateItem(decision: Decision | null): string {
    if (decision === null) return '';
    const { left, resetMs } = decision;
    return resetMs === UNKNOWN ? `${this.#state}${left}` : `${this.#state}${left};t=${Math.ceil(resetMs / 1_000)}`;
  }

  /** Asks about a request. Null: the limit does not concern it. */
  enter(exchange: Exchange): Passage | Promise<Passage> | null {
    if (this.#isExempt(exchange) || !this.#matches(exchange)) return null;
    const plan = exchange.principal === null ? '' : exchange.principal.plan;
    const terms = (plan === '' ? undefined : this.#terms.byPlan.get(plan)) ?? this.#terms.usual;
    const key = this.#keyOf(exchange);
    const weight = this.#fleet.proxies;
    // A share is at least one request.
    const units = weight === 1 ? this.cost : Math.min(this.cost * weight, capacityOf(terms.algorithm));
    const passage: Passage = { limit: this, terms, key, weight, units, decision: null };
    const asked = this.#isInRedis && exchange.trace !== null ? this.#traced(exchange.trace, passage) : this.#store.take(terms, key, units);
    if (asked instanceof Promise) return asked.then((decision) => this.#decided(passage, decision));
    return this.#decided(passage, asked);
  }

  /** Asks Redis, with a span of the question. */
  async #traced(trace: ExchangeTrace, { terms, key, units }: Passage): Promise<Decision | null> {
    const span = trace.call(IN_REDIS);
    const decision = await this.#store.take(terms, key, units);
    span?.ended(decision === null ? UNANSWERED : ANSWERED);
    return decision;
  }

  /** The request goes no further: it takes nothing. */
  withdraw({ terms, key, units, decision }: Passage): void {
    if (decision?.allowed === true && units > 0) this.#store.giveBack(terms, key, units);
  }

  /** The request has ended. */
  leave(passage: Passage, exchange: Exchange): void {
    if (passage.terms.algorithm.kind === 'Concurrency') return this.withdraw(passage);
    const { answer } = this.#settings;
    if (answer === undefined || passage.decision === null || exchange.status === 0) return;
    const cost = answerCost(answer, exchange) * passage.weight;
    if (cost > 0) this.#store.charge(passage.terms, passage.key, cost);
  }

  /** A request without a cost passes while anything is left. */
  #decided(passage: Passage, answer: Decision | null): Passage {
    const decision = answer === null || passage.weight === 1 ? answer : { ...answer, left: Math.floor(answer.left / passage.weight) };
    const isEmpty = this.cost === 0 && decision !== null && decision.left === 0;
    passage.decision = isEmpty ? { ...decision, allowed: false, waitMs: Math.max(1, decision.resetMs) } : decision;
    return passage;
  }

  /** A request whose facts are missing cannot get around the limit. */
  #matches(exchange: Exchange): boolean {
    if (this.#match === null) return true;
    const matches = this.#match.evaluate(requestFacts(exchange));
    return !matches.ok || matches.value === true;
  }

  #isExempt({ principal, clientAddress }: Exchange): boolean {
    const { exempt } = this.#settings;
    if (exempt === undefined) return false;
    if (this.#exempt !== null) {
      const version = readAddress(clientAddress);
      if (version !== 0 && this.#exempt.includesRead(version)) return true;
    }
    if (principal === null) return false;
    const { consumers = [], groups = [] } = exempt;
    return (
      (principal.consumer !== '' && consumers.includes(principal.consumer)) || groups.some((group) => principal.groups.includes(group))
    );
  }
}

function addressesOf(texts: readonly string[]): AddressRanges | null {
  return texts.length === 0 ? null : AddressRanges.parse(texts);
}

const policies = new WeakMap<Terms, string>();

/** The item of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10 section 2). */
export function policyItem({ limit, terms, weight }: Passage): string {
  if (weight > 1) return `"${limit.name}";${policyParameters(terms.algorithm, weight)}`;
  let item = policies.get(terms);
  if (item === undefined) policies.set(terms, (item = `"${limit.name}";${policyParameters(terms.algorithm, 1)}`));
  return item;
}

function policyParameters(algorithm: Algorithm, weight: number): string {
  const quota = Math.max(1, Math.floor(algorithm.limit / weight));
  if (algorithm.kind === 'Concurrency') return `q=${quota};qu="concurrent-requests"`;
  const window = algorithm.kind === 'Quota' ? secondsOf(algorithm.unit) : Math.max(1, Math.ceil(algorithm.periodMs / 1_000));
  return `q=${quota};w=${window}`;
}
