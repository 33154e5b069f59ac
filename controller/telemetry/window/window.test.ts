// The window of one controller: what it answers about steps, labels and percentiles, and its bounds.
import { describe, expect, test } from '@jest/globals';
import type { EndpointEntry, RouteEntry } from '#api/wire/telemetry-messages.ts';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { FleetWindow } from './fleet-window.ts';
import { partOf } from './part.ts';
import type { WindowQuestion } from './part.ts';
import type { Selection, Values, WindowMetric } from './reader.ts';
import { Window } from './window.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A window with a clock that the test moves, and a reader of it and of others. */
class Rig {
  now = 1_000_000;
  readonly window: Window;
  readonly reader: FleetWindow;
  readonly others: Window[] = [];

  constructor(options: { readonly maxBytes?: number; readonly maxSeries?: number } = {}) {
    this.window = new Window({ now: () => this.now, ...options });
    this.reader = new FleetWindow({
      window: this.window,
      others: (question) => this.#ask(question),
      gauge: () => Promise.resolve({ values: [], missing: [] }),
    });
  }

  route(route: string, requests: number, fields: Partial<RouteEntry> = {}): void {
    this.window.count({ routes: [routeEntry(route, requests, fields)], endpoints: [] });
  }

  async values(answer: Promise<{ ok: boolean } & object>): Promise<Record<string, number>> {
    const result = (await answer) as { readonly ok: true; readonly value: Values };
    expect(result.ok).toBe(true);
    return Object.fromEntries(result.value.values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  }

  async #ask(question: WindowQuestion) {
    const parts = await Promise.all(this.others.map((window) => partOf(window, question)));
    return { windows: parts.flatMap((part) => (part.ok ? [part.value] : [])), missing: ['other-controller'] };
  }
}

function routeEntry(route: string, requests: number, fields: Partial<RouteEntry> = {}): RouteEntry {
  return { route, requests, classes: [0, requests], errors: [], duration: null, ...fields };
}

function sketchOf(...durations: readonly number[]): Uint8Array {
  const sketch = new DurationSketch();
  for (const ms of durations) sketch.observe(ms);
  return sketch.pack();
}

function endpointEntry(backend: string, endpoint: string, fields: Partial<EndpointEntry> = {}): EndpointEntry {
  const zeros = { requests: 0, failures: [], serverErrors: 0, connectFailures: 0, firstByteSumMs: 0, firstBytes: 0 };
  return { backend, endpoint, ...zeros, ...fields };
}

function of(metric: WindowMetric, rangeMs = 5 * MINUTE, fields: Partial<Selection> = {}): Selection {
  return { metric, rangeMs, ...fields };
}

describe('counters', () => {
  test('add up over ranges from one step to two hours, and over all chunks', async () => {
    const rig = new Rig();
    for (let step = 0; step < 800; step++) {
      rig.route('a', 1);
      rig.now += 10_000;
    }
    rig.now -= 1;
    const sum = async (rangeMs: number) => (await rig.values(rig.reader.sum(of('requests', rangeMs))))[''];
    expect(await sum(10_000)).toBe(2);
    expect(await sum(10 * MINUTE)).toBe(61);
    expect(await sum(HOUR)).toBe(361);
    expect(await sum(2 * HOUR)).toBe(721);
    const rate = await rig.values(rig.reader.rate(of('requests', HOUR)));
    expect(rate['']).toBeCloseTo(0.1, 3);
  });

  test('are of the time that an offset and a range mean', async () => {
    const rig = new Rig();
    rig.route('a', 5);
    rig.now += 10 * MINUTE;
    rig.route('a', 7);
    const before = { offsetMs: 5 * MINUTE };
    expect(await rig.values(rig.reader.sum(of('requests', 10 * MINUTE, before)))).toEqual({ '': 5 });
    expect(await rig.values(rig.reader.sum(of('requests', 5 * MINUTE)))).toEqual({ '': 7 });
  });

  test('have their labels, of which conditions choose', async () => {
    const rig = new Rig();
    rig.route('HTTPRoute/a/one/0', 10, { classes: [0, 7, 0, 1, 2], errors: [{ code: 'no_endpoints', count: 2 }] });
    rig.route('HTTPRoute/b/two/0', 4, { classes: [0, 3, 0, 0, 1] });
    rig.route('TCPRoute/a/three/0', 3, { classes: [], requestBytes: 30, responseBytes: 70 });
    const sum = (metric: WindowMetric, fields: Partial<Selection>) => rig.values(rig.reader.sum(of(metric, MINUTE, fields)));
    expect(await sum('requests', { by: ['class'] })).toEqual({ '2xx': 10, '4xx': 1, '5xx': 3, none: 3 });
    expect(await sum('requests', { by: ['route'], where: [{ label: 'class', is: 'equal', value: '5xx' }] })).toEqual({
      'HTTPRoute/a/one/0': 2,
      'HTTPRoute/b/two/0': 1,
    });
    expect(await sum('requests', { where: [{ label: 'route', is: 'starts', value: 'HTTPRoute/a/' }] })).toEqual({ '': 10 });
    expect(await sum('requests', { by: ['route'], where: [{ label: 'class', is: 'unequal', value: '2xx' }] })).toMatchObject({
      'TCPRoute/a/three/0': 3,
    });
    expect(await sum('errors', { by: ['route', 'code'] })).toEqual({ 'HTTPRoute/a/one/0 no_endpoints': 2 });
    expect(await sum('response_bytes', {})).toEqual({ '': 70 });
  });

  test('of endpoints: attempts, failures with answers of 5xx, times to the first byte', async () => {
    const rig = new Rig();
    const failures = [{ code: 'upstream_reset', count: 2 }];
    rig.window.count({
      routes: [],
      endpoints: [
        endpointEntry('b', '10.0.0.1:80', { requests: 9, failures, serverErrors: 1, sketch: sketchOf(10, 10, 10) }),
        endpointEntry('b', '10.0.0.2:80', { requests: 1, connectFailures: 1, sketch: sketchOf(500) }),
      ],
    });
    const sum = (metric: WindowMetric, fields: Partial<Selection>) => rig.values(rig.reader.sum(of(metric, MINUTE, fields)));
    expect(await sum('upstream_attempts', { by: ['endpoint'] })).toEqual({ '10.0.0.1:80': 9, '10.0.0.2:80': 1 });
    expect(await sum('upstream_failures', { by: ['code'] })).toEqual({ upstream_reset: 2, status_5xx: 1 });
    expect(await sum('upstream_connect_failures', {})).toEqual({ '': 1 });
    const median = await rig.values(rig.reader.quantile(0.5, of('upstream_first_byte', MINUTE, { by: ['backend'] })));
    expect(median['b']).toBeCloseTo(0.01, 3);
  });

  test('make ratios, without a value where the divisor is 0', async () => {
    const rig = new Rig();
    rig.route('a', 10, { classes: [0, 8, 0, 0, 2] });
    rig.route('b', 5);
    const failed = of('requests', MINUTE, { by: ['route'], where: [{ label: 'class', is: 'equal', value: '5xx' }] });
    expect(await rig.values(rig.reader.ratio(failed, of('requests', MINUTE, { by: ['route'] })))).toEqual({ a: 0.2, b: 0 });
    expect(await rig.values(rig.reader.ratio(failed, of('errors', MINUTE, { by: ['route'] })))).toEqual({});
  });

  test('have a history in equal intervals, the oldest first', async () => {
    const rig = new Rig();
    for (const requests of [60, 0, 120]) {
      rig.route('a', requests);
      rig.now += MINUTE;
    }
    rig.now -= 1;
    const history = await rig.reader.history(of('requests', 3 * MINUTE, { by: ['route'] }), 3);
    expect(history).toMatchObject({ ok: true, value: { intervalMs: MINUTE, series: [{ labels: { route: 'a' }, values: [1, 0, 2] }] } });
  });
});

describe('percentiles', () => {
  test('are of the sketches of all proxies over the range', async () => {
    const rig = new Rig();
    for (let step = 0; step < 100; step++) {
      rig.route('a', 2, { sketch: sketchOf(10, 100) });
      rig.now += 10_000;
    }
    const quantile = async (share: number) => (await rig.values(rig.reader.quantile(share, of('request_duration', 30 * MINUTE))))[''] ?? 0;
    expect(Math.abs((await quantile(0.5)) / 0.01 - 1)).toBeLessThan(0.02);
    expect(Math.abs((await quantile(0.99)) / 0.1 - 1)).toBeLessThan(0.02);
    expect(await rig.values(rig.reader.sum(of('request_duration', 30 * MINUTE)))).toEqual({ '': 200 });
  });

  test('come from wide buckets for a proxy of an earlier release, and for a sketch that is none', async () => {
    const rig = new Rig();
    const buckets = [0, 0, 0, 0, 4];
    rig.route('a', 4, { duration: { buckets, sumMs: 80 } });
    rig.route('b', 4, { duration: { buckets, sumMs: 80 }, sketch: Uint8Array.of(0) });
    const median = await rig.values(rig.reader.quantile(0.5, of('request_duration', MINUTE, { by: ['route'] })));
    expect(median['a']).toBeCloseTo(0.0175, 3);
    expect(median['b']).toBe(median['a']);
  });
});

describe('several controllers', () => {
  test('add up, and the missing ones are named', async () => {
    const rig = new Rig();
    const other = new Window({ now: () => rig.now });
    rig.others.push(other);
    rig.route('a', 3, { sketch: sketchOf(10, 10, 10) });
    other.count({ routes: [routeEntry('a', 1, { sketch: sketchOf(100) }), routeEntry('b', 2)], endpoints: [] });
    expect(await rig.values(rig.reader.sum(of('requests', MINUTE, { by: ['route'] })))).toEqual({ a: 4, b: 2 });
    const quantiles = rig.reader.quantile(1, of('request_duration', MINUTE, { by: ['route'] }));
    expect((await rig.values(quantiles))['a']).toBeCloseTo(0.1, 2);
    expect(await quantiles).toMatchObject({ value: { missing: ['other-controller'] } });
  });

  test('a controller that has just started knows less of the range, and says so', async () => {
    const rig = new Rig();
    rig.now += 30_000;
    rig.route('a', 30);
    const rate = await rig.reader.rate(of('requests', HOUR));
    expect(rate).toMatchObject({ ok: true, value: { knownMs: 30_000, values: [{ value: 1 }] } });
  });
});

describe('bounds', () => {
  test('series beyond the maximum count as other, and those without counts in the window go', async () => {
    const rig = new Rig({ maxSeries: 2 });
    for (const route of ['a', 'b', 'c', 'd']) rig.route(route, 1);
    expect(await rig.values(rig.reader.sum(of('requests', MINUTE, { by: ['route'] })))).toEqual({ a: 1, b: 1, other: 2 });
    rig.now += 3 * HOUR;
    rig.route('a', 1);
    rig.now += 2 * MINUTE;
    rig.route('a', 1);
    expect(rig.window.counts.series).toBe(1);
  });

  test('a window above its memory becomes shorter, and says so', async () => {
    const rig = new Rig({ maxBytes: 64_000 });
    const sketch = sketchOf(...Array.from({ length: 200 }, (_, index) => 1 + index));
    let largest = 0;
    for (let step = 0; step < 700; step++) {
      for (const route of ['a', 'b', 'c', 'd', 'e']) rig.route(route, 200, { sketch });
      rig.now += 10_000;
      largest = Math.max(largest, rig.window.counts.bytes);
    }
    // Between two looks the window grows by six steps.
    expect(largest).toBeLessThan(2 * 64_000);
    const sum = await rig.reader.sum(of('requests', 2 * HOUR));
    expect(sum).toMatchObject({ ok: true });
    const { knownMs, values } = (sum as { readonly value: Values }).value;
    expect(knownMs).toBeLessThan(HOUR);
    expect(values[0]?.value).toBe(Math.round(knownMs / 10_000) * 1_000);
  });

  test.each<[string, Selection]>([
    ['there is no metric "request"; did you mean requests?', of('request' as WindowMetric)],
    ['requests has no label "backend"; it has route, class', of('requests', MINUTE, { by: ['backend'] })],
    ['a range must be longer than 0, and an offset not below 0', of('requests', 0)],
    ['the window has the last two hours only', of('requests', 3 * HOUR)],
  ])('a question without an answer gets the reason: %s', async (reason, selection) => {
    expect(await new Rig().reader.sum(selection)).toEqual({ ok: false, error: reason });
  });
});
