// Status writes to a real API server; the tests count the stored versions.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';
import { Pipeline } from '../../controller/pipeline.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { KubernetesSource } from '../../controller/watch/kubernetes.ts';
import { StatusWriter } from '../../controller/status/writer.ts';
import type { WriteResult } from '../../controller/status/writer.ts';

const CONTROLLER = 'gateway.weir.dev/writer-test';
const GROUP = '/apis/gateway.networking.k8s.io/v1';
const NAMESPACE = `writer-${process.pid}`;
const LOG = createLog('silent');
const HEALTHY = { type: 'Healthy', status: 'True', reason: 'Fine', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };

interface Parent {
  readonly controllerName: string;
  readonly conditions: readonly { type: string; status: string; observedGeneration: number; lastTransitionTime: string }[];
}

interface Stored {
  readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  readonly spec: object;
  readonly status?: {
    readonly parents?: readonly Parent[];
    readonly listeners?: readonly { attachedRoutes: number }[];
  };
}

let cluster: Cluster;
let client: ApiClient;

/** A controller without proxies: source, compile, writer. */
interface Controller {
  readonly writer: StatusWriter;
  readonly source: KubernetesSource;
  readonly results: WriteResult[];
  leads: boolean;
  stop(): Promise<void>;
}

const controllers: Controller[] = [];

async function startController(leads = true): Promise<Controller> {
  const source = new KubernetesSource(client);
  const results: WriteResult[] = [];
  const controller = { source, results, leads } as Controller & { writer: StatusWriter };
  const limits = { reassert: 50, retryMinimum: 50 };
  const wrote = (_kind: string, result: WriteResult) => void results.push(result);
  const writer = new StatusWriter({
    client,
    live: source.live,
    controllerName: CONTROLLER,
    leads: () => controller.leads,
    log: LOG,
    wrote,
    limits,
  });
  const pipeline = new Pipeline({
    sources: [source],
    compiler: { controllerName: CONTROLLER },
    batch: { quiet: 5, maximum: 50 },
    sinks: { statuses: { apply: ({ statuses, forgotten }) => writer.write(statuses, forgotten) } },
    log: LOG,
  });
  await pipeline.start();
  const stop = async () => {
    await pipeline.stop();
    await writer.stop();
  };
  const started = Object.assign(controller, { writer, stop });
  controllers.push(started);
  return started;
}

const create = (path: string, body: unknown) => client.ask({ method: 'POST', path, body });
const read = async (path: string) => (await client.ask({ method: 'GET', path })) as Stored;
const routes = `${GROUP}/namespaces/${NAMESPACE}/httproutes`;
const gateways = `${GROUP}/namespaces/${NAMESPACE}/gateways`;

const patch = (path: string, body: unknown) => client.ask({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });

function route(name: string, fields: object = {}): object {
  const spec = { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ name: 'svc', port: 80 }] }], ...fields };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name, namespace: NAMESPACE }, spec };
}

/** Resolves with the object once it meets the condition. */
async function when(path: string, holds: (stored: Stored) => boolean): Promise<Stored> {
  let stored = await read(path);
  await cluster.until(`what is waited for of ${path}`, async () => holds((stored = await read(path))));
  return stored;
}

const isOurs = (parent: Parent) => parent.controllerName === CONTROLLER;
const hasOurs = ({ status, metadata }: Stored) =>
  status?.parents?.some((parent) => isOurs(parent) && parent.conditions.every((c) => c.observedGeneration === metadata.generation)) ===
  true;

beforeAll(async () => {
  cluster = await startCluster();
  client = new ApiClient(loadKubeConfig(cluster.kubeconfig));
  await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const apiVersion = 'gateway.networking.k8s.io/v1';
  await create(`${GROUP}/gatewayclasses`, {
    apiVersion,
    kind: 'GatewayClass',
    metadata: { name: NAMESPACE },
    spec: { controllerName: CONTROLLER },
  });
  await create(`/api/v1/namespaces/${NAMESPACE}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'svc', namespace: NAMESPACE },
    spec: { ports: [{ port: 80 }] },
  });
  await create(gateways, {
    apiVersion,
    kind: 'Gateway',
    metadata: { name: 'gw', namespace: NAMESPACE },
    spec: { gatewayClassName: NAMESPACE, listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  });
});

beforeEach(() => {
  controllers.length = 0;
});

afterEach(async () => {
  await Promise.all(controllers.map((controller) => controller.stop()));
});

afterAll(async () => {
  await client.ask({ method: 'DELETE', path: `${GROUP}/gatewayclasses/${NAMESPACE}` });
  await client.ask({ method: 'DELETE', path: `${gateways}/gw` });
  await client.ask({ method: 'DELETE', path: routes });
  await client.close();
  await cluster.stop();
});

describeWith(['cluster'], 'StatusWriter', () => {
  test('keeps the entries of other controllers and removes only its own', async () => {
    await create(routes, route('shared'));
    const foreign = { parentRef: { name: 'theirs' }, controllerName: 'example.net/other', conditions: [HEALTHY] };
    await patch(`${routes}/shared/status`, { status: { parents: [foreign] } });
    await startController();
    const both = await when(`${routes}/shared`, hasOurs);
    expect(both.status?.parents?.map(({ controllerName }) => controllerName)).toEqual(['example.net/other', CONTROLLER]);
    await patch(`${routes}/shared`, { spec: { parentRefs: [{ name: 'nowhere' }] } });
    const left = await when(`${routes}/shared`, (stored) => stored.status?.parents?.some(isOurs) === false);
    expect(left.status?.parents).toMatchObject([{ controllerName: 'example.net/other' }]);
  });

  test('follows the generation, and keeps the time of a transition that was none', async () => {
    await create(routes, route('times'));
    await startController();
    const first = await when(`${routes}/times`, hasOurs);
    await patch(`${routes}/times`, { spec: { hostnames: ['a.example.com'] } });
    const second = await when(`${routes}/times`, (stored) => stored.metadata.generation === 2 && hasOurs(stored));
    const times = (stored: Stored) => stored.status?.parents?.[0]?.conditions.map(({ lastTransitionTime }) => lastTransitionTime);
    expect(times(second)).toEqual(times(first));
  });

  test('writes nothing if the status is equal: a second controller makes no writes', async () => {
    await create(routes, route('equal'));
    const first = await startController();
    const before = await when(`${routes}/equal`, hasOurs);
    await until(() => first.writer.depth === 0);
    await first.stop();
    const second = await startController();
    await until(() => second.results.length >= 3 && second.writer.depth === 0);
    expect(new Set(second.results)).toEqual(new Set(['equal']));
    expect((await read(`${routes}/equal`)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  test('merges again after a conflict, and keeps the writes of others', async () => {
    await create(routes, route('fought'));
    const controller = await startController(false);
    // The watch delivers the first version after the second write: the writer works on an outdated version.
    const known = () => controller.source.live.get({ kind: 'HTTPRoute', namespace: NAMESPACE, name: 'fought' });
    await until(() => known() !== undefined);
    const stale = known()!;
    const foreign = { parentRef: { name: 'theirs' }, controllerName: 'example.net/other', conditions: [HEALTHY] };
    await patch(`${routes}/fought/status`, { status: { parents: [foreign] } });
    await until(() => known()!.resourceVersion !== stale.resourceVersion);
    controller.source.live.set(stale);
    controller.leads = true;
    controller.writer.resume();
    const merged = await when(`${routes}/fought`, hasOurs);
    expect(merged.status?.parents?.map(({ controllerName }) => controllerName)).toEqual(['example.net/other', CONTROLLER]);
  });

  test('does not write unless it leads, and writes all once it does', async () => {
    await create(routes, route('led'));
    const controller = await startController(false);
    expect(controller.results).toEqual([]);
    controller.leads = true;
    controller.writer.resume();
    await when(`${routes}/led`, hasOurs);
  });

  test('restores entries that another client removed', async () => {
    await create(routes, route('robbed'));
    await startController();
    await when(`${routes}/robbed`, hasOurs);
    await patch(`${routes}/robbed/status`, { status: { parents: [] } });
    await when(`${routes}/robbed`, hasOurs);
  });

  test('1,000 routes: each is written once, and the Gateway counts them with few writes', async () => {
    const controller = await startController();
    await until(() => controller.writer.depth === 0);
    const names = Array.from({ length: 1_000 }, (_, i) => `many-${i}`);
    const { status: before } = await read(`${gateways}/gw`);
    const attachedBefore = before?.listeners?.[0]?.attachedRoutes ?? 0;
    controller.results.length = 0;
    const queue = [...names];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let name = queue.pop(); name !== undefined; name = queue.pop()) await create(routes, route(name));
      }),
    );
    await when(`${gateways}/gw`, ({ status }) => status?.listeners?.[0]?.attachedRoutes === attachedBefore + names.length);
    await until(() => controller.writer.depth === 0, 'all statuses written');
    const { items } = (await client.ask({ method: 'GET', path: routes })) as { items: Stored[] };
    expect(items.filter(hasOurs).length).toBeGreaterThanOrEqual(names.length);
    const written = controller.results.filter((result) => result === 'written').length;
    expect(written).toBeGreaterThanOrEqual(names.length + 1);
    expect(written).toBeLessThanOrEqual(names.length + 150);
  }, 120_000);
});
