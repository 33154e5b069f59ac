// The whole controller with a real API server. The test plays the proxies: it acks and refuses in place of the push plane.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { request } from 'undici';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, httpRoute, listOf } from '../support/objects.ts';
import { readConfig } from '../../controller/config.ts';
import { Controller } from '../../controller/main.ts';
import type { ControllerPorts } from '../../controller/main.ts';
import type { MakePushPlane } from '../../controller/push-plane.ts';
import { SHARED } from '../../controller/compile/fleet-scopes.ts';
import type { PushObserver } from '../../controller/push/observer.ts';
import { OwnSessions } from '../../controller/relay/own-sessions.ts';
import type { ServedDelta } from '../../controller/status/proxy-reports.ts';

/** A route that needs no backend. */
const ROUTE = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'r' },
  spec: { parentRefs: [{ name: 'gw' }], rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }] }] },
};

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly addresses?: readonly object[];
  readonly parents?: readonly { readonly conditions: readonly Condition[] }[];
  readonly listeners?: readonly { readonly attachedRoutes: number; readonly conditions: readonly Condition[] }[];
}

let cluster: Cluster;
const running: Controller[] = [];

/** A controller with a push plane that has one proxy, which acks only on request. */
interface Started {
  readonly controller: Controller;
  readonly ports: ControllerPorts;
  /** The events of its own proxies, and those of other controllers. */
  readonly reports: PushObserver;
  readonly relayed: PushObserver;
  /** Everything pushed so far, by `kind|key`. */
  readonly pushed: Map<string, ServedDelta['changed'][number]>;
}

/** Throws during a push if the test sets it. */
let beforePush: () => void = () => undefined;

async function startController(...args: string[]): Promise<Started> {
  const local = ['--push-address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];
  const config = readConfig(['--kubeconfig', cluster.kubeconfig, ...local, ...args], {});
  if (!config.ok) throw new Error(config.error);
  const pushed: Started['pushed'] = new Map();
  const seam: { reports?: PushObserver; relayed?: PushObserver } = {};
  const makePush: MakePushPlane = ({ observer: relayed, counters }) => {
    seam.relayed = relayed;
    seam.reports = new OwnSessions(relayed, (kind) => counters.nacked(kind));
    return {
      apply: ({ changed }) => {
        beforePush();
        changed.forEach((resource) => pushed.set(`${resource.kind}|${resource.key}`, resource));
      },
      start: () => Promise.resolve(0),
      stop: () => Promise.resolve(),
      lead: () => undefined,
      follow: () => undefined,
      sessions: () => [],
    };
  };
  const controller = new Controller(config.value, makePush, createLog('silent'));
  running.push(controller);
  const ports = await controller.start();
  seam.reports!.connected('proxy-1', SHARED);
  return { controller, ports: ports!, reports: seam.reports!, relayed: seam.relayed!, pushed };
}

async function statusWhen(kind: string, name: string, holds: (status: Status) => boolean): Promise<Status> {
  let status: Status = {};
  await cluster.until(`${kind}/${name}`, async () => {
    status = ((await cluster.object(kind, name))['status'] ?? {}) as Status;
    return holds(status);
  });
  return status;
}

const programmed = ({ conditions = [] }: Status) => conditions.find(({ type }) => type === 'Programmed');

async function get(port: number, path: string): Promise<{ status: number; body: string }> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`);
  return { status: statusCode, body: await body.text() };
}

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.apply(listOf(gatewayClass(), gateway('gw', [{ name: 'http', port: 80 }]), ROUTE));
});

afterEach(async () => {
  beforePush = () => undefined;
  await Promise.all(running.splice(0).map((controller) => controller.stop()));
});

afterAll(() => cluster.stop());

describeWith(['cluster'], 'Controller', () => {
  test('a Gateway is Programmed only after acks of its proxies, and reports its addresses', async () => {
    const { reports, pushed } = await startController('--addresses', '203.0.113.7,gw.example.com');
    const pending = await statusWhen('gateway', 'gw', (status) => programmed(status)?.message === '0 of 1 proxies have the configuration');
    expect(pending.addresses).toEqual([
      { type: 'IPAddress', value: '203.0.113.7' },
      { type: 'Hostname', value: 'gw.example.com' },
    ]);
    expect(pending.listeners).toMatchObject([{ attachedRoutes: 1 }]);
    reports.acked('proxy-1', 'Listener', 'default/gw/http', pushed.get('Listener|default/gw/http')!.version);
    await statusWhen('gateway', 'gw', (status) => programmed(status)?.status === 'True');
  });

  test('a Gateway without a known address reports that', async () => {
    await startController();
    const { addresses } = await statusWhen('gateway', 'gw', (status) => programmed(status)?.reason === 'AddressNotAssigned');
    expect(addresses ?? []).toEqual([]);
  });

  test('a refused resource causes a condition and one Event on its object', async () => {
    const { reports, relayed, pushed, ports } = await startController('--addresses', '203.0.113.7');
    await statusWhen('httproute', 'r', ({ parents = [] }) => parents.length === 1);
    const { version } = pushed.get('Route|HTTPRoute/default/r/0')!;
    const errors = [{ field: 'filters[0].scheme', reason: 'is not to the taste of this proxy' }];
    relayed.connected('controller-1/proxy-1', SHARED);
    reports.nacked('proxy-1', 'Route', 'HTTPRoute/default/r/0', { version, errors });
    relayed.nacked('controller-1/proxy-1', 'Route', 'HTTPRoute/default/r/0', { version, errors });
    const message = 'spec.rules[0]: refused by 2 of 2 proxies: filters[0].scheme is not to the taste of this proxy';
    await statusWhen(
      'httproute',
      'r',
      ({ parents = [] }) => parents[0]?.conditions.some((c) => c.type === 'RefusedByProxy' && c.message === message) === true,
    );
    // Kubernetes writes Events of its own while it starts.
    const events = async () =>
      (await cluster.list('events.events.k8s.io')).filter((each) => each['reportingController'] === 'gateway.weir.dev/controller');
    await cluster.until('the Event', async () => (await events()).length > 0);
    expect(await events()).toMatchObject([
      {
        type: 'Warning',
        reason: 'RefusedByProxy',
        reportingController: 'gateway.weir.dev/controller',
        regarding: { kind: 'HTTPRoute', namespace: 'default', name: 'r', uid: expect.any(String) },
        note: expect.stringContaining('filters[0].scheme'),
      },
    ]);
    // The controller of the other proxy counts its refusal.
    expect((await get(ports.probes, '/metrics')).body).toContain('weir_push_nacks_total{kind="Route"} 1\n');
    reports.acked('proxy-1', 'Route', 'HTTPRoute/default/r/0', version);
    relayed.acked('controller-1/proxy-1', 'Route', 'HTTPRoute/default/r/0', version);
    await statusWhen('httproute', 'r', ({ parents = [] }) => parents[0]?.conditions.every((c) => c.type !== 'RefusedByProxy') === true);
  });

  test('a resource refused before this controller led gets its Event once it leads', async () => {
    const held = { holderIdentity: 'other', leaseDurationSeconds: 3_600, renewTime: '2026-01-01T00:00:00.000000Z' };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'held' }, spec: held };
    await cluster.apply(JSON.stringify(lease));
    const { reports, pushed } = await startController('--lease-name', 'held');
    const { version } = pushed.get('Route|HTTPRoute/default/r/0')!;
    reports.nacked('proxy-1', 'Route', 'HTTPRoute/default/r/0', { version, errors: [{ field: 'filters', reason: 'told to nobody' }] });
    await cluster.remove('lease', 'held');
    const events = () => cluster.list<{ readonly note: string }>('events.events.k8s.io');
    await cluster.until('the Event', async () => (await events()).some(({ note }) => note.includes('told to nobody')));
  });

  test('a refusal of a Secret or a Service is reported by the listeners and routes that refer to it', async () => {
    const ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('web', 'DNS:web.test');
    await cluster.kubectl(['create', 'secret', 'tls', 'cert', `--cert=${certificate}`, `--key=${privateKey}`]);
    await ca.remove();
    const tls = { certificateRefs: [{ name: 'cert' }] };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
    await cluster.apply(
      listOf(gateway('secure', [{ name: 'https', port: 443, protocol: 'HTTPS', tls }]), service, httpRoute('web', 'web', ['secure'])),
    );
    const { reports, pushed } = await startController();
    const refuse = (kind: 'Secret' | 'Cluster', key: string) => {
      const errors = [{ field: 'field', reason: 'is not to its taste' }];
      reports.nacked('proxy-1', kind, key, { version: pushed.get(`${kind}|${key}`)!.version, errors });
    };
    const refs = (conditions: readonly Condition[] = []) => conditions.find(({ type }) => type === 'ResolvedRefs');
    const told = (condition: Condition | undefined, message: string) => condition?.status === 'False' && condition.message === message;
    refuse('Secret', 'default/cert');
    refuse('Cluster', 'Service/default/web/80');
    const ofSecret = 'Secret/default/cert is refused by 1 of 1 proxies: field is not to its taste';
    const ofService = 'spec.rules[0]: Service/default/web port 80 is refused by 1 of 1 proxies: field is not to its taste';
    await statusWhen(
      'gateway',
      'secure',
      ({ listeners = [], conditions }) =>
        told(refs(listeners[0]?.conditions), ofSecret) && told(refs(conditions), 'listeners with unresolved references: https'),
    );
    const route = await statusWhen('httproute', 'web', ({ parents = [] }) => told(refs(parents[0]?.conditions), ofService));
    expect(refs(route.parents?.[0]?.conditions)).toMatchObject({ reason: 'RefusedByProxy' });
    reports.acked('proxy-1', 'Secret', 'default/cert', '');
    reports.acked('proxy-1', 'Cluster', 'Service/default/web/80', '');
    await statusWhen('gateway', 'secure', ({ listeners = [], conditions }) =>
      [refs(listeners[0]?.conditions), refs(conditions)].every((condition) => condition?.status === 'True'),
    );
    await statusWhen('httproute', 'web', ({ parents = [] }) => refs(parents[0]?.conditions)?.status === 'True');
    await cluster.kubectl(['delete', 'gateway/secure', 'httproute/web', 'service/web', 'secret/cert']);
  });

  test('a failing push affects only proxies, is counted, and recovers without another change', async () => {
    const { pushed, ports } = await startController('--addresses', '203.0.113.7');
    beforePush = () => {
      throw new Error('a bug');
    };
    await cluster.apply(listOf(gateway('late', [{ name: 'http', port: 81 }])));
    await statusWhen('gateway', 'late', (status) => programmed(status)?.message === '0 of 1 proxies have the configuration');
    expect(pushed.has('Listener|default/late/http')).toBe(false);
    expect((await get(ports.probes, '/metrics')).body).toMatch(/weir_controller_faults_total\{part="push"\} [1-9]/);
    beforePush = () => undefined;
    await cluster.until('the push', () => Promise.resolve(pushed.has('Listener|default/late/http')));
    await cluster.kubectl(['delete', 'gateway/late']);
  });

  test('answers probes, metrics and dumps, and releases the Lease when it stops', async () => {
    const { controller, ports } = await startController('--identity', 'me');
    expect(await get(ports.probes, '/livez')).toEqual({ status: 200, body: 'alive\n' });
    expect(await get(ports.probes, '/readyz')).toEqual({ status: 200, body: 'ready\n' });
    await cluster.until('leadership', async () => (await get(ports.probes, '/metrics')).body.includes('weir_leader 1'));
    expect((await get(ports.probes, '/metrics')).body).toMatch(/weir_objects\{kind="HTTPRoute"\} 1\n/);
    expect(JSON.parse((await get(ports.admin, '/resources')).body)).toMatchObject([{ kind: 'Listener' }, { kind: 'Route' }]);
    expect((await get(ports.probes, '/resources')).status).toBe(404);
    expect((await get(ports.admin, '/__proto__')).status).toBe(404);
    const lease = async () => ((await cluster.object('lease', 'weir-controller'))['spec'] as { holderIdentity?: string }).holderIdentity;
    expect(await lease()).toBe('me');
    await controller.stop();
    expect(await lease()).not.toBe('me');
  });

  test('dumps need the token if one is set', async () => {
    const { AdminServer, text } = await import('#lib/admin-server.ts');
    const server = new AdminServer({ host: '127.0.0.1', port: 0, token: 'secret', paths: { 'GET /x': () => text(200, 'x') } });
    const port = await server.start();
    try {
      const ask = async (authorization: string) => (await request(`http://127.0.0.1:${port}/x`, { headers: { authorization } })).statusCode;
      expect([await ask('Bearer secret'), await ask('Bearer secre'), await ask('')]).toEqual([200, 401, 401]);
    } finally {
      await server.stop();
    }
  });
});
