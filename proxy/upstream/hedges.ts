// Hedging: an exchange without an answer gets a second attempt at another endpoint, and the first usable answer wins. Only for requests that
// are safe to repeat.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt, AttemptOutcome } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { hasRival } from '../exchange/hedge.ts';
import type { AnswerPercentile, HedgePlan, RoutePlan } from '../exchange/plan.ts';
import { canReplay, isIdempotent } from './replay.ts';
import { isUsable } from './retry.ts';
import type { DeadlineListener } from './timeout.ts';

export class Hedges {
  readonly #wheel: TimerWheel;
  readonly #listener: Pick<DeadlineListener, 'hedgeDue'>;

  constructor(wheel: TimerWheel, listener: Pick<DeadlineListener, 'hedgeDue'>) {
    this.#wheel = wheel;
    this.#listener = listener;
  }

  /** An attempt of an exchange begins whose plan hedges: another one may follow after the delay. */
  begun(attempt: Attempt, plan: HedgePlan): void {
    const { exchange, cluster } = attempt;
    if (!mayHedge(exchange, plan)) return;
    exchange.hedge ??= { timer: new Timer(() => this.#listener.hedgeDue(exchange)), attempts: [] };
    exchange.hedge.attempts.push(attempt);
    if (exchange.hedge.attempts.length < plan.maxAttempts) this.#wheel.arm(exchange.hedge.timer, delayOf(plan, cluster.answerTimes));
  }

  /** The delay has passed. Whether another attempt may start now; it may later if the request is not complete yet. */
  mayStart(exchange: Exchange): boolean {
    const { hedge, phase, route, requestBodyEnded, requestLength } = exchange;
    if (hedge === null || hedge.attempts.length === 0 || phase !== 'picked') return false;
    if (requestBodyEnded || requestLength === 0) return canReplay(exchange);
    const { hedge: plan } = route as RoutePlan;
    const { answerTimes } = (hedge.attempts[0] as Attempt).cluster;
    this.#wheel.arm(hedge.timer, plan === null ? 0 : delayOf(plan, answerTimes));
    return false;
  }

  /** The exchange continues without further attempts beside its current one. */
  leave(exchange: Exchange): void {
    if (exchange.hedge !== null) this.#wheel.disarm(exchange.hedge.timer);
    exchange.hedge = null;
  }

  /** The attempt has ended. If it was the current one, the oldest under way takes its place. */
  ended(attempt: Attempt, outcome: AttemptOutcome): void {
    const { exchange, cluster } = attempt;
    const attempts = exchange.hedge?.attempts ?? [];
    const index = attempts.indexOf(attempt);
    if (index >= 0) attempts.splice(index, 1);
    if (exchange.attempt === attempt && attempts[0] !== undefined) exchange.attempt = attempts[0];
    if (attempt.hedged && (outcome === 'failed' || outcome === 'declined')) cluster.counts.hedged('failed');
  }

  /** Whether an answer gives way to the attempts that are still under way. */
  yields(attempt: Attempt): boolean {
    return hasRival(attempt) && !isUsable(attempt);
  }

  /** The answer of the attempt is accepted. Returns the others, to be stopped. */
  won(attempt: Attempt): readonly Attempt[] {
    const { exchange, cluster } = attempt;
    if (exchange.hedge === null) return [];
    this.#wheel.disarm(exchange.hedge.timer);
    exchange.attempt = attempt;
    const losers = exchange.hedge.attempts.filter((each) => each !== attempt);
    if (attempt.hedged) cluster.counts.hedged('won');
    for (const loser of losers) if (loser.hedged) loser.cluster.counts.hedged('lost');
    return losers;
  }
}

/** The time from an attempt to the next one, milliseconds; 0: there is none. */
export function delayOf({ delay, minDelay, maxDelay }: HedgePlan, times: AnswerPercentile | null): number {
  const percentile = times === null ? 0 : times.percentile;
  return percentile === 0 ? delay : Math.min(Math.max(percentile, minDelay), maxDelay);
}

/** A request that may have an effect is not sent twice, and a copy or a WebSocket has nothing to gain. */
function mayHedge(exchange: Exchange, { grpc }: HedgePlan): boolean {
  if (exchange.shadow || exchange.upgrade !== '') return false;
  return isIdempotent(exchange) || (exchange.grpc && grpc);
}
