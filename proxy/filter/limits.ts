// Refuses requests beyond the limits of a RateLimitPolicy, and tells callers what is left. There are two filters: limits whose keys are
// known at once come before authentication, so that a flood costs no check of credentials; the others follow it.
import type { LimitSettings } from '#api/policy/rate-limits.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import { UNKNOWN } from '#lib/limit/meter.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { addHeader } from '../exchange/headers.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import { Slot } from '../exchange/slot.ts';
import type { Filter, FilterKind, LimitDependencies } from './filter.ts';
import { Limit, policyItem } from './limit.ts';
import type { Passage } from './limit.ts';
import { needsPrincipal } from './limit-keys.ts';
import type { PolicyFilterContext } from './rule-policies.ts';

/** No client should keep a call for longer. */
const MAX_PUSHBACK_MS = 30_000;

type Outcome = 'passed' | 'refused' | 'shadow' | 'unavailable';

class Limits implements Filter {
  readonly name: string;
  readonly #limits: readonly Limit[];
  readonly #slot: Slot<Passage[]>;
  readonly #security: SecurityEvents;
  readonly #policy: string;

  constructor(name: string, slot: Slot<Passage[]>, limits: readonly Limit[], { security, origins }: PolicyFilterContext) {
    this.#security = security;
    this.#policy = origins[0]?.policy ?? '';
    this.name = name;
    this.#slot = slot;
    this.#limits = limits;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const passages: Passage[] = [];
    this.#slot.set(exchange, passages);
    return this.#from(exchange, passages, 0);
  }

  response(exchange: Exchange): void {
    const passages = this.#slot.get(exchange);
    if (passages === null) return;
    for (const passage of passages) {
      if (passage.decision === null || passage.limit.isShadow) continue;
      addHeader(exchange.responseHeaders, 'ratelimit-policy', policyItem(passage));
      addHeader(exchange.responseHeaders, 'ratelimit', passage.limit.stateItem(passage.decision));
    }
  }

  ended(exchange: Exchange): void {
    const passages = this.#slot.get(exchange);
    if (passages === null) return;
    this.#slot.set(exchange, null);
    for (const passage of passages) passage.limit.leave(passage, exchange);
  }

  #from(exchange: Exchange, passages: Passage[], start: number): FilterVerdict | Promise<FilterVerdict> {
    for (let i = start; i < this.#limits.length; i++) {
      const entered = (this.#limits[i] as Limit).enter(exchange);
      if (entered instanceof Promise) {
        return entered.then((passage) => {
          if (exchange.phase === 'done') return this.#late(passage);
          return this.#passes(exchange, passages, passage) ? this.#from(exchange, passages, i + 1) : 'answered';
        });
      }
      if (entered !== null && !this.#passes(exchange, passages, entered)) return 'answered';
    }
    return 'continue';
  }

  /** The exchange has ended meanwhile. */
  #late(passage: Passage): FilterVerdict {
    passage.limit.withdraw(passage);
    return 'answered';
  }

  #passes(exchange: Exchange, passages: Passage[], passage: Passage): boolean {
    const { limit, decision } = passage;
    const outcome = outcomeOf(passage);
    limit.counts[outcome]++;
    passages.push(passage);
    if (outcome === 'passed' || outcome === 'shadow' || (outcome === 'unavailable' && !limit.isClosed)) return true;
    for (const other of passages) if (other !== passage) other.limit.withdraw(other);
    this.#slot.set(exchange, null);
    if (decision === null) this.#refuseUncounted(exchange, limit);
    else this.#refuse(exchange, passage, decision.waitMs);
    return false;
  }

  #refuseUncounted(exchange: Exchange, { name }: Limit): void {
    refuse(exchange, ERRORS.limitUnavailable);
    this.#security.emit('limit_unavailable', exchange, { policy: this.#policy, rule: name });
  }

  /** The answer names only the limit that refuses: others have taken nothing. */
  #refuse(exchange: Exchange, passage: Passage, waitMs: number): void {
    refuse(exchange, ERRORS.rateLimited);
    this.#security.emit('rate_limited', exchange, { policy: this.#policy, rule: passage.limit.name });
    const seconds = waitMs === UNKNOWN ? 1 : Math.max(1, Math.ceil(waitMs / 1_000));
    addHeader(exchange.responseHeaders, 'retry-after', String(seconds));
    if (exchange.grpc) addHeader(exchange.responseHeaders, 'grpc-retry-pushback-ms', pushback(waitMs));
    addHeader(exchange.responseHeaders, 'ratelimit-policy', policyItem(passage));
    addHeader(exchange.responseHeaders, 'ratelimit', passage.limit.stateItem(passage.decision));
  }
}

/** The pause before a client repeats a call by itself (gRFC A6); -1: it does not. */
function pushback(waitMs: number): string {
  if (waitMs === UNKNOWN) return '1000';
  return waitMs > MAX_PUSHBACK_MS ? '-1' : String(Math.max(1, waitMs));
}

function outcomeOf({ limit, decision }: Passage): Outcome {
  if (decision === null) return 'unavailable';
  if (decision.allowed) return 'passed';
  return limit.isShadow ? 'shadow' : 'refused';
}

function storeOf({ store }: LimitSettings, { local, lease, redis }: LimitDependencies): LimitStore {
  if (store === 'Redis') return redis;
  return store === 'Lease' ? lease : local;
}

function kindOf(name: string, isMeant: (settings: LimitSettings) => boolean): FilterKind {
  const slot = new Slot<Passage[]>();
  return {
    name,
    ofPolicies: (policies) =>
      policies.filterOf('RateLimitPolicy', ['limits'], ({ limits = [] }, context) => {
        const [{ policy } = { policy: '' }] = context.origins;
        const label = policy.slice(policy.indexOf('/') + 1);
        const { counts } = context.limits;
        const made = limits
          .filter(isMeant)
          .map((settings) => new Limit(label, settings, { store: storeOf(settings, context.limits), counts, fleet: context.limits }));
        return made.length === 0 ? { name } : new Limits(name, slot, made, context);
      }),
  };
}

/** Limits whose keys need no principal. */
export const earlyLimits = kindOf('earlyLimits', (settings) => !needsPrincipal(settings));

/** Limits by the principal. */
export const limits = kindOf('limits', needsPrincipal);
