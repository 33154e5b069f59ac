// What a controller keeps about proxies: bounds, and when it forgets.
import { describe, expect, test } from '@jest/globals';
import type { FromProxy, ReportMessage } from '#api/wire/telemetry-messages.ts';
import { createLog } from '#lib/log.ts';
import { TelemetryHub } from './hub.ts';
import { ProxyView } from './proxy-view.ts';
import { WINDOW_MS } from './recent.ts';
import { Room } from './room.ts';

const LOG = createLog('silent');
const NOTHING = { backends: [], endpoints: [], routes: [], addresses: [], gone: [] };

function report(sequence: number, fields: Partial<ReportMessage> = {}): ReportMessage {
  return { sequence, fresh: false, revision: '', gauges: null, waiting: 0, ...NOTHING, ...fields };
}

function routes(count: number, requests = 1): ReportMessage['routes'] {
  return Array.from({ length: count }, (_, index) => ({
    route: `r${index}`,
    requests,
    classes: [0, requests],
    errors: [],
    duration: null,
  }));
}

describe('the view of a proxy', () => {
  test('has no more entries than there is room for all proxies, and gives its room back', () => {
    const room = new Room(150);
    const [one, two] = [new ProxyView(room, () => 0), new ProxyView(room, () => 0)];
    one.count(report(1, { routes: routes(100) }));
    two.count(report(1, { routes: routes(100) }));
    expect(two.entries('two').routes).toHaveLength(50);
    expect([room.taken, room.refused]).toEqual([150, 50]);
    one.count(report(2, { fresh: true, routes: routes(1) }));
    two.count(report(2, { routes: routes(100) }));
    expect(two.entries('two').routes).toHaveLength(100);
    one.clear();
    two.clear();
    expect(room.taken).toBe(0);
  });

  test('forgets what exists no more', () => {
    const view = new ProxyView(new Room(10), () => 0);
    view.count(report(1, { routes: routes(2) }));
    view.count(report(2, { gone: [{ kind: 'route', name: 'r0', endpoint: '' }] }));
    expect(view.entries('p').routes.map(({ route }) => route)).toEqual(['r1']);
  });

  test('has the rates of the last minute', () => {
    let now = 0;
    const view = new ProxyView(new Room(10), () => now);
    const rate = () => view.entries('p').routes[0]?.requestsPerSecond;
    view.count(report(1, { routes: routes(1, 0) }));
    now = WINDOW_MS - 1;
    view.count(report(2, { routes: routes(1, 600) }));
    expect(rate()).toBeCloseTo(10, 1);
    now = 1.5 * WINDOW_MS;
    expect(rate()).toBeCloseTo(5, 1);
    now = 3 * WINDOW_MS;
    expect(rate()).toBe(0);
    expect(view.entries('p').routes[0]?.requests).toBe(600);
  });
});

describe('a hub', () => {
  test('shows a proxy that has left for ten minutes', () => {
    let now = 0;
    const hub = new TelemetryHub({ log: LOG, subscribed: () => [], now: () => now });
    const hello: FromProxy = { message: 'hello', hello: { nodeId: 'p', weirVersion: '1', instance: 'i', workers: 1, commands: [] } };
    const accepted = hub.accept({ scope: 'shared', address: '', send: () => undefined, end: () => undefined });
    void accepted.receive(hello);
    void accepted.receive({ message: 'report', report: report(1, { routes: routes(3) }) });
    const states = () => hub.aggregate().proxies.map(({ state }) => state);
    expect(states()).toEqual(['reporting']);
    now = 60_000;
    expect(states()).toEqual(['late']);
    accepted.close();
    expect([states(), hub.counts.entries]).toEqual([['away'], 3]);
    now += 10 * 60_000 + 1;
    expect([states(), hub.counts.entries]).toEqual([[], 0]);
  });
});
