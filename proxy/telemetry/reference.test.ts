// docs/reference/metrics.md and what a proxy exposes are the same.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import { Supervisor } from '../supervisor/supervisor.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'metrics.md'), 'utf8');

test('every metric is documented with its type, and no other', async () => {
  const settings = { workers: 1, limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1, processMetrics: false };
  const supervisor = new Supervisor({ ...settings, log: createLog('silent') });
  const metrics = await supervisor.metrics();
  await supervisor.stop(1);
  const exposed = [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const documented = [...DOCUMENT.matchAll(/^\| `(weir_\w+)` *\| (\w+)/gm)].map(([, name, type]) => `${name} ${type}`);
  expect(exposed.length).toBeGreaterThan(15);
  expect(documented.sort()).toEqual(exposed.sort());
});
