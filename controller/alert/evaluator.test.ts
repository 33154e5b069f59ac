// The life of alerts over a real window, a real store and a real receiver; only the clock is moved.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { AlertRule } from '#api/k8s/alert-rule.ts';
import type { NotificationChannel } from '#api/k8s/notification-channel.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { OffStore } from '#lib/store/off-store.ts';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import type { Store } from '#lib/store/store.ts';
import { KeptAlerts } from '../store/kept-alerts.ts';
import { SCHEMA } from '../store/schema.ts';
import { FleetWindow } from '../telemetry/window/fleet-window.ts';
import type { GaugeName, LabelledValue } from '../telemetry/window/reader.ts';
import { Window } from '../telemetry/window/window.ts';
import type { WantedAlerts } from '../watch/alerts.ts';
import type { Change } from '../watch/event.ts';
import { AlertDesk } from './desk.ts';
import { Evaluator } from './evaluator.ts';

const LOG = createLog('silent');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const ROUTE = 'HTTPRoute/shop/cart/0';

interface Received {
  readonly status: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
  readonly id: string;
}

/** A receiver of webhooks, which answers as it is told. */
class Receiver {
  readonly received: Received[] = [];
  status = 200;
  readonly #server: http.Server;

  constructor() {
    this.#server = http.createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(parts).toString()) as Omit<Received, 'id'>;
        this.received.push({ ...body, id: String(request.headers['idempotency-key']) });
        response.writeHead(this.status).end('noted');
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** One line for each notification: its status and its alerts. */
  get lines(): readonly string[] {
    return this.received.map(({ status, alerts }) => {
      const each = alerts.map((alert) => `${alert.status} ${alert.labels['alertname']} ${alert.labels['route'] ?? ''}`.trim());
      return `${status}: ${each.toSorted().join(', ')}`;
    });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let folder = '';
let receiver: Receiver;
let url = '';
let now = 0;
let gauges: Partial<Record<GaugeName, readonly LabelledValue[]>> = {};
let missing: readonly string[] = [];
let leads = true;
let stores: Store[] = [];
let evaluators: Evaluator[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-alerts-'));
  receiver = new Receiver();
  url = await receiver.start();
  [now, gauges, missing, leads, stores, evaluators] = [1_700_000_000_000, {}, [], true, [], []];
});
afterEach(async () => {
  await Promise.all(evaluators.map((evaluator) => evaluator.stop()));
  await Promise.all(stores.map((store) => store.close()));
  receiver.stop();
  rmSync(folder, { recursive: true });
});

function rule(name: string, spec: object, namespace = 'shop'): WantedAlerts {
  const object = {
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'AlertRule',
    metadata: { name, namespace },
    spec: { summary: 'It is so.', ...spec },
  };
  return { kind: 'AlertRule', namespace, name, spec: (valid(object) as AlertRule).spec };
}

function channel(name: string, spec: object = {}, namespace = 'shop'): WantedAlerts {
  const all = { webhook: { url }, default: true, groupWait: '0s', groupInterval: '30s', repeatInterval: '0s', ...spec };
  const object = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'NotificationChannel', metadata: { name, namespace }, spec: all };
  return { kind: 'NotificationChannel', namespace, name, spec: (valid(object) as NotificationChannel).spec, secrets: {} };
}

function valid(object: object): unknown {
  const result = validateObject(object, { strict: true });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** A controller: its window is empty at its start, the store is that of its predecessors. */
class Controller {
  readonly window = new Window({ now: () => now });
  readonly evaluator: Evaluator;
  readonly desk: AlertDesk;
  readonly told = new Map<string, unknown>();

  constructor(
    wanted: readonly WantedAlerts[],
    { store, operatorNamespace = null }: { readonly store?: Store; readonly operatorNamespace?: string | null } = {},
  ) {
    const opened = store ?? new SqliteStore({ file: path.join(folder, 'store.sqlite'), schema: SCHEMA });
    stores.push(opened);
    const kept = new KeptAlerts(opened);
    const reader = new FleetWindow({
      window: this.window,
      others: () => Promise.resolve({ windows: [], missing }),
      gauge: (name) => Promise.resolve({ values: gauges[name] ?? [], missing }),
    });
    this.evaluator = new Evaluator({
      kept,
      sources: {
        reader,
        inventory: { routes: () => [], backends: () => ['Service/shop/cart/80', 'Service/other/app/80'] },
        prometheus: { query: () => Promise.resolve(prometheus) },
        operatorNamespace,
      },
      defaults: [],
      leads: () => leads,
      guard: () => null,
      faults: new Faults(LOG, () => expect('a fault').toBe('none')),
      log: LOG,
      times: { settleMs: MINUTE, backoff: { minimum: SECOND, maximum: SECOND }, now: () => now, intervalMs: 3_600_000 },
    });
    this.desk = new AlertDesk(this.evaluator, kept, null, { defaults: true, disabled: [] });
    evaluators.push(this.evaluator);
    void this.evaluator.start({
      changed: (changes) => changes.forEach((change) => this.#told(change)),
      synced: () => undefined,
      problems: () => undefined,
    });
    this.want(wanted);
  }

  want(wanted: readonly WantedAlerts[]): void {
    this.evaluator.want({ Alerts: new Map(wanted.map((each) => [`${each.kind} ${each.namespace}/${each.name}`, each])) });
  }

  /** So many requests, of which some fail. */
  serve(requests: number, failed: number): void {
    const classes = [0, requests - failed, 0, 0, failed];
    this.window.count({ routes: [{ route: ROUTE, requests, classes, errors: [], duration: null }], endpoints: [] });
  }

  /** Evaluates after some time, and waits for the notifications. */
  async after(ms: number): Promise<void> {
    now += ms;
    await this.evaluator.evaluate();
    await this.evaluator.settled();
  }

  #told(change: Change): void {
    if (change.type === 'alert state') this.told.set(change.ref.name, change.state);
  }
}

let prometheus: Result<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;

const ERRORS = {
  each: 'Route',
  expression: 'traffic.errorRatio("1m") > 0.05',
  for: '20s',
  summary: '{{ labels.route }}: {{ percent(value) }}',
};

describe('an alert', () => {
  test('is pending, fires and ends, and is told twice', async () => {
    const controller = new Controller([rule('errors', ERRORS), channel('hook')]);
    controller.serve(90, 10);
    await controller.after(10 * SECOND);
    expect((await controller.desk.list()).alerts.map(({ state, summary }) => `${state} ${summary}`)).toEqual([`pending ${ROUTE}: 11.1 %`]);
    expect(receiver.lines).toEqual([]);
    await controller.after(20 * SECOND);
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual([`firing: firing errors ${ROUTE}`]);
    expect(controller.told.get('AlertRule/shop/errors')).toEqual({ trouble: '', firing: 1 });
    await controller.after(2 * MINUTE);
    expect(receiver.lines[1]).toBe(`resolved: resolved errors ${ROUTE}`);
    await controller.after(MINUTE);
    expect(receiver.lines.length).toBe(2);
    expect((await controller.desk.list()).alerts.map(({ state }) => state)).toEqual(['resolved']);
  });

  test('that is pending and holds no more is forgotten', async () => {
    const controller = new Controller([rule('errors', { ...ERRORS, for: '10m' }), channel('hook')]);
    controller.serve(90, 10);
    await controller.after(10 * SECOND);
    await controller.after(2 * MINUTE);
    expect([(await controller.desk.list()).alerts, receiver.lines]).toEqual([[], []]);
  });

  test('still fires for keepFiringFor', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([rule('refused', { expression: 'installation.refused > 0', keepFiringFor: '5m' }), channel('hook')]);
    await controller.after(10 * SECOND);
    gauges = {};
    await controller.after(4 * MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused']);
    await controller.after(2 * MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused', 'resolved: resolved refused']);
  });

  test('goes on while a controller does not answer', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([rule('refused', { expression: 'installation.refused > 0' }), channel('hook')]);
    await controller.after(MINUTE);
    [gauges, missing] = [{}, ['other']];
    await controller.after(10 * MINUTE);
    expect(receiver.lines.length).toBe(1);
    missing = [];
    await controller.after(MINUTE);
    expect(receiver.lines[1]).toBe('resolved: resolved refused');
  });

  test('of a rule that is removed or disabled ends, and channels that were told of it hear that', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const named = rule('refused', { expression: 'installation.refused > 0', channels: [{ name: 'hook' }] });
    const hook = channel('hook', { default: false });
    const controller = new Controller([named, hook]);
    await controller.after(2 * MINUTE);
    controller.want([hook]);
    await controller.after(MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused', 'resolved: resolved refused']);
    expect(controller.told.get('AlertRule/shop/refused')).toBe(null);
  });
});

describe('a restart', () => {
  test('tells nothing twice, and ends nothing that it does not know', async () => {
    const wanted = [rule('errors', ERRORS), channel('hook')];
    const first = new Controller(wanted);
    first.serve(90, 10);
    await first.after(10 * SECOND);
    await first.after(20 * SECOND);
    expect(receiver.lines).toEqual([`firing: firing errors ${ROUTE}`]);
    await first.evaluator.stop();

    const second = new Controller(wanted);
    second.serve(9, 1);
    for (let i = 0; i < 6; i++) await second.after(10 * SECOND);
    expect(receiver.lines.length).toBe(1);
    expect((await second.desk.list()).alerts.map(({ state }) => state)).toEqual(['firing']);
    await second.after(2 * MINUTE);
    expect(receiver.lines).toEqual([`firing: firing errors ${ROUTE}`, `resolved: resolved errors ${ROUTE}`]);
  });

  test('before a notification was delivered sends it again with the same id', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const wanted = [rule('refused', { expression: 'installation.refused > 0' }), channel('hook')];
    receiver.status = 503;
    const first = new Controller(wanted);
    await first.after(10 * SECOND);
    await first.evaluator.stop();
    receiver.status = 200;
    const second = new Controller(wanted);
    await second.after(10 * SECOND);
    await second.after(2 * MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused', 'firing: firing refused']);
    expect(receiver.received[0]?.id).toBe(receiver.received[1]?.id);
  });

  test('of a leader that does not lead any more leaves the alerts to the next one', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const wanted = [rule('refused', { expression: 'installation.refused > 0' }), channel('hook')];
    const [one, other] = [new Controller(wanted), new Controller(wanted)];
    await one.after(10 * SECOND);
    leads = false;
    await one.after(10 * SECOND);
    expect((await one.desk.list()).alerts.map(({ state }) => state)).toEqual(['firing']);
    leads = true;
    await other.after(10 * SECOND);
    await other.after(2 * MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused']);
  });
});

describe('without a store', () => {
  test('alerts are evaluated, silences are refused, and another replica says what it lacks', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([rule('refused', { expression: 'installation.refused > 0' }), channel('hook')], {
      store: new OffStore(),
    });
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual(['firing: firing refused']);
    expect(await controller.desk.silence([], { author: '', reason: '', ms: MINUTE })).toMatchObject({
      ok: false,
      error: expect.stringContaining('--store=off'),
    });
    leads = false;
    await controller.after(10 * SECOND);
    expect((await controller.desk.list()).notes).toEqual([expect.stringContaining('ask the leader')]);
  });

  test('that is away a new leader waits for a minute, and then evaluates without it', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const store = new SqliteStore({ file: path.join(folder, 'absent', 'store.sqlite', '\0'), schema: SCHEMA });
    const controller = new Controller([rule('refused', { expression: 'installation.refused > 0' }), channel('hook')], { store });
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual([]);
    await controller.after(MINUTE);
    expect(receiver.lines).toEqual(['firing: firing refused']);
  });
});

describe('notifications', () => {
  const BOTH = [
    rule('one', { expression: 'installation.refused > 0', severity: 'critical' }),
    rule('two', { expression: 'installation.unservedListeners > 0', severity: 'info' }),
  ];

  test('group alerts, and tell changes after the interval', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([...BOTH, channel('hook', { groupBy: ['namespace'], groupWait: '20s', groupInterval: '5m' })]);
    await controller.after(10 * SECOND);
    gauges = { ...gauges, listeners_unserved: [{ labels: {}, value: 1 }] };
    await controller.after(10 * SECOND);
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual(['firing: firing one, firing two']);
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    await controller.after(MINUTE);
    expect(receiver.lines.length).toBe(1);
    await controller.after(4 * MINUTE);
    expect(receiver.lines[1]).toBe('firing: firing one, resolved two');
  });

  test('are repeated, with another id', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([...BOTH, channel('hook', { repeatInterval: '1h' })]);
    await controller.after(10 * SECOND);
    await controller.after(59 * MINUTE);
    expect(receiver.lines.length).toBe(1);
    await controller.after(2 * MINUTE);
    expect(receiver.lines).toEqual(['firing: firing one', 'firing: firing one']);
    expect(receiver.received[0]?.id).not.toBe(receiver.received[1]?.id);
  });

  test('go to the named channels, those of the namespace, and by severity', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }], listeners_unserved: [{ labels: {}, value: 1 }] };
    const controller = new Controller([
      rule('named', { expression: 'installation.refused > 0', channels: [{ name: 'special' }] }),
      ...BOTH,
      channel('special', { default: false, webhook: { url: `${url}?special` } }),
      channel('urgent', { severities: ['critical'] }),
      channel('foreign', {}, 'other'),
    ]);
    await controller.after(10 * SECOND);
    const list = await controller.desk.list();
    expect(Object.fromEntries(list.alerts.map(({ alert, channels }) => [alert, channels]))).toEqual({
      named: ['shop/special'],
      one: ['shop/urgent'],
      two: [],
    });
    expect(receiver.lines.toSorted()).toEqual(['firing: firing named', 'firing: firing one']);
  });

  test('are retried with pauses, and a channel that fails does not delay another', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const dead = channel('dead', { webhook: { url: 'http://127.0.0.1:1/' } });
    const controller = new Controller([BOTH[0] as WantedAlerts, channel('hook'), dead]);
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual(['firing: firing one']);
    expect(controller.told.get('NotificationChannel/shop/dead')).toEqual({ trouble: expect.stringContaining('ECONNREFUSED'), firing: 0 });
    controller.want([BOTH[0] as WantedAlerts, channel('hook'), channel('dead')]);
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual(['firing: firing one', 'firing: firing one']);
    expect(controller.told.get('NotificationChannel/shop/dead')).toEqual({ trouble: '', firing: 0 });
  });

  test('a silence keeps alerts from being told until it ends', async () => {
    gauges = { resources_refused: [{ labels: {}, value: 1 }] };
    const controller = new Controller([...BOTH, channel('hook')]);
    const silence = await controller.desk.silence([{ label: 'alertname', operator: '=~', value: 'o.*' }], {
      author: 'me',
      reason: 'test',
      ms: 365 * 86_400_000,
    });
    if (!silence.ok) throw new Error(silence.error);
    now = Date.now();
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual([]);
    expect((await controller.desk.list()).alerts[0]?.silencedBy).toEqual([silence.value.id]);
    expect(await controller.desk.unsilence(silence.value.id)).toEqual({ ok: true, value: true });
    expect(await controller.desk.unsilence(silence.value.id)).toEqual({ ok: true, value: false });
    await controller.after(10 * SECOND);
    expect(receiver.lines).toEqual(['firing: firing one']);
  });
});

describe('rules', () => {
  test('of a namespace are about its own objects, those of the operators about all', async () => {
    const unusable = { each: 'Backend', expression: 'backend.usable == 0' };
    const controller = new Controller([rule('own', unusable, 'shop'), rule('all', unusable, 'ops')], { operatorNamespace: 'ops' });
    await controller.after(10 * SECOND);
    expect((await controller.desk.list()).alerts.map(({ alert, labels }) => `${alert} ${labels['backend'] ?? ''}`).toSorted()).toEqual([
      'all Service/other/app/80',
      'all Service/shop/cart/80',
      'own Service/shop/cart/80',
    ]);
  });

  test('with a query have the series of Prometheus as subjects, and keep their alerts while it is away', async () => {
    prometheus = { ok: true, value: [{ labels: { instance: 'a', namespace: 'disks' }, value: 0.5 }] };
    const query = rule('query', { prometheus: { query: 'up' }, summary: '{{ labels.instance }} {{ percent(value) }}' });
    const controller = new Controller([query, channel('hook')]);
    await controller.after(2 * MINUTE);
    expect((await controller.desk.list()).alerts.map(({ summary, labels }) => [summary, labels['namespace']])).toEqual([
      ['a 50 %', 'disks'],
    ]);
    prometheus = { ok: false, error: 'Prometheus cannot be asked: it is away' };
    await controller.after(2 * MINUTE);
    expect(controller.told.get('AlertRule/shop/query')).toEqual({ trouble: 'Prometheus cannot be asked: it is away', firing: 1 });
    prometheus = { ok: true, value: [] };
    await controller.after(MINUTE);
    expect(receiver.lines).toEqual(['firing: firing query', 'resolved: resolved query']);
  });

  test('that hold for too many subjects are in trouble', async () => {
    gauges = { event_loop_lag_seconds: Array.from({ length: 501 }, (_, i) => ({ labels: { proxy: String(i) }, value: 1 })) };
    const controller = new Controller([rule('many', { each: 'Proxy', expression: 'proxy.lag > 0.5' })]);
    await controller.after(10 * SECOND);
    expect(controller.told.get('AlertRule/shop/many')).toEqual({
      trouble: 'the rule holds for more than 500 subjects; make it narrower',
      firing: 0,
    });
  });
});
