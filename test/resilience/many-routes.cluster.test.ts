// A thousand HTTPRoutes at once, on a Gateway whose routes a second controller shares: statuses are right and written rarely, entries of
// the other controller stay, and a new route is served at once and completely.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { statusWrites } from '../cluster/audit.ts';
import type { AuditEvent } from '../cluster/audit.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { ForeignController } from '../support/foreign-controller.ts';
import type { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf } from '../support/objects.ts';
import type { Manifest } from '../support/objects.ts';
import { Site } from '../support/site.ts';

const HOST = '127.0.0.5';
const ROUTES = 1_000;
/** Pause between two new routes, while the others change. */
const PAUSE_MS = 200;
/** Number of status writes beyond one per route: those of the Gateway and its class, and repetitions after conflicts. */
const MORE_WRITES = 150;
const HTTP_ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';

interface Route {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly parents?: readonly Entry[] };
}

interface Entry {
  readonly controllerName: string;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly observedGeneration: number }[];
}

interface GatewayStatus {
  readonly status?: { readonly listeners?: readonly { readonly attachedRoutes: number }[] };
}

/** The outcome of a route that was applied while the others changed. */
interface Arrival {
  readonly statuses: readonly number[];
  /** Time from the API server's answer to the first 200. */
  readonly ms: number;
}

describeWith(['cluster', 'root', 'ip'], 'a thousand routes', () => {
  let site: Site;
  let cluster: Cluster;
  let weir: Installation;
  let foreign: ForeignController;
  let port: number;
  let fresh = 0;

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST], backends: ['app'], audit: true });
    ({ cluster, weir, port } = site);
    foreign = await ForeignController.create(cluster, 'theirs');
    const theirs = [gatewayClass('theirs', foreign.name), gateway('theirs', [{ name: 'http', port: 80 }], 'theirs')];
    const ours = [gatewayClass(), gateway('gw', [{ name: 'http', port }])];
    await site.apply(...ours, ...theirs, ...site.services());
    await cluster.until('the listener', async () => (await request(`http://${HOST}:${port}/`)).statusCode === 404);
  });

  afterAll(() => site?.stop());

  /** `kubectl apply --server-side` of all routes; `change` gives each a new generation. */
  function applyRoutes(change: string): Promise<string> {
    const routes = Array.from({ length: ROUTES }, (_, i) => withHeader(httpRoute(`r${i}`, 'app', ['gw', 'theirs']), change));
    return cluster.kubectl(['apply', '--server-side', '-f', '-'], listOf(...routes));
  }

  /** Creates a route and sends requests from before its creation until it is served. */
  async function arrival(): Promise<Arrival> {
    const name = `fresh-${fresh++}`;
    const agent = new Agent({ connections: 1, pipelining: 1 });
    const statuses: number[] = [];
    let created = Infinity;
    const creating = cluster.send('POST', HTTP_ROUTES, { body: httpRoute(name, 'app') }).then((answer) => {
      created = performance.now();
      return answer;
    });
    const giveUp = performance.now() + 30_000;
    while (statuses.at(-1) !== 200 && performance.now() < giveUp) {
      const { statusCode, body } = await request(`http://${HOST}:${port}/${name}`, { dispatcher: agent });
      await body.dump();
      if (statuses.at(-1) !== statusCode) statuses.push(statusCode);
    }
    const ms = performance.now() - Math.min(created, performance.now());
    expect((await creating).status).toBe(201);
    await agent.close();
    return { statuses, ms };
  }

  async function arrivalsDuring(change: Promise<unknown>): Promise<Arrival[]> {
    const arrivals: Arrival[] = [];
    let over = false;
    const ended = change.finally(() => (over = true));
    while (!over) {
      arrivals.push(await arrival());
      await delay(PAUSE_MS);
    }
    await ended;
    return arrivals;
  }

  const routes = () => cluster.list<Route>('httproutes');

  async function settled(): Promise<void> {
    await cluster.until('a status of Weir for every route', async () => (await routes()).every(isTold));
    await cluster.until('the number of routes', async () => {
      const { status } = (await cluster.object('gateway', 'gw')) as GatewayStatus;
      return status?.listeners?.[0]?.attachedRoutes === ROUTES + fresh;
    });
    await cluster.until('the end of the writes', async () => (await weir.metric('weir_status_waiting')) === 0);
  }

  /** Expected statuses of a new route: 404 and then 200. On a busy machine the 404 may be missed. */
  function judge(arrivals: readonly Arrival[]): void {
    expect(arrivals.length).toBeGreaterThan(0);
    for (const { statuses } of arrivals) expect([[404, 200], [200]]).toContainEqual(statuses);
    console.log(`a new route was served after ${distribution(arrivals.map(({ ms }) => ms))}`);
  }

  test('are attached and counted with one status write each, and entries of another controller stay', async () => {
    const writesBefore = statusWrites(cluster.auditEvents(), weir.account.user).length;
    const already = fresh;
    const started = performance.now();
    const applying = applyRoutes('1');
    const contending = foreign.adopt(ROUTES);
    judge(await arrivalsDuring(applying));
    console.log(`${ROUTES} routes were applied in ${Math.round(performance.now() - started)} ms`);
    await contending;
    await settled();
    const writes = statusWrites(cluster.auditEvents(), weir.account.user).slice(writesBefore);
    console.log(`${writes.length} status writes for ${ROUTES} routes and ${fresh - already} that came meanwhile: ${tally(writes)}`);
    expect(writes.length).toBeLessThanOrEqual(ROUTES + (fresh - already) + MORE_WRITES);
    expect(await foreign.changed()).toEqual([]);
  }, 150_000);

  test('stay served while all of them change', async () => {
    judge(await arrivalsDuring(applyRoutes('2')));
    await settled();
    expect(await foreign.changed()).toEqual([]);
  }, 150_000);
});

/** A request header that the first rule sets, to give the route a new generation. */
function withHeader(route: Manifest, value: string): Manifest {
  const spec = route['spec'] as { readonly rules: readonly object[] };
  const filter = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-change', value }] } };
  return { ...route, spec: { ...spec, rules: spec.rules.map((rule) => ({ ...rule, filters: [filter] })) } };
}

function isTold({ metadata, status }: Route): boolean {
  const own = status?.parents?.find(({ controllerName }) => controllerName === 'gateway.weir.dev/controller');
  return own?.conditions.some((c) => c.type === 'Accepted' && c.status === 'True' && c.observedGeneration === metadata.generation) === true;
}

/** Number of writes per kind, and number of conflicts. */
function tally(writes: readonly AuditEvent[]): string {
  const labels = writes.map(({ objectRef, responseStatus }) => `${objectRef?.resource} ${responseStatus?.code}`);
  return [...new Set(labels)].map((label) => `${label}: ${labels.filter((each) => each === label).length}`).join(', ');
}

function distribution(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `${at(0.5)} ms (median), ${at(0.9)} ms (p90), ${at(1)} ms at most, of ${sorted.length}`;
}
