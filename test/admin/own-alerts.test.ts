// The alerts of the admin API about itself, from its audit log and its logins over gRPC with TLS and a real controller to real receivers; only
// the clock is moved.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { NotificationChannel } from '#api/k8s/notification-channel.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { readFamilies, registerFamilies } from '#lib/metric.ts';
import { ok } from '#lib/result.ts';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import type { Store } from '#lib/store/store.ts';
import { Registry } from 'prom-client';
import { AuditWriter } from '../../admin/audit/audit-writer.ts';
import { Controllers } from '../../admin/live/controllers.ts';
import { OwnAlerts } from '../../admin/notification/own-alerts.ts';
import { makeAdminStore } from '../../admin/store/admin-store.ts';
import { LoginWatch } from '../../admin/usage/login-watch.ts';
import { AlertDesk } from '../../controller/alert/desk.ts';
import { Evaluator } from '../../controller/alert/evaluator.ts';
import { alertOperations } from '../../controller/operations/alerts.ts';
import { operatorService } from '../../controller/operations/operator-service.ts';
import { KeptAlerts } from '../../controller/store/kept-alerts.ts';
import { SCHEMA } from '../../controller/store/schema.ts';
import type { WantedAlerts } from '../../controller/watch/alerts.ts';
import { auditRecord } from '../support/audit-entries.ts';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { serveHub, type HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const SECOND = 1_000;
const SETTINGS = { defaults: true, disabled: ['WeirAdminNewPlace'] };

interface Received {
  readonly path: string;
  readonly id: string;
  readonly status: string;
  readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> }[];
}

let ca: TestCa;
let controllerFiles: IssuedFiles;
let adminFiles: IssuedFiles;
let folder: string;
let hooks: http.Server;
let hooksUrl: string;
let received: Received[];
/** The paths whose receivers fail. */
let broken: Set<string>;
let now: number;
let evaluator: Evaluator;
let kept: KeptAlerts;
let alertStore: Store;
let adminStore: Store;
let auditor: AuditWriter;
let served: HubServer;
let live: Controllers;
let log: string[];
let alerts: OwnAlerts;

function channel(name: string, spec: object = {}, namespace = 'weir'): WantedAlerts {
  const object = {
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'NotificationChannel',
    metadata: { name, namespace },
    spec: { webhook: { url: `${hooksUrl}/${name}` }, default: true, ...spec },
  };
  const valid = validateObject(object, { strict: true });
  if (!valid.ok) throw new Error(JSON.stringify(valid.error));
  return { kind: 'NotificationChannel', namespace, name, spec: (valid.value as NotificationChannel).spec, secrets: {} };
}

function want(...channels: readonly WantedAlerts[]): void {
  evaluator.want({ Alerts: new Map(channels.map((each) => [`${each.kind} ${each.namespace}/${each.name}`, each])) });
}

/** What each receiver got, as `channel status alert`. */
function lines(): readonly string[] {
  return received.map(({ path: of, status, alerts: [alert] }) => `${of.slice(1)} ${status} ${alert?.labels['alertname']}`).toSorted();
}

function keep({ url, headers }: http.IncomingMessage, body: string): number {
  if (broken.has(url ?? '')) return 500;
  received.push({ ...(JSON.parse(body) as Received), path: url ?? '', id: String(headers['idempotency-key']) });
  return 200;
}

async function serve(): Promise<void> {
  const desk = new AlertDesk(evaluator, kept, 'weir', SETTINGS);
  const silent = createLog('silent');
  served = await serveHub({ tls: controllerFiles, admin: operatorService(alertOperations(desk), silent) }, {}, served?.port ?? 0);
}

async function metric(name: string): Promise<Readonly<Record<string, number>>> {
  const registry = new Registry();
  registerFamilies(registry, [...alerts.families]);
  const found = (await readFamilies(registry)).find((family) => family.name === name);
  return Object.fromEntries((found?.values ?? []).map(({ labels, value }) => [String(labels['result'] ?? ''), value]));
}

/** A metric follows the answer of the controller. */
async function metricIs(name: string, expected: Readonly<Record<string, number>>): Promise<void> {
  for (;;) {
    if (isDeepStrictEqual(await metric(name), expected)) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

beforeAll(async () => {
  ca = await TestCa.create();
  controllerFiles = await ca.issue('controller', 'IP:127.0.0.1');
  adminFiles = await ca.issue('weir-admin', 'URI:spiffe://weir/admin');
  hooks = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => response.writeHead(keep(request, Buffer.concat(parts).toString())).end());
  });
  await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  hooksUrl = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
});
afterAll(() => {
  hooks.closeAllConnections();
  hooks.close();
  return ca.remove();
});
beforeEach(async () => {
  [received, broken, now, log] = [[], new Set(), 1_700_000_000_000, []];
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-own-alerts-'));
  alertStore = new SqliteStore({ file: path.join(folder, 'store.sqlite'), schema: SCHEMA });
  adminStore = makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') });
  kept = new KeptAlerts(alertStore);
  const silent = createLog('silent');
  evaluator = new Evaluator({
    kept,
    sources: {} as never,
    defaults: [],
    leads: () => false,
    guard: () => null,
    faults: new Faults(silent, () => expect('a fault').toBe('none')),
    log: silent,
  });
  auditor = new AuditWriter(adminStore, silent);
  await serve();
  live = new Controllers({
    addresses: [`127.0.0.1:${served.port}`],
    tls: { ...adminFiles, ca: controllerFiles.ca },
    serverName: '',
    log: silent,
    backoff: { minimum: 1, maximum: 20 },
  });
  live.start();
  alerts = new OwnAlerts({
    live,
    troubles: () => ({ audit: auditor.trouble, key: null }),
    log: createLog('warn', { write: (line: string) => void log.push(line) }),
    now: () => now,
    backoff: { minimum: 1, maximum: 20 },
  });
});
afterEach(async () => {
  alerts.close();
  await live.stop();
  await served.server.stop();
  await evaluator.stop();
  await auditor.close();
  await Promise.all([alertStore.close(), adminStore.close()]);
  rmSync(folder, { recursive: true });
});

test('an audit log that cannot be written is told once, and once that it works again, to the default channels of the controllers', async () => {
  want(channel('pager'), channel('info', { severities: ['info'] }), channel('other', { default: false }), channel('foreign', {}, 'shop'));
  expect(await auditor.record(auditRecord())).toEqual(ok(undefined));
  alerts.look();
  await adminStore.close();
  expect((await auditor.record(auditRecord())).ok).toBe(false);
  for (let i = 0; i < 5; i++) alerts.look();
  await metricIs('weir_admin_alerts_total', { delivered: 1, withheld: 0, lost: 0 });
  const [told] = received;
  expect(told).toMatchObject({ path: '/pager', status: 'firing', alerts: [{ labels: { severity: 'critical', namespace: 'weir' } }] });
  expect(told?.alerts[0]?.labels['instance']).toBe(os.hostname());
  expect(told?.alerts[0]?.annotations['summary']).toMatch(/^The audit log cannot be written, so changes are refused: /);

  const working = new AuditWriter(makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') }), createLog('silent'));
  auditor = working;
  // It has ended when it does not hold for a minute.
  alerts.look();
  now += 50 * SECOND;
  alerts.look();
  now += 20 * SECOND;
  alerts.look();
  await until(() => received.length > 1);
  expect(lines()).toEqual(['pager firing WeirAdminAuditFailing', 'pager resolved WeirAdminAuditFailing']);
  await metricIs('weir_admin_alerts_total', { delivered: 2, withheld: 0, lost: 0 });
});

test('a receiver and a controller that are away get the alert later, and the others get it once', async () => {
  want(channel('pager'), channel('chat'));
  broken.add('/chat');
  for (let i = 0; i < 20; i++) alerts.calls.ended({ status: i < 14 ? 200 : 503 } as never);
  alerts.look();
  await until(() => log.some((line) => line.includes('weir/chat')));
  expect(lines()).toEqual(['pager firing WeirAdminFailing']);
  await served.server.stop();
  broken.clear();
  await serve();
  await until(() => received.length === 2);
  expect(lines()).toEqual(['chat firing WeirAdminFailing', 'pager firing WeirAdminFailing']);
  expect(received[0]?.alerts[0]?.annotations['summary']).toBe('The admin API answers 6 of 20 requests of the last five minutes with 5xx.');
  await metricIs('weir_admin_alerts_waiting', { '': 0 });
});

test('unusual logins are told once per network and user, and disabled and silenced alerts are not told', async () => {
  want(channel('pager'));
  const watch = new LoginWatch(auditor, adminStore, createLog('silent'), (anomaly) => alerts.login(anomaly));
  const refuse = (address: string, time: number) =>
    watch.record(auditRecord({ operation: 'account.login', outcome: 'refused', time, caller: { address } }));
  for (let i = 0; i < 10; i++) await refuse('192.0.2.7', now);
  await until(() => received.length === 1);
  expect(received[0]?.alerts[0]).toMatchObject({
    labels: { alertname: 'WeirAdminUnusualLogin', kind: 'failure-burst', address: '192.0.2.7', severity: 'critical' },
    annotations: { summary: 'Unusual login at the admin API: 10 refused logins within five minutes from 192.0.2.0/24' },
  });
  // The next burst of the same network is told after a quarter of an hour.
  for (const minutes of [6, 20]) for (let i = 0; i < 10; i++) await refuse('192.0.2.9', now + minutes * 60 * SECOND);
  await until(() => received.length === 2);
  const login = (address: string, time: number) => {
    const changes = [{ object: 'session/s', before: null, after: { user: 'ana\u202e\nADMIN' } }];
    return watch.record(auditRecord({ operation: 'account.login', time, changes, caller: { address } }));
  };
  await login('192.0.2.1', now);
  await login('198.51.100.1', now + 60 * SECOND);
  await until(() => received.length === 3);
  // Text of users forges no line. A first login from a network is disabled here.
  expect(received[2]?.alerts[0]?.labels).toMatchObject({ kind: 'two-places', user: 'ana  ADMIN' });
  await kept.silence(
    { id: 's', matchers: [{ label: 'kind', operator: '=', value: 'two-places' }], author: '', reason: '', starts: 0, ends: Date.now() * 2 },
    0,
  );
  await login('203.0.113.1', now + 90 * SECOND);
  await watch.settled();
  await metricIs('weir_admin_alerts_total', { delivered: 3, withheld: 3, lost: 0 });
  expect(received).toHaveLength(3);
});

test('the end of an alert takes the place of its beginning that nothing got', async () => {
  want(channel('pager'));
  await served.server.stop();
  for (let i = 0; i < 5; i++) alerts.calls.ended({ status: 500 } as never);
  alerts.look();
  for (const seconds of [400, 70]) {
    now += seconds * SECOND;
    alerts.look();
  }
  await serve();
  await metricIs('weir_admin_alerts_total', { delivered: 1, withheld: 0, lost: 0 });
  expect(lines()).toEqual(['pager resolved WeirAdminFailing']);
});

test('alerts that cannot be told are limited, and the log tells which are lost', async () => {
  want(channel('pager'));
  await served.server.stop();
  for (let i = 0; i < 120; i++) alerts.login({ kind: 'failure-burst', user: '', address: `192.0.${i}.1`, detail: `burst ${i}`, time: now });
  expect(await metric('weir_admin_alerts_total')).toMatchObject({ lost: 20 });
  expect(log.filter((line) => line.includes('admin_alert_lost'))).toHaveLength(20);
});

test('controllers refuse other names, labels and lines', async () => {
  const call = async (input: Readonly<Record<string, unknown>>) => {
    const answer = await live.call({
      ...{ operation: 'POST /alerts/told', input, caller: 'a', deadlineMs: 5_000, signal: new AbortController().signal },
    });
    return answer.ok ? answer.value.status : answer.error.code;
  };
  const told = { alert: 'WeirAdminFailing', labels: {}, summary: 'x', starts: 1, ends: 0 };
  expect(await call(told)).toBe(200);
  expect(await call({ ...told, alert: 'WeirHighErrorRatio' })).toBe(400);
  expect(await call({ ...told, labels: { route: 'x' } })).toBe(400);
  expect(await call({ ...told, summary: 'two\nlines' })).toBe(400);
});
