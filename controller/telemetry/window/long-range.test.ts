// Long ranges are questions to a Prometheus: what it is asked, what becomes of its answers, and of its failures.
import { describe, expect, test } from '@jest/globals';
import { err, ok } from '#lib/result.ts';
import { FleetWindow } from './fleet-window.ts';
import { LongRangeReader } from './long-range.ts';
import type { AskPrometheus } from './long-range.ts';
import type { Selection } from './reader.ts';
import { Window } from './window.ts';

const HOUR = 3_600_000;

function reader(query: AskPrometheus['query']): LongRangeReader {
  const window = new Window({ now: () => 1 });
  const own = new FleetWindow({
    window,
    others: () => Promise.resolve({ windows: [], missing: [] }),
    gauge: () => Promise.resolve({ values: [], missing: [] }),
  });
  return new LongRangeReader(own, { query });
}

/** A reader, and what it asks. */
function asking() {
  const asked: string[] = [];
  const query: AskPrometheus['query'] = (expression) => {
    asked.push(expression);
    return Promise.resolve(ok([{ labels: { route: 'a', status_class: '5xx' }, value: 3 }]));
  };
  return { asked, long: reader(query) };
}

describe('a range beyond two hours', () => {
  test('is a question in PromQL', async () => {
    const { asked, long } = asking();
    const failed: Selection = {
      metric: 'requests',
      where: [
        { label: 'class', is: 'equal', value: '5xx' },
        { label: 'route', is: 'starts', value: 'HTTPRoute/a.b/"x"' },
      ],
      by: ['route', 'class'],
      rangeMs: 24 * HOUR,
    };
    expect(await long.sum(failed)).toEqual(
      ok({ values: [{ labels: { route: 'a', class: '5xx' }, value: 3 }], knownMs: 24 * HOUR, missing: [] }),
    );
    await long.rate({ metric: 'errors', rangeMs: HOUR, offsetMs: 2 * HOUR });
    await long.quantile(0.99, { metric: 'request_duration', by: ['route'], rangeMs: 3 * HOUR });
    expect(asked).toEqual([
      'sum by (route, status_class) (increase(weir_requests_total{status_class="5xx",route=~"HTTPRoute/a\\\\.b/\\"x\\".*"}[86400000ms]))',
      'sum by () (rate(weir_errors_total{}[3600000ms] offset 7200000ms))',
      'histogram_quantile(0.99, sum by (le, route) (rate(weir_request_duration_seconds_bucket{}[10800000ms])))',
    ]);
  });

  test('makes a ratio by the same labels', async () => {
    const { long } = asking();
    const all: Selection = { metric: 'requests', by: ['route'], rangeMs: 24 * HOUR };
    expect(await long.ratio(all, all)).toMatchObject(ok({ values: [{ labels: { route: 'a' }, value: 1 }] }));
  });

  test('has no values that are no numbers', async () => {
    const long = reader(() => Promise.resolve(ok([{ labels: {}, value: NaN }])));
    expect(await long.quantile(0.5, { metric: 'request_duration', rangeMs: 3 * HOUR })).toMatchObject(ok({ values: [] }));
  });
});

test('a range of the window is not asked elsewhere, and a wrong selection nowhere', async () => {
  const { asked, long } = asking();
  expect(await long.sum({ metric: 'requests', rangeMs: HOUR })).toMatchObject({ ok: true, value: { values: [] } });
  expect(await long.sum({ metric: 'requests', by: ['backend'], rangeMs: 9 * HOUR })).toMatchObject({ ok: false });
  expect(asked).toEqual([]);
});

test('a Prometheus that fails is asked no more for a time', async () => {
  let asked = 0;
  const long = reader(() => {
    asked++;
    return Promise.resolve(err('Prometheus cannot be asked: ECONNREFUSED'));
  });
  const answers = [];
  for (let count = 0; count < 5; count++) answers.push(await long.sum({ metric: 'requests', rangeMs: 3 * HOUR }));
  expect(answers[0]).toEqual(err('the window has the last two hours only, and Prometheus cannot be asked: ECONNREFUSED'));
  expect(answers[4]).toEqual(
    err('the window has the last two hours only, and Prometheus failed several times; it is asked again within 30 s'),
  );
  expect(asked).toBe(3);
});
