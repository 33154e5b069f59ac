// The request filters of an exchange: run by index, without a promise unless a filter waits. A wait ends with its exchange, or with its time.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Endings } from './endings.ts';
import { ERRORS } from './exchange/errors.ts';
import type { BodyStage } from './exchange/body-stage.ts';
import type { ExchangeEvents } from './exchange/exchange-events.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Limits } from './exchange/limits.ts';
import type { FilterVerdict, RequestFilter } from './exchange/plan.ts';
import { waitFor } from './filter-wait.ts';

export interface FilteringOptions {
  readonly endings: Pick<Endings, 'answerLocally' | 'reply'>;
  readonly wheel: TimerWheel;
  readonly limits: Pick<Limits, 'filterTimeout'>;
  readonly events: ExchangeEvents;
  /** The body of the request passes a stage from here on. */
  readonly stage: (exchange: Exchange, stage: BodyStage) => void;
  /** A bug ended the handling of the exchange. */
  readonly failed: (exchange: Exchange, bug: unknown) => void;
}

/** The exchange has passed all filters. */
type Next = (exchange: Exchange) => void;

export class Filtering {
  readonly #endings: FilteringOptions['endings'];
  readonly #wheel: TimerWheel;
  readonly #timeout: number;
  readonly #events: ExchangeEvents;
  readonly #stage: FilteringOptions['stage'];
  readonly #failed: FilteringOptions['failed'];

  constructor({ endings, wheel, limits, events, stage, failed }: FilteringOptions) {
    this.#stage = stage;
    this.#endings = endings;
    this.#wheel = wheel;
    this.#events = events;
    this.#timeout = limits.filterTimeout;
    this.#failed = failed;
  }

  /** Runs filters until one answers or the exchange ends. Null: there are none. */
  run(exchange: Exchange, filters: readonly RequestFilter[] | null, next: Next): void {
    if (filters === null) next(exchange);
    else this.#runFrom(exchange, filters, 0, next);
  }

  /** Runs the filters behind one of them. */
  proceed(exchange: Exchange, filters: readonly RequestFilter[], behind: RequestFilter, next: Next): void {
    this.#runFrom(exchange, filters, filters.indexOf(behind) + 1, next);
  }

  #runFrom(exchange: Exchange, filters: readonly RequestFilter[], start: number, next: Next): void {
    for (let i = start; i < filters.length; i++) {
      const filter = filters[i] as RequestFilter;
      const verdict = filter.request(exchange);
      if (verdict instanceof Promise)
        return this.#wait(exchange, filter, verdict, (late) => this.#decided(exchange, filters, i, late, next));
      if (exchange.phase === 'done') return;
      if (verdict === 'answered') return this.#endings.answerLocally(exchange);
      if (verdict !== 'continue') this.#stage(exchange, verdict);
    }
    next(exchange);
  }

  #decided(exchange: Exchange, filters: readonly RequestFilter[], decided: number, verdict: FilterVerdict, next: Next): void {
    if (verdict === 'answered') return this.#endings.answerLocally(exchange);
    if (verdict !== 'continue') this.#stage(exchange, verdict);
    this.#runFrom(exchange, filters, decided + 1, next);
  }

  /** The verdict counts until the client leaves, a deadline passes or the filter has had its time. */
  #wait(exchange: Exchange, filter: RequestFilter, verdict: Promise<FilterVerdict>, decided: (late: FilterVerdict) => void): void {
    if (exchange.stagedRequest?.isAwaited !== true) exchange.downstream.pauseRequest();
    waitFor(exchange, verdict, filter.patience?.timeout ?? this.#timeout, this.#wheel, {
      decided,
      expired: () => this.#expired(exchange, filter, decided),
      failed: (bug) => this.#failed(exchange, bug),
      over: (since) => this.#events.filterWaited?.(exchange, filter.name, since),
    });
  }

  #expired(exchange: Exchange, { patience }: RequestFilter, decide: (late: FilterVerdict) => void): void {
    if (patience?.failOpen !== true) return this.#endings.reply(exchange, ERRORS.filterTimeout);
    exchange.cancel();
    decide('continue');
  }
}
