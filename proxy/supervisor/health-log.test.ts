// The log of health: its lines, each once, and that the reference has their names.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import type { HealthChange } from '../health/health-checker.ts';
import { HEALTH_EVENTS, logEjections, logHealth } from './health-log.ts';
import { NoticeHub } from './notice-hub.ts';

/** A log, and its lines without the time. */
function rig() {
  const lines: object[] = [];
  const write = (text: string): void => {
    const { time: _, ...line } = JSON.parse(text) as { readonly time: string };
    lines.push(line);
  };
  return { log: createLog('info', { write }), lines };
}

test('an ejection has one line, regardless of the number of workers and of longer ends, and its return another', () => {
  const [{ log, lines }, hub] = [rig(), new NoticeHub()];
  logEjections(hub, log);
  const notice = { cause: '5xx', times: 1, length: 30_000, until: 1 } as const;
  const key = '10.0.0.1|80|check';
  for (const value of [notice, { ...notice, times: 2 }, null, null]) hub.take({ topic: 'ejected', key, value }, 'one');
  const endpoint = '10.0.0.1 port 80';
  expect(lines).toEqual([
    { level: 'warn', event: 'endpoint_ejected', endpoint, cause: '5xx', ms: 30_000, times: 1, msg: HEALTH_EVENTS.endpoint_ejected },
    { level: 'info', event: 'endpoint_returned', endpoint, msg: HEALTH_EVENTS.endpoint_returned },
  ]);
});

test('a health check has a line for each change; a first result that is good has none', () => {
  const { log, lines } = rig();
  const target = { address: '10.0.0.1', port: 80, check: { request: { type: 'http' } } };
  const change = (fields: Partial<HealthChange>): void =>
    logHealth({ id: '', target, failure: null, first: false, ...fields } as never, log);
  change({ health: 'healthy', first: true });
  change({ health: 'unhealthy', failure: { fault: 'status', detail: '503' } });
  change({ health: 'healthy' });
  const probe = { endpoint: '10.0.0.1 port 80', check: 'http' };
  expect(lines).toEqual([
    { level: 'warn', event: 'health_check_failed', ...probe, fault: 'status', detail: '503', msg: HEALTH_EVENTS.health_check_failed },
    { level: 'info', event: 'health_check_passed', ...probe, msg: HEALTH_EVENTS.health_check_passed },
  ]);
});

test('the reference has all events', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/reference/health.md'), 'utf8');
  const events = Array.from(page.matchAll(/^\| `((?:health_check|endpoint)_[a-z_]+)` \|/gm), ([, name]) => name);
  expect(events).toEqual(Object.keys(HEALTH_EVENTS));
});
