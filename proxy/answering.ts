// The way of an answer to the client: its response filters, those of the backend first, then its head, then its body, through the stages
// that the filters have for it.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { mayHaveBody } from './exchange/changed-body.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { ExchangeEvents } from './exchange/exchange-events.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Headers } from './exchange/headers.ts';
import type { Limits } from './exchange/limits.ts';
import type { AnswerChange, ResponseFilter } from './exchange/plan.ts';
import { AnswerRefusal } from './exchange/replaced-body.ts';
import { StagedBody } from './exchange/staged-body.ts';
import type { BodyEnds, BodyPart } from './exchange/staged-body.ts';
import { waitFor } from './filter-wait.ts';

export interface AnsweringOptions {
  readonly wheel: TimerWheel;
  readonly limits: Pick<Limits, 'filterTimeout'>;
  readonly events: ExchangeEvents;
  /** Sends a chunk to the client. False: the client is behind. */
  readonly send: (exchange: Exchange, chunk: Buffer) => boolean;
  /** The body has reached the client. */
  readonly sent: (exchange: Exchange, trailers: Headers | null) => void;
  /** A stage refuses the body. */
  readonly refused: (exchange: Exchange, error: ExchangeError) => void;
  /** Nothing more of the answer of the backend is wanted. */
  readonly left: (exchange: Exchange) => void;
  /** A bug ended the handling of the exchange. */
  readonly failed: (exchange: Exchange, bug: unknown) => void;
}

const NO_BODY = Buffer.alloc(0);

/** The head is sent. */
type Next = (exchange: Exchange) => void;

export class Answering {
  readonly #options: AnsweringOptions;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /** Runs the response filters and sends the head: at once unless a filter waits. */
  begin(exchange: Exchange, next: Next): void {
    const own = exchange.backend === null ? null : exchange.backend.responseFilters;
    if (own === null) this.#runShared(exchange, next);
    else this.#run(exchange, own, 0, (filtered) => this.#runShared(filtered, next));
  }

  /** Sends the head as it is. */
  sendHead(exchange: Exchange): void {
    exchange.phase = 'answering';
    exchange.headAt = turnTime() - exchange.startedAt;
    this.#options.events.answerHead?.(exchange);
    exchange.downstream.writeHead(exchange);
  }

  #runShared(exchange: Exchange, next: Next): void {
    const shared = exchange.route === null ? exchange.unroutedFilters : exchange.route.responseFilters;
    if (shared === null) this.#follow(exchange, next);
    else this.#run(exchange, shared, 0, (filtered) => this.#follow(filtered, next));
  }

  #run(exchange: Exchange, filters: readonly ResponseFilter[], start: number, next: Next): void {
    for (let i = start; i < filters.length; i++) {
      const filter = filters[i] as ResponseFilter;
      const change = filter.response(exchange);
      if (change === undefined) continue;
      if (change instanceof Promise)
        return this.#wait(exchange, filter, change, (late) => {
          if (this.#take(exchange, late)) this.#run(exchange, filters, i + 1, next);
        });
      if (!this.#take(exchange, change)) return;
    }
    next(exchange);
  }

  /** The whole body of an answer, for a filter that then waits; null if it is larger than the limit, or if the exchange ends before. */
  whole(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
    const { localBody, responseLength, method } = exchange;
    if (localBody !== null) return Promise.resolve(localBody);
    if (method === 'HEAD' || !mayHaveBody(exchange)) return Promise.resolve(NO_BODY);
    if (responseLength > maxBytes) return Promise.resolve(null);
    return this.start(exchange, maxBytes).then((part) => (part?.isWhole === true ? part.bytes : null));
  }

  /** The body of the answer of a backend up to a limit, for a filter that then waits; null if the exchange ends before. */
  start(exchange: Exchange, maxBytes: number): Promise<BodyPart | null> {
    return this.#staged(exchange).gather(maxBytes);
  }

  #follow(exchange: Exchange, next: Next): void {
    this.sendHead(exchange);
    // First what is known of the exchange, then what was held: the end of the body ends the exchange.
    next(exchange);
    if (exchange.stagedAnswer !== null) exchange.stagedAnswer.open();
  }

  /** False: the answer is refused. */
  #take(exchange: Exchange, change: AnswerChange): boolean {
    if (change instanceof AnswerRefusal) {
      this.#options.refused(exchange, change.error);
      return false;
    }
    if (change !== undefined) this.#staged(exchange).add(change);
    return true;
  }

  #staged(exchange: Exchange): StagedBody {
    return (exchange.stagedAnswer ??= new StagedBody(new AnswerEnds(exchange, this.#options)));
  }

  #wait(
    exchange: Exchange,
    { name, patience }: ResponseFilter,
    change: Promise<AnswerChange>,
    decided: (late: AnswerChange) => void,
  ): void {
    const { wheel, limits, events, failed } = this.#options;
    this.#staged(exchange);
    if (exchange.stagedAnswer?.isGathering !== true) exchange.upstream?.pauseResponse();
    exchange.phase = 'answered';
    waitFor(exchange, change, patience?.timeout ?? limits.filterTimeout, wheel, {
      decided,
      expired: () => {
        exchange.cancel();
        if (patience?.failOpen === true) decided(undefined);
        else this.#options.refused(exchange, ERRORS.filterTimeout);
      },
      failed: (bug) => failed(exchange, bug),
      over: (since) => events.filterWaited?.(exchange, name, since),
    });
  }
}

/** Between the backend, or a local reply, and the client. */
class AnswerEnds implements BodyEnds {
  readonly #exchange: Exchange;
  readonly #options: AnsweringOptions;

  constructor(exchange: Exchange, options: AnsweringOptions) {
    this.#exchange = exchange;
    this.#options = options;
  }

  pause(): void {
    this.#exchange.answerSource?.pauseResponse();
  }

  resume(): void {
    if (this.#exchange.shaping?.response.waits !== true) this.#exchange.answerSource?.resumeResponse();
  }

  leave(): void {
    this.#options.left(this.#exchange);
  }

  data(chunk: Buffer): boolean {
    return this.#options.send(this.#exchange, chunk);
  }

  end(trailers: Headers | null): void {
    this.#options.sent(this.#exchange, trailers);
  }

  fail(error: ExchangeError): void {
    this.#options.refused(this.#exchange, error);
  }

  failed(bug: unknown): void {
    this.#options.failed(this.#exchange, bug);
  }
}
