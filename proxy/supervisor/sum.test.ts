import { describe, expect, test } from '@jest/globals';
import type { MetricJson } from '#lib/metric.ts';
import { addCounters, expose } from './sum.ts';

function family(name: string, type: MetricJson['type'], ...values: MetricJson['values']): MetricJson {
  return { name, type, help: 'help', aggregator: 'sum', values };
}

describe('addCounters', () => {
  const past = [
    family('weir_a_total', 'counter', { labels: { route: 'x' }, value: 5 }, { labels: { route: 'gone' }, value: 2 }),
    family('weir_only_past_total', 'counter', { labels: {}, value: 1 }),
    family('weir_active', 'gauge', { labels: {}, value: 7 }),
    family('process_cpu_seconds_total', 'counter', { labels: {}, value: 9 }),
  ];

  test('keeps the counters of earlier processes, and nothing else of them', () => {
    const present = [
      family('weir_a_total', 'counter', { labels: { route: 'x' }, value: 1 }),
      family('weir_active', 'gauge', { labels: {}, value: 1 }),
      family('process_cpu_seconds_total', 'counter', { labels: {}, value: 0.5 }),
    ];
    expect(addCounters(present, past)).toEqual([
      family('weir_a_total', 'counter', { labels: { route: 'x' }, value: 6 }, { labels: { route: 'gone' }, value: 2 }),
      present[1],
      present[2],
      past[1],
    ]);
  });

  test('keeps them again when the next process dies', () => {
    const [counter] = addCounters([family('weir_a_total', 'counter', { labels: { route: 'x' }, value: 1 })], addCounters([], past));
    expect(counter?.values).toContainEqual({ labels: { route: 'x' }, value: 6 });
  });
});

test('expose writes a large family in several turns, with one head', async () => {
  const samples = Array.from({ length: 2_500 }, (_, index) => ({ labels: { route: String(index) }, value: index }));
  let turns = 0;
  const ticker = setInterval(() => turns++);
  const text = await expose([[family('weir_a_total', 'counter', ...samples)]], 'text');
  clearInterval(ticker);
  expect(text.match(/^# /gm)).toHaveLength(2);
  expect(text.trimEnd().split('\n').slice(2)).toEqual(samples.map(({ value }) => `weir_a_total{route="${value}"} ${value}`));
  expect(turns).toBeGreaterThan(0);
});

test('expose adds series with the same labels, and escapes', async () => {
  const one = [family('weir_a_total', 'counter', { labels: { route: 'x"\n' }, value: 1 }, { labels: { route: 'y' }, value: 1 })];
  const two = [family('weir_a_total', 'counter', { labels: { route: 'x"\n' }, value: 2 })];
  expect(await expose([one, two], 'text')).toBe(
    '# HELP weir_a_total help\n# TYPE weir_a_total counter\nweir_a_total{route="x\\"\\n"} 3\nweir_a_total{route="y"} 1\n',
  );
});

test('expose keeps the largest value of a family with the aggregator max', async () => {
  const known = (value: number) => [{ ...family('weir_endpoints', 'gauge', { labels: {}, value }), aggregator: 'max' as const }];
  expect(await expose([known(3), known(4), known(2)], 'text')).toContain('\nweir_endpoints 4\n');
});

test('expose keeps series with different labels apart', async () => {
  const cpu = (worker: string) => [family('process_cpu_seconds_total', 'counter', { labels: { process: worker }, value: 1 })];
  expect(await expose([cpu('supervisor'), cpu('worker-0')], 'text')).toContain(
    'process_cpu_seconds_total{process="supervisor"} 1\nprocess_cpu_seconds_total{process="worker-0"} 1\n',
  );
});
