// docs/reference/metrics.md and what the programs expose are the same, section by section.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { StallWatch } from '#lib/event-loop/stall-watch.ts';
import { spell } from '#lib/exposition.ts';
import { createLog } from '#lib/log.ts';
import { FlagValues } from '#lib/flags.ts';
import { readFamilies, registerFamilies } from '#lib/metric.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import { MeteredStore } from '#lib/store/metered-store.ts';
import { OffStore } from '#lib/store/off-store.ts';
import { AdminMetrics } from '../../admin/api/metrics.ts';
import { AlertOutbox } from '../../admin/notification/alert-outbox.ts';
import { usageFamilies } from '../../admin/usage/metrics.ts';
import { discoveryFamilies } from '../../controller/admin/discovery-metrics.ts';
import { CompileMetrics } from '../../controller/admin/compile-metrics.ts';
import { alertFamilies, EvaluationCounts, NotificationCounts } from '../../controller/alert/metrics.ts';
import { acmeFamilies, AcmeCounts } from '../../controller/admin/acme-metrics.ts';
import { ControllerMetrics } from '../../controller/admin/metrics.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { reportingFamilies } from '../../proxy/reporting/metrics.ts';
import { configFamilies, subscriptionFamilies } from '../../proxy/subscribe/metrics.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'metrics.md'), 'utf8');

/** `name type` of each metric in the sections with these titles. */
function documented(...titles: readonly string[]): string[] {
  const sections = DOCUMENT.split(/^## /m).filter((section) => titles.some((title) => section.startsWith(`${title}\n`)));
  expect(sections).toHaveLength(titles.length);
  return [...sections.join('\n').matchAll(/^\| `(weir_\w+)` *\| (\w+)/gm)].map(([, name, type]) => `${name} ${type}`).sort();
}

function typesOf(text: string): string[] {
  return [...text.matchAll(/^# TYPE (weir_\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`).sort();
}

const NOTHING = { problems: () => new Map<string, number>(), waiting: () => 0 };

const OTLP = readOtlp(new FlagValues(['--otlp-endpoint', 'http://127.0.0.1:1'], OTLP_FLAGS, {}), {}, 'test');

async function metricsOfProxy(expose: (supervisor: Supervisor) => void, otlp: OtlpSettings | null = null): Promise<string> {
  const settings = { workers: 1, limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1, processMetrics: false, otlp };
  const supervisor = new Supervisor({ ...settings, log: createLog('silent') });
  supervisor.expose(configFamilies({ revision: () => '', refused: () => [] }));
  expose(supervisor);
  const text = await supervisor.metrics();
  await supervisor.stop(1);
  return text;
}

test('a proxy of a fleet exposes what is documented, and nothing else', async () => {
  const text = await metricsOfProxy((supervisor) => {
    supervisor.expose(subscriptionFamilies(() => STATE));
    supervisor.expose(reportingFamilies(() => ({ connected: false, streams: 0, reports: 0, waiting: 0 })));
  });
  expect(typesOf(text)).toEqual(documented('All programs', 'Proxies and weir up', 'Proxies of a fleet'));
});

test('a proxy with a collector exposes what is documented for it too, and nothing else', async () => {
  const more = await metricsOfProxy(() => undefined, OTLP);
  const plain = await metricsOfProxy(() => undefined);
  expect(typesOf(more)).toEqual([...typesOf(plain), ...documented('Proxies with an OpenTelemetry collector')].sort());
});

test('weir up exposes what is documented, and nothing else', async () => {
  const text = await metricsOfProxy((supervisor) => {
    new CompileMetrics(supervisor.registry, NOTHING);
    supervisor.expose(discoveryFamilies(() => IDLE));
    supervisor.expose(STORE.families());
    supervisor.expose(acmeFamilies(new AcmeCounts(), () => []));
    supervisor.expose(ALERTS);
  });
  expect(typesOf(text)).toEqual(documented('All programs', 'Proxies and weir up', 'Controllers and weir up'));
});

/** A discovery without lookups. */
const IDLE = { states: () => [], failures: () => [] };
const STORE = new MeteredStore(new OffStore());
const ALERTS = alertFamilies({
  ...{ alerts: () => [], silences: () => 0, rules: () => 0 },
  ...{ evaluations: new EvaluationCounts(), notifications: new NotificationCounts() },
});

test('a controller exposes what is documented, and nothing else', async () => {
  const counts = { objects: () => new Map<string, number>(), troubles: () => new Map<string, string>(), statusesWaiting: () => 0 };
  const rest = { sessions: () => [], synced: () => new Map<string, boolean>(), leads: () => true };
  const { registry } = new ControllerMetrics({
    ...NOTHING,
    ...counts,
    ...rest,
    acme: () => acmeFamilies(new AcmeCounts(), () => []),
    discovery: () => IDLE,
    telemetry: () => ({
      counts: { connected: 0, away: 0, reports: 0, commands: 0, entries: 0, refused: 0 },
      threats: { counts: { kept: 0, refused: 0 } },
    }),
    pairs: () => ({ problems: 0, expiries: new Map<string, number>() }),
  });
  expect(registry).toBeInstanceOf(Registry);
  registerFamilies(registry, STORE.families());
  registerFamilies(registry, ALERTS);
  const stalls = new StallWatch({ log: createLog('silent') });
  registerFamilies(registry, stalls.families());
  stalls.stop();
  const text = await spell(await readFamilies(registry), 'text');
  expect(typesOf(text)).toEqual(documented('All programs', 'Controllers and weir up', 'Controllers'));
});

test('the admin API exposes what is documented, and nothing else', async () => {
  const registry = new Registry();
  const usage = usageFamilies({ audit: { owed: 0, failures: 0 }, logins: { counts: new Map([['new-place', 0]]) }, sessions: () => 0 });
  const alerts = new AlertOutbox({ live: { call: () => Promise.reject(new Error('no controller')) }, log: createLog('silent') });
  registerFamilies(registry, [...new AdminMetrics().families, ...usage, ...alerts.families]);
  expect(typesOf(await spell(await readFamilies(registry), 'text'))).toEqual(documented('The admin API'));
});

const STATE = {
  connected: false,
  source: 'none',
  resources: 0,
  refused: 0,
  refusedKinds: [],
  revision: '',
  connects: 0,
  pushes: 0,
  lastGood: { written: 0, failed: 0 },
  savedAt: 0,
} as const;
