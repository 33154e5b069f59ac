// Metrics are an interface: dashboards and alerts of users name them. The golden list has the name, type and labels of every metric; one that
// is gone, or that lost a label or changed its type, fails this test. UPDATE_GOLDEN=1 writes the list, for additions and for removals that
// the changelog tells.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, route } from '../support/proxy.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'metrics.md');
const GOLDEN = path.join(import.meta.dirname, 'metrics.golden.txt');

/** `name type label,label` of each row of the reference, which reference.test.ts holds to the code. */
function documented(): string[] {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `(weir_\w+)` *\| (\w+) *\| (.*?) *\| /gm);
  return [...rows].map(([, name, type, labels = '']) => `${name} ${type} ${labelsOf(labels)}`.trim()).sort();
}

/** Labels are in backticks, and their values in brackets behind them. */
function labelsOf(cell: string): string {
  const names = [...cell.replaceAll(/\((?:[^()]|\([^()]*\))*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
  return names.sort().join(',');
}

test('every metric of the golden list is still there, with its type and labels', () => {
  const now = documented();
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, `${now.join('\n')}\n`);
  const golden = readFileSync(GOLDEN, 'utf8').trim().split('\n');
  expect(golden.filter((line) => !now.includes(line))).toEqual([]);
  // Additions belong to the list too: UPDATE_GOLDEN=1.
  expect(now.filter((line) => !golden.includes(line))).toEqual([]);
});

let supervisor: Supervisor;
beforeAll(() => {
  const settings = { workers: 1, limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1, processMetrics: false };
  supervisor = new Supervisor({ ...settings, log: createLog('silent') });
});
afterAll(() => supervisor.stop(1));

test('series have the labels that are documented', async () => {
  const [port = 0, away = 0] = await freePorts(2);
  await supervisor.apply([...cluster('app', [away]), listener({ port }), route()], []);
  expect((await fetch(`http://127.0.0.1:${port}/items`, { headers: { connection: 'close' } })).status).toBe(502);
  const labels = new Map(
    documented()
      .map((line) => line.split(' '))
      .map(([name = '', , list = '']) => [name, list]),
  );
  const seen = [...(await supervisor.metrics()).matchAll(/^(weir_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/gm)];
  expect(seen.length).toBeGreaterThan(80);
  for (const [line, name = '', text = ''] of seen) {
    const names = [...text.matchAll(/(?:^|,)(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
    expect([line, names.sort().join(',')]).toEqual([line, labels.get(name)]);
  }
});
