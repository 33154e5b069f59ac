// Filters that wait, and changes of their exchange during the wait.
import { expect, test } from '@jest/globals';
import { Exchange } from '../exchange/exchange.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import type { FilterVerdict, RequestFilter } from '../exchange/plan.ts';
import type { DownstreamStream } from '../exchange/stream.ts';
import { runRequestFilters } from './chain.ts';

/** A filter that decides on command, and a filter behind it that counts. */
function waitingChain(): {
  readonly chain: readonly RequestFilter[];
  readonly decide: (verdict: FilterVerdict) => void;
  ran: () => number;
} {
  const { promise, resolve } = Promise.withResolvers<FilterVerdict>();
  let ran = 0;
  const waits: RequestFilter = { name: 'Waits', request: () => promise };
  const counts: RequestFilter = {
    name: 'Counts',
    request: () => {
      ran++;
      return 'continue';
    },
  };
  return { chain: [waits, counts, counts], decide: resolve, ran: () => ran };
}

function openExchange(): Exchange {
  return new Exchange({} as DownstreamConnection, {} as DownstreamStream, 0);
}

test('the filters behind a waiting filter run after its decision', async () => {
  const { chain, decide, ran } = waitingChain();
  const verdict = runRequestFilters(chain, openExchange());
  expect(ran()).toBe(0);
  decide('continue');
  expect([await verdict, ran()]).toEqual(['continue', 2]);
});

test('no filter runs after the exchange has answered', async () => {
  const { chain, decide, ran } = waitingChain();
  const verdict = runRequestFilters(chain, openExchange());
  decide('answered');
  expect([await verdict, ran()]).toEqual(['answered', 0]);
});

test('no filter runs after the client has left or the time is up', async () => {
  const { chain, decide, ran } = waitingChain();
  const exchange = openExchange();
  const verdict = runRequestFilters(chain, exchange);
  exchange.phase = 'done';
  decide('continue');
  await verdict;
  expect(ran()).toBe(0);
});
