// Reports: sums, bounds, and that no count is lost or sent twice when streams end.
import { describe, expect, test } from '@jest/globals';
import type { EndpointEntry, Entries, GaugesMessage } from '#api/wire/telemetry-messages.ts';
import { MAX_ENTRIES, REPORT_BYTES } from '#api/wire/telemetry-limits.ts';
import { Outbox } from './outbox.ts';

const GAUGES: GaugesMessage = { memory: 1, lagMs: 0, connections: 0, requests: 0, workers: 1, draining: false, uptimeMs: 1 };
const HEAD = { revision: 'r', gauges: GAUGES };
const NOTHING: Entries = { backends: [], endpoints: [], routes: [], addresses: [] };

function endpoint(name: string, requests: number): EndpointEntry {
  const zeros = { failures: [], serverErrors: 0, connectFailures: 0, firstByteSumMs: 0, firstBytes: 0 };
  return { backend: 'b', endpoint: name, requests, ...zeros };
}

function counted(outbox: Outbox): Record<string, number> {
  return Object.fromEntries(outbox.next(HEAD).endpoints.map(({ endpoint: name, requests }) => [name, requests]));
}

describe('an outbox', () => {
  test('adds up workers and intervals', () => {
    const outbox = new Outbox();
    const failures = [{ code: 'upstream_reset', count: 1 }];
    outbox.add('0', { ...NOTHING, endpoints: [{ ...endpoint('a', 1), failures }] });
    outbox.add('1', { ...NOTHING, endpoints: [{ ...endpoint('a', 2), failures }, endpoint('b', 3)] });
    expect(outbox.next(HEAD).endpoints).toEqual([
      { ...endpoint('a', 3), failures: [{ code: 'upstream_reset', count: 2 }] },
      endpoint('b', 3),
    ]);
    outbox.confirm(1);
    expect(counted(outbox)).toEqual({});
  });

  test('repeats an unconfirmed report on the next stream of the same controller, and continues', () => {
    const outbox = new Outbox();
    expect(outbox.resume(0)).toBe(false);
    outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 1)] });
    outbox.next(HEAD);
    outbox.confirm(1);
    outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 2)] });
    const unconfirmed = outbox.next(HEAD);
    expect(outbox.resume(1)).toBe(true);
    expect(outbox.unconfirmed).toBe(unconfirmed);
    expect(unconfirmed).toMatchObject({ sequence: 2, fresh: false });
  });

  test('does not repeat a report whose confirmation was lost', () => {
    const outbox = new Outbox();
    outbox.resume(0);
    outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 1)] });
    outbox.next(HEAD);
    expect(outbox.resume(1)).toBe(true);
    expect(outbox.unconfirmed).toBeNull();
    expect(counted(outbox)).toEqual({});
  });

  test.each([0, 1, 7])(
    'begins afresh with a controller that has counted up to %d, and keeps what no controller has confirmed',
    (sequence) => {
      const outbox = new Outbox();
      outbox.resume(0);
      const addresses = [{ endpoint: 'x:1', inFlight: 2, connections: 3, states: [] }];
      outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 1)], addresses });
      outbox.next(HEAD);
      outbox.confirm(1);
      outbox.next(HEAD);
      outbox.confirm(2);
      outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 5)] });
      outbox.next(HEAD);
      expect(outbox.resume(sequence)).toBe(false);
      const report = outbox.next(HEAD);
      expect(report).toMatchObject({ fresh: true, endpoints: [endpoint('a', 5)], addresses });
      expect(outbox.next(HEAD).fresh).toBe(false);
    },
  );

  test('has a limited number of entries per report, those that wait longest first', () => {
    const outbox = new Outbox();
    const names = Array.from({ length: MAX_ENTRIES + 1 }, (_, index) => `e${index}`);
    outbox.add('0', { ...NOTHING, endpoints: names.map((name) => endpoint(name, 1)) });
    const first = outbox.next(HEAD);
    expect([first.endpoints.length, first.waiting]).toEqual([MAX_ENTRIES, 1]);
    outbox.add('0', { ...NOTHING, endpoints: names.map((name) => endpoint(name, 1)) });
    expect(outbox.next(HEAD).endpoints[0]).toEqual(endpoint(`e${MAX_ENTRIES}`, 2));
  });

  test('has a limited number of bytes per report', () => {
    const outbox = new Outbox();
    const names = Array.from({ length: MAX_ENTRIES }, (_, index) => `${index}`.padStart(512, 'x'));
    outbox.add('0', { ...NOTHING, routes: names.map((route) => ({ route, requests: 1, classes: [], errors: [], duration: null })) });
    outbox.add('0', { ...NOTHING, endpoints: names.map((name) => endpoint(name, 1)) });
    const { endpoints, routes } = outbox.next(HEAD);
    const bytes = JSON.stringify(endpoints.map((each) => each.endpoint)).length + JSON.stringify(routes.map(({ route }) => route)).length;
    expect(bytes).toBeLessThan(REPORT_BYTES);
    expect(endpoints.length + routes.length).toBeLessThan(2 * MAX_ENTRIES);
  });

  test('keeps a limited number of entries, and loses no count', () => {
    const outbox = new Outbox();
    for (let from = 0; from < 100_000; from += 1_000) {
      outbox.add('0', { ...NOTHING, endpoints: Array.from({ length: 1_000 }, (_, index) => endpoint(`e${from + index}`, 1)) });
    }
    expect(outbox.waiting).toBeLessThanOrEqual(20_001);
    let sum = 0;
    while (outbox.waiting > 0) {
      const { endpoints, sequence } = outbox.next(HEAD);
      sum += endpoints.reduce((all, { requests }) => all + requests, 0);
      outbox.confirm(sequence);
    }
    expect(sum).toBe(100_000);
  });

  test('tells which of the reported entries exist no more', () => {
    const outbox = new Outbox();
    outbox.add('0', { ...NOTHING, endpoints: [endpoint('a', 1), endpoint('b', 1)] });
    outbox.next(HEAD);
    outbox.prune(({ endpoint: name }) => name !== 'a');
    expect(outbox.next(HEAD).gone).toEqual([{ kind: 'endpoint', name: 'b', endpoint: 'a' }]);
    outbox.prune(({ endpoint: name }) => name !== 'a');
    expect(outbox.next(HEAD).gone).toEqual([]);
  });

  test('adds up the state of an address in all workers, and forgets workers that died', () => {
    const outbox = new Outbox();
    const state = { endpoint: 'x:1', inFlight: 1, connections: 2, states: [{ reason: 'refusing', ageMs: 0 }] };
    outbox.add('0', { ...NOTHING, addresses: [state] });
    outbox.add('1', { ...NOTHING, addresses: [state] });
    expect(outbox.next(HEAD).addresses).toEqual([
      { endpoint: 'x:1', inFlight: 2, connections: 4, states: [{ reason: 'refusing', ageMs: expect.any(Number) }] },
    ]);
    outbox.keepWorkers(new Set(['1']));
    expect(outbox.next(HEAD).addresses).toMatchObject([{ inFlight: 1, connections: 2 }]);
    outbox.add('1', { ...NOTHING, addresses: [{ endpoint: 'x:1', inFlight: 0, connections: 0, states: [] }] });
    expect(outbox.next(HEAD).addresses).toEqual([{ endpoint: 'x:1', inFlight: 0, connections: 0, states: [] }]);
    expect(outbox.next(HEAD).addresses).toEqual([]);
  });
});

describe('the breaker of a backend', () => {
  const state = (breaker: string): Entries => ({ ...NOTHING, backends: [{ backend: 'b', firstByte: null, breaker }] });

  function reported(outbox: Outbox): readonly string[] {
    const { sequence, backends } = outbox.next(HEAD);
    outbox.confirm(sequence);
    return backends.map(({ backend, breaker }) => `${backend} ${breaker}`);
  }

  test('is as bad as in the worst worker', () => {
    const outbox = new Outbox();
    outbox.add('0', state('open'));
    outbox.add('1', state('closed'));
    expect(reported(outbox)).toEqual(['b open']);
    outbox.add('0', state('half-open'));
    expect(reported(outbox)).toEqual(['b half-open']);
    outbox.add('1', state('open'));
    outbox.keepWorkers(new Set(['0']));
    expect(reported(outbox)).toEqual(['b half-open']);
    outbox.add('0', state(''));
    expect(reported(outbox)).toEqual(['b ']);
    expect(reported(outbox)).toEqual([]);
  });

  test('is in a fresh report although it has not changed', () => {
    const outbox = new Outbox();
    outbox.add('0', state('open'));
    expect(reported(outbox)).toEqual(['b open']);
    outbox.resume(0);
    expect(reported(outbox)).toEqual(['b open']);
  });

  test('ends with the backend', () => {
    const outbox = new Outbox();
    outbox.add('0', state('open'));
    reported(outbox);
    outbox.prune(() => false);
    expect(outbox.next(HEAD).gone).toContainEqual({ kind: 'backend', name: 'b', endpoint: '' });
    outbox.resume(0);
    expect(reported(outbox)).toEqual([]);
  });
});
