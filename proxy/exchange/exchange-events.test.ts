import { describe, expect, test } from '@jest/globals';
import { ExchangeEvents } from './exchange-events.ts';
import type { ExchangeListener } from './exchange-events.ts';
import { Exchange } from './exchange.ts';

const EXCHANGE = new Exchange({} as never, {} as never, 0);

/** Keeps the events that it hears, with their values but the exchange. */
class Listener implements ExchangeListener {
  readonly #name: string;
  readonly #heard: unknown[][];

  constructor(name: string, heard: unknown[][]) {
    this.#name = name;
    this.#heard = heard;
  }

  started(): void {
    this.#heard.push([this.#name, 'started']);
  }

  filterWaited(_: Exchange, filter: string, since: number): void {
    this.#heard.push([this.#name, filter, since]);
  }

  ended(_: Exchange, ms: number): void {
    this.#heard.push([this.#name, ms]);
  }
}

describe('the events of an exchange', () => {
  test('are null as long as nothing listens to them', () => {
    const heard: unknown[][] = [];
    const events = new ExchangeEvents({ answerHead: () => void heard.push(['head']) });
    expect([events.started, events.matched, events.filterWaited, events.attemptBegan, events.attemptEnded]).toEqual(Array(5).fill(null));
    expect([events.webSocketOpened, events.ended]).toEqual([null, null]);
    events.answerHead?.(EXCHANGE);
    expect(heard).toEqual([['head']]);
  });

  test('reach all listeners in their order, with their values', () => {
    const heard: unknown[][] = [];
    const events = new ExchangeEvents(new Listener('a', heard), { matched: () => void heard.push(['b']) }, new Listener('c', heard));
    events.started?.(EXCHANGE);
    events.matched?.(EXCHANGE);
    events.filterWaited?.(EXCHANGE, 'jwt', 3);
    events.ended?.(EXCHANGE, 5);
    expect(heard).toEqual([['a', 'started'], ['c', 'started'], ['b'], ['a', 'jwt', 3], ['c', 'jwt', 3], ['a', 5], ['c', 5]]);
  });

  test('reach a listener until it is removed', () => {
    const heard: unknown[][] = [];
    const [events, late] = [new ExchangeEvents(new Listener('a', heard)), new Listener('late', heard)];
    events.add(late);
    events.ended?.(EXCHANGE, 1);
    events.remove(late);
    events.ended?.(EXCHANGE, 2);
    expect(heard).toEqual([
      ['a', 1],
      ['late', 1],
      ['a', 2],
    ]);
  });
});
