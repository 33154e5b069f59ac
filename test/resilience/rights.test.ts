// A controller whose rights are taken away while it runs: it says which rule is missing, serves what it has, follows what it still may,
// and goes on where it stopped when it has its rights again.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster, PolicyRule } from '../cluster/cluster.ts';
import { addAddress, removeAddress } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';

const HOST = '127.0.0.7';
const PAUSE_MS = 5;
/** Rights come back within the longest pause of an informer, half a minute, and of the status writer, a minute. */
const BACK_MS = 90_000;

describeWith(['cluster', 'root', 'ip'], 'a controller without a right', () => {
  const backends = [new Backend('one'), new Backend('two')] as const;
  let address: string;
  let cluster: Cluster;
  let account: Account;
  let weir: Installation;
  let port: number;

  beforeAll(async () => {
    address = addAddress();
    await Promise.all(backends.map((backend) => backend.start(0, address)));
    [port = 0] = await freePorts(1);
    cluster = await startCluster({ channel: 'standard' });
    account = await cluster.account('controller', documentedRights());
    weir = await Installation.start(cluster, [HOST], account);
    await apply(gatewayClass(), gateway('gw', [{ name: 'http', port }]), httpRoute('app', 'app'), ...service('app', 0));
    await answers('/app', 'one');
  }, 90_000);

  afterAll(async () => {
    await weir?.stop();
    await cluster?.stop();
    await Promise.all(backends.map((backend) => backend.stop()));
    if (address !== undefined) removeAddress(address);
  });

  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));
  const service = (name: string, backend: 0 | 1) => serviceOf(name, { address, port: backends[backend].port });

  /** The backend that answers, or the status where none does. */
  async function answer(target: string): Promise<string> {
    const response = await fetch(`http://${HOST}:${port}${target}`, { headers: { connection: 'close' } });
    const text = await response.text();
    return response.status === 200 ? (JSON.parse(text) as { backend: string }).backend : String(response.status);
  }

  function answers(target: string, expected: string): Promise<void> {
    return cluster.until(`${expected} at ${target}`, async () => (await answer(target)) === expected, BACK_MS);
  }

  /** The documented rights, without some verbs on some resources. */
  function without(resource: string, verbs: readonly string[]): PolicyRule[] {
    return documentedRights().flatMap((rule) => {
      if (!rule.resources.includes(resource)) return [rule];
      const others = { ...rule, resources: rule.resources.filter((name) => name !== resource) };
      const left = { ...rule, resources: [resource], verbs: rule.verbs.filter((verb) => !verbs.includes(verb)) };
      return [others, left].filter((kept) => kept.resources.length > 0 && kept.verbs.length > 0);
    });
  }

  function grant(rules: readonly PolicyRule[]): Promise<string> {
    const metadata = { name: 'default-controller' };
    return apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, rules });
  }

  /** Runs traffic to what is served from the beginning; nothing of it may fail. */
  async function unharmed(during: () => Promise<unknown>): Promise<void> {
    const url = `http://${HOST}:${port}/app`;
    const { failures, requests } = await traffic([keptConnection(url), newConnections(url), http2Streams(url)], during, PAUSE_MS);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
  }

  /** A change that needs the kind, and what is answered when it has been seen. */
  const CHANGES = {
    httproutes: { kind: 'HTTPRoute', change: () => apply(httpRoute('routed', 'app')), target: '/routed', before: '404', after: 'one' },
    services: {
      kind: 'Service',
      change: () => apply(httpRoute('placed', 'placed'), ...service('placed', 1)),
      target: '/placed',
      before: '500',
      after: 'two',
    },
    endpointslices: {
      kind: 'EndpointSlice',
      change: () => apply(httpRoute('moved', 'moved'), ...service('moved', 1)),
      target: '/moved',
      before: '503',
      after: 'two',
    },
  } as const;

  test.each(Object.keys(CHANGES) as (keyof typeof CHANGES)[])(
    'to watch %s',
    async (resource) => {
      const { kind, change, target, before, after } = CHANGES[resource];
      const said = weir.controller.output.length;
      await unharmed(async () => {
        await grant(without(resource, ['list', 'watch']));
        // Rights are looked at when a watch begins.
        await cluster.restartApiServer();
        await weir.controller.printed(new RegExp(`may not (list|watch) ${resource}: its ClusterRole lacks the rule`), said);
        expect(await weir.metric(`weir_watch_trouble{kind="${kind}",reason="forbidden"}`)).toBe(1);
        expect((await weir.probe('/readyz')).status).toBe(200);
        await change();
        await answers(target, before);
        await grant(documentedRights());
        await answers(target, after);
        expect(await weir.metric(`weir_watch_trouble{kind="${kind}",reason="forbidden"}`)).toBe(0);
      });
    },
    240_000,
  );

  test('to write a status', async () => {
    const said = weir.controller.output.length;
    const told = async () =>
      (await cluster.kubectl(['get', 'httproute', 'untold', '-o', 'jsonpath={.status.parents[*].controllerName}'])) !== '';
    await unharmed(async () => {
      await grant(without('httproutes/status', ['patch']));
      await apply(httpRoute('untold', 'app'));
      await answers('/untold', 'one');
      await weir.controller.printed(/the API server refuses a status/, said);
      expect(weir.controller.output.slice(said)).toContain('"resources":["httproutes/status"]');
      expect(await weir.metric('weir_status_writes_total{kind="HTTPRoute",result="failed"}')).toBeGreaterThan(0);
      expect(await told()).toBe(false);
      await grant(documentedRights());
      await cluster.until('the status', told, BACK_MS);
    });
  }, 240_000);

  test('to hold the Lease', async () => {
    const said = weir.controller.output.length;
    await unharmed(async () => {
      await grant(without('leases', ['get', 'create', 'update']));
      await weir.controller.printed(/the lease cannot be read or written/, said);
      await cluster.until('no leader', async () => (await weir.metric('weir_leader')) === 0);
      await apply(httpRoute('unled', 'app'));
      await answers('/unled', 'one');
      await grant(documentedRights());
      await cluster.until('a leader', async () => (await weir.metric('weir_leader')) === 1, BACK_MS);
    });
  }, 240_000);
});
