// The events in the life of an exchange, for metrics, logs and traces. The request path tells each one by a function that is null as long as
// nothing listens to it, so that an event costs a null check then.
import type { Attempt, AttemptOutcome } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** Hears of exchanges: it has a method for each event that it needs. Copies of requests, and requests of the proxy itself, have no events. */
export interface ExchangeListener {
  /** The head of the request is read, or as much of it as came before it was refused. */
  started?(exchange: Exchange): void;
  /** It has its route, or gets none (null) and is refused. */
  matched?(exchange: Exchange): void;
  /** Its wait for a filter is over. `since`: turnTime() at the start of the wait. */
  filterWaited?(exchange: Exchange, filter: string, since: number): void;
  /** An attempt goes to the pool of its endpoint. */
  attemptBegan?(attempt: Attempt): void;
  /** As in AttemptListener. */
  attemptEnded?(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void;
  /** The protocol was switched to that of WebSockets. */
  webSocketOpened?(exchange: Exchange): void;
  /** The head of the answer is about to be sent. */
  answerHead?(exchange: Exchange): void;
  /** It is over, in whatever way. `ms`: its duration. */
  ended?(exchange: Exchange, ms: number): void;
}

/** Tells an event; null: nothing listens. */
export type Told<A, B = void, C = void> = ((a: A, b: B, c: C) => void) | null;

export class ExchangeEvents {
  started: Told<Exchange> = null;
  matched: Told<Exchange> = null;
  filterWaited: Told<Exchange, string, number> = null;
  attemptBegan: Told<Attempt> = null;
  attemptEnded: Told<Attempt, AttemptOutcome, ExchangeError | null> = null;
  webSocketOpened: Told<Exchange> = null;
  answerHead: Told<Exchange> = null;
  ended: Told<Exchange, number> = null;
  #listeners: readonly ExchangeListener[];

  /** Each event reaches the listeners in their order. */
  constructor(...listeners: readonly ExchangeListener[]) {
    this.#listeners = listeners;
    this.#compose();
  }

  /** The listener hears every event from now on, after all others. */
  add(listener: ExchangeListener): void {
    this.#listeners = [...this.#listeners, listener];
    this.#compose();
  }

  /** The listener hears nothing more. */
  remove(listener: ExchangeListener): void {
    this.#listeners = this.#listeners.filter((each) => each !== listener);
    this.#compose();
  }

  #compose(): void {
    this.started = this.#told('started');
    this.matched = this.#told('matched');
    this.filterWaited = this.#told('filterWaited');
    this.attemptBegan = this.#told('attemptBegan');
    this.attemptEnded = this.#told('attemptEnded');
    this.webSocketOpened = this.#told('webSocketOpened');
    this.answerHead = this.#told('answerHead');
    this.ended = this.#told('ended');
  }

  #told<A, B, C>(event: keyof ExchangeListener): Told<A, B, C> {
    // The values of an event are those of its field above, which has the same name.
    const calls = this.#listeners.flatMap((each) => {
      const method = each[event] as ((a: A, b: B, c: C) => void) | undefined;
      return method === undefined ? [] : [method.bind(each)];
    });
    return calls.length === 0 ? null : calls.reduce(both);
  }
}

function both<A, B, C>(first: (a: A, b: B, c: C) => void, second: (a: A, b: B, c: C) => void): (a: A, b: B, c: C) => void {
  return (a, b, c) => {
    first(a, b, c);
    second(a, b, c);
  };
}
