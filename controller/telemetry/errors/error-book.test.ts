// Groups of failures at a controller: what they tell, how they add up, and their bounds.
import { describe, expect, test } from '@jest/globals';
import type { ErrorEntry, ErrorSample } from '#api/wire/error-entry.ts';
import { ErrorBook, HISTORY_MS } from './error-book.ts';
import { FleetErrors } from './fleet-errors.ts';

const START = 100 * HISTORY_MS;

function entry(count: number, fields: Partial<ErrorEntry> = {}): ErrorEntry {
  return { code: 'upstream_reset', route: 'r', backend: 'b', cause: '', count, samples: [], ...fields };
}

function sample(at: number): ErrorSample {
  const empty = { method: 'GET', authority: 'a', path: '/', requestId: '', traceId: '', client: '', endpoint: '', detail: '' };
  return { ...empty, at, status: 503, attempts: 1, headers: [] };
}

/** A book with a clock, and what operators see of it. */
function rig() {
  const state = { now: START };
  const book = new ErrorBook(() => state.now);
  const errors = new FleetErrors(book, () => Promise.resolve({ errorGroups: [], missing: [] }));
  return { state, book, first: async () => (await errors.list(null)).groups[0] };
}

describe('a group of failures', () => {
  test('has its beginning, its end, its number, the proxies and the latest samples', async () => {
    const { state, book } = rig();
    book.count('p1', [entry(2, { samples: [sample(1), sample(2)] })]);
    state.now += HISTORY_MS;
    book.count('p2', [entry(3, { samples: [sample(3), sample(4), sample(5), sample(6)] })]);
    const [listed] = book.groups(null);
    expect(listed).toMatchObject({ first: START, last: START + HISTORY_MS, count: 5, proxies: ['p1', 'p2'], samples: [] });
    expect(listed?.history.slice(-3)).toEqual([0, 2, 3]);
    expect(book.groups(listed?.id ?? '')[0]?.samples.map(({ at, proxy }) => `${at} ${proxy}`)).toEqual([
      '6 p2',
      '5 p2',
      '4 p2',
      '3 p2',
      '2 p1',
    ]);
    expect(book.groups('unknown')).toEqual([]);
  });

  test('is of one code, route, backend and cause', () => {
    const { book } = rig();
    book.count('p', [
      entry(1),
      entry(1, { code: 'c' }),
      entry(1, { route: 's' }),
      entry(1, { backend: 'x' }),
      entry(1, { cause: 'y' }),
      entry(1),
    ]);
    expect(book.groups(null).map(({ count }) => count)).toEqual([1, 1, 1, 1, 2]);
  });

  test('has a trend', async () => {
    const { state, book, first } = rig();
    const trends: unknown[] = [];
    const pass = async (counts: readonly number[]): Promise<void> => {
      for (const count of counts) {
        state.now += HISTORY_MS;
        book.count('p', [entry(count)]);
      }
      trends.push((await first())?.trend);
    };
    book.count('p', [entry(10)]);
    await pass([]);
    await pass([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
    await pass([50, 50]);
    await pass([1, 1]);
    state.now += 2 * HISTORY_MS;
    trends.push((await first())?.trend);
    expect(trends).toEqual(['new', 'steady', 'rising', 'falling', 'over']);
  });
});

test('the groups of several controllers add up, whichever has them', async () => {
  const [one, other] = [rig(), rig()];
  one.book.count('p1', [entry(1, { samples: [sample(1)] }), entry(1, { code: 'only_here' })]);
  other.book.count('p2', [entry(4, { samples: [sample(2)] })]);
  const ask = (id: string | null) => Promise.resolve({ errorGroups: other.book.groups(id), missing: ['c3'] });
  const errors = new FleetErrors(one.book, ask);
  const { groups, missing } = await errors.list(null);
  expect([groups.map(({ code, count }) => `${code} ${count}`), missing]).toEqual([['upstream_reset 5', 'only_here 1'], ['c3']]);
  const { groups: single } = await errors.list(groups[0]?.id ?? '');
  expect(single).toMatchObject([
    {
      proxies: ['p1', 'p2'],
      samples: [
        { at: 2, proxy: 'p2' },
        { at: 1, proxy: 'p1' },
      ],
    },
  ]);
});

describe('bounds', () => {
  test('of many groups those stay that failed last', () => {
    const { state, book } = rig();
    book.count('p', [entry(1, { route: 'kept' })]);
    for (let index = 0; index < 3_000; index++) {
      state.now++;
      book.count('p', [entry(1, { route: `r${index}` }), entry(1, { route: 'kept' })]);
    }
    const routes = book.groups(null).map(({ route }) => route);
    expect([routes.length, routes.includes('kept'), routes.includes('r0')]).toEqual([2_000, true, false]);
    expect(book.counts).toEqual({ groups: 2_000, forgotten: 1_001 });
  });

  test('a group without a failure for a day is forgotten', () => {
    const { state, book } = rig();
    book.count('p', [entry(1)]);
    state.now += 25 * 60 * 60_000;
    book.count('p', [entry(1, { route: 'later' })]);
    expect(book.groups(null).map(({ route }) => route)).toEqual(['later']);
  });
});
