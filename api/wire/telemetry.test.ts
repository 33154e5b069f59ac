// Messages of the telemetry stream: bounds, and errors with the paths of their fields.
import { describe, expect, test } from '@jest/globals';
import { MAX_CHUNK_BYTES, MAX_ENTRIES } from './telemetry-limits.ts';
import type { EndpointEntry, FromProxy, ReportMessage, ToProxy } from './telemetry-messages.ts';
import { decodeFromProxy, decodeToProxy } from './telemetry-schema.ts';

const ENDPOINT: EndpointEntry = {
  ...{ backend: 'Service/a/b/80', endpoint: '10.0.0.1:80', requests: 1, failures: [], serverErrors: 0, connectFailures: 0 },
  ...{ firstByteSumMs: 1.5, firstBytes: 1 },
};

function report(changes: Partial<ReportMessage>): FromProxy {
  const nothing = { backends: [], endpoints: [], routes: [], addresses: [], gone: [] };
  return { message: 'report', report: { sequence: 1, fresh: false, revision: '', gauges: null, waiting: 0, ...nothing, ...changes } };
}

function errorOf(message: FromProxy): string {
  const decoded = decodeFromProxy(message);
  return decoded.ok ? '' : `${decoded.error.field}: ${decoded.error.reason}`;
}

describe('a report', () => {
  test('may have every kind of entry', () => {
    const durations = { buckets: [1, 2], sumMs: 3 };
    const states = [{ reason: 'a reason of a later release', ageMs: 1 }];
    const message = report({
      gauges: { memory: 1, lagMs: 0.5, connections: 1, requests: 1, workers: 1, draining: true, uptimeMs: 1 },
      backends: [{ backend: 'b', firstByte: durations, breaker: 'open' }],
      endpoints: [ENDPOINT],
      addresses: [{ endpoint: '10.0.0.1:80', inFlight: 0, connections: 1, states }],
      routes: [{ route: 'r', requests: 1, classes: [0, 1], errors: [{ code: 'no_endpoints', count: 1 }], duration: null }],
      gone: [{ kind: 'endpoint', name: 'b', endpoint: '10.0.0.1:80' }],
    });
    expect(errorOf(message)).toBe('');
  });

  test('with a value out of bounds is refused with the path of the field', () => {
    const failures = [{ code: '', count: 1 }];
    expect(errorOf(report({ endpoints: [ENDPOINT, { ...ENDPOINT, failures }] }))).toBe(
      'report.endpoints[1].failures[0].code: must not be empty',
    );
    expect(errorOf(report({ endpoints: [{ ...ENDPOINT, requests: -1 }] }))).toBe('report.endpoints[0].requests: must be at least 0');
    expect(errorOf(report({ endpoints: [{ ...ENDPOINT, firstByteSumMs: NaN }] }))).toMatch(/^report.endpoints\[0\].firstByteSumMs: /);
    expect(errorOf(report({ sequence: 0 }))).toBe('report.sequence: must be at least 1');
  });

  test('with too many entries is refused', () => {
    const endpoints = Array.from({ length: MAX_ENTRIES + 1 }, () => ENDPOINT);
    expect(errorOf(report({ endpoints }))).toBe(`report.endpoints: must have at most ${MAX_ENTRIES} entries`);
  });
});

test('a chunk has a limited size', () => {
  const data = Buffer.alloc(MAX_CHUNK_BYTES + 1);
  expect(errorOf({ message: 'chunk', chunk: { id: 1, data } })).toBe(`chunk.data: has more than ${MAX_CHUNK_BYTES} bytes`);
});

test('a message of a later release is not refused', () => {
  expect(decodeFromProxy({ message: 'later' } as unknown as FromProxy).ok).toBe(true);
  expect(decodeToProxy({ message: 'command', command: { id: 1, deadlineMs: 1 } }).ok).toBe(true);
});

test('a command with a value out of bounds is refused', () => {
  const tail: ToProxy = {
    message: 'command',
    command: { id: 1, deadlineMs: 1, action: 'tail', tail: { filter: '', durationMs: 1, rate: 0, worker: '' } },
  };
  expect(decodeToProxy(tail)).toEqual({ ok: false, error: { field: 'command.tail.rate', reason: 'must be at least 1' } });
});
