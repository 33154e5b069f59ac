// Thousands of objects that are not for Weir: those of another controller's Gateways, and Services and Secrets without references. They
// cause no compile, push or write, and only little memory each.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { statusWrites } from '../cluster/audit.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import type { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute } from '../support/objects.ts';
import { Site } from '../support/site.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';

const HOST = '127.0.0.6';
const ROUTES = 5_000;
const GATEWAYS = 200;
const SERVICES = 5_000;
const SECRETS = 4_000;
const OBJECTS = ROUTES + GATEWAYS + SERVICES + SECRETS;
/** A certificate with a long chain, or the data of a small Helm release. */
const SECRET_BYTES = 10_240;
/** Heap limit per object, including the spec of a route. */
const BYTES_PER_OBJECT = 8_192;
/** The limit for a Secret, of which name and version are kept: some hundred bytes, and garbage of lists. */
const BYTES_PER_SECRET = 4_096;
const WRITERS = 16;
/** Only a full collection tells memory from garbage, and a quiet process may have none for minutes. */
const COLLECTING = { NODE_OPTIONS: '--expose-gc --import=data:text/javascript,setInterval(globalThis.gc,2000).unref()' };
const GATEWAY_API = '/apis/gateway.networking.k8s.io/v1/namespaces/default';

describeWith(['cluster', 'root', 'ip'], 'objects of others', () => {
  let site: Site;
  let cluster: Cluster;
  let weir: Installation;
  let client: ApiClient;
  let port: number;

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST], backends: ['app'], audit: true, env: COLLECTING });
    ({ cluster, weir, port } = site);
    client = new ApiClient(loadKubeConfig(cluster.kubeconfig));
    const ours = [gatewayClass(), gateway('gw', [{ name: 'http', port }]), httpRoute('app', 'app'), ...site.services()];
    await site.apply(...ours, gatewayClass('theirs', 'example.com/other'));
    await cluster.until('the route', async () => (await fetch(`http://${HOST}:${port}/app`)).status === 200);
    await quiet();
  });

  afterAll(async () => {
    await client?.close();
    await site?.stop();
  });

  function quiet(): Promise<void> {
    return cluster.until('the end of the writes', async () => (await weir.metric('weir_status_waiting')) === 0);
  }

  async function create(path: string, bodies: Iterable<object>): Promise<void> {
    const queue = bodies[Symbol.iterator]();
    const write = async () => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) await client.ask({ method: 'POST', path, body: next.value });
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  }

  /** The counters and the memory of a controller. */
  async function figures(): Promise<{ readonly resources: number; readonly pushed: number; readonly written: number }> {
    return {
      resources: await weir.metric('weir_compile_resources_total{change="changed"}'),
      pushed: await weir.metric('weir_push_bytes_total'),
      written: statusWrites(cluster.auditEvents(), weir.account.user).length,
    };
  }

  /** The heap after a restart, without the memory that was needed to get there. */
  async function heapOfFreshController(): Promise<number> {
    await weir.controller.stop('SIGKILL');
    weir.controller = weir.startController();
    await weir.controller.printed(/proxies are served/);
    const collections = () => weir.metric('nodejs_gc_duration_seconds_count{kind="major"}');
    const enough = (await collections()) + 2;
    await cluster.until('two collections of garbage', async () => (await collections()) >= enough);
    return weir.metric('nodejs_heap_size_used_bytes');
  }

  async function createSecrets(): Promise<void> {
    await create('/api/v1/namespaces/default/secrets', many(SECRETS, secret));
    await cluster.until('all of them to be seen', async () => (await weir.metric('weir_objects{kind="Secret"}')) >= SECRETS);
  }

  test('cause no compile, no push, no status write, and little memory', async () => {
    const heapBefore = await heapOfFreshController();
    await createSecrets();
    const heapWithSecrets = await heapOfFreshController();
    const bytesOfSecret = Math.round((heapWithSecrets - heapBefore) / SECRETS);
    console.log(`${SECRETS} Secrets of others, ${SECRET_BYTES} bytes each: ${bytesOfSecret} bytes of heap each`);
    expect(bytesOfSecret).toBeLessThan(BYTES_PER_SECRET);
    await cluster.until('the proxy', async () => (await weir.metric('weir_push_sessions')) === 1);
    await quiet();
    const before = await figures();
    await create(
      `${GATEWAY_API}/gateways`,
      many(GATEWAYS, (i) => gateway(`theirs-${i}`, [{ name: 'http', port: 80 }], 'theirs')),
    );
    await create(
      `${GATEWAY_API}/httproutes`,
      many(ROUTES, (i) => httpRoute(`theirs-${i}`, `svc-${i}`, [`theirs-${i % GATEWAYS}`])),
    );
    await create('/api/v1/namespaces/default/services', many(SERVICES, service));
    await cluster.until('all of them to be seen', async () => (await weir.metric('weir_objects{kind="Service"}')) >= SERVICES);
    await quiet();
    expect(await figures()).toEqual(before);
    const heap = await heapOfFreshController();
    const bytes = Math.round((heap - heapBefore) / OBJECTS);
    console.log(`${OBJECTS} objects of others: ${bytes} bytes of heap each`);
    expect(bytes).toBeLessThan(BYTES_PER_OBJECT);
    expect((await fetch(`http://${HOST}:${port}/app`)).status).toBe(200);
  }, 400_000);
});

function* many(count: number, make: (i: number) => object): Iterable<object> {
  for (let i = 0; i < count; i++) yield make(i);
}

function service(i: number): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: `svc-${i}` }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } };
}

/** A certificate, and sometimes a Helm release. */
function secret(i: number): object {
  const large = randomBytes(SECRET_BYTES).toString('base64');
  const kind = { apiVersion: 'v1', kind: 'Secret', metadata: { name: `secret-${i}` } };
  if (i % 4 === 0) return { ...kind, type: 'helm.sh/release.v1', data: { release: large } };
  return { ...kind, type: 'kubernetes.io/tls', data: { 'tls.crt': large, 'tls.key': randomBytes(16).toString('base64') } };
}
