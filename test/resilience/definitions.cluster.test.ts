// A cluster whose CRDs are missing, come late, are deleted, or validate nothing: the controller reports it, serves the other kinds, and
// watches a kind once it is installed.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import type { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute } from '../support/objects.ts';
import { readable } from '../support/readable.ts';
import { Site } from '../support/site.ts';
import { traffic } from '../support/traffic.ts';

const HOST = '127.0.0.9';
const PAUSE_MS = 5;
const WEIR_CRDS = path.resolve(import.meta.dirname, '..', '..', 'crds');
const HTTP_ROUTES = 'httproutes.gateway.networking.k8s.io';
/** Longer than the maximum pause between two checks for a missing kind. */
const FOUND_MS = 60_000;

describeWith(['cluster', 'root', 'ip'], 'a cluster', () => {
  let site: Site;
  let cluster: Cluster;
  let weir: Installation;
  let port: number;

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST], backends: ['app'], prepare: withoutDefinitions });
    ({ cluster, weir, port } = site);
  });

  afterAll(() => site?.stop());

  const apply = (...objects: readonly object[]) => site.apply(...objects);

  function answers(target: string, expected: number): Promise<void> {
    const ask = async () => (await fetch(`http://${HOST}:${port}${target}`, { headers: { connection: 'close' } })).status;
    return cluster.until(`${expected} at ${target}`, async () => (await ask()) === expected, FOUND_MS);
  }

  const absent = (kind: string) => weir.metric(`weir_watch_trouble{kind="${kind}",reason="absent"}`);

  /** Traffic to routes that need none of these kinds continues. */
  async function unharmed(during: () => Promise<unknown>): Promise<void> {
    const url = `http://${HOST}:${port}/app`;
    const { failures } = await traffic([keptConnection(url), newConnections(url), http2Streams(url)], during, PAUSE_MS);
    expect(failures).toEqual([]);
  }

  /** A route of the name to a Backend of Weir. */
  function throughBackend(name: string): object[] {
    const group = 'gateway.weir.dev';
    const rule = { matches: [{ path: { value: `/${name}` } }], backendRefs: [{ group, kind: 'Backend', name }] };
    const spec = { endpoints: [{ ip: site.address, port: site.backend('app').port }] };
    return [
      { apiVersion: `${group}/v1alpha1`, kind: 'Backend', metadata: { name }, spec },
      { ...httpRoute(name, ''), spec: { parentRefs: [{ name: 'gw' }], rules: [rule] } },
    ];
  }

  test('without the CRDs of Weir and one of the Gateway API is served, and the missing ones are named', async () => {
    await weir.controller.printed(/proxies are served/);
    expect((await weir.probe('/readyz')).status).toBe(200);
    const { output } = weir.controller;
    expect(output).toContain("the API server does not know Backend of gateway.weir.dev/v1alpha1: install Weir's CRDs");
    expect(output).toMatch(/the API server does not know TCPRoute of .*install the CRDs of the Gateway API/);
    expect([await absent('Backend'), await absent('TCPRoute'), await absent('HTTPRoute')]).toEqual([1, 1, 0]);
    await apply(gatewayClass(), gateway('gw', [{ name: 'http', port }]), httpRoute('app', 'app'), ...site.services());
    await answers('/app', 200);
    await cluster.until('the condition', async () => (await readable(cluster)).startsWith('False NotInstalled: '));
    expect(await readable(cluster)).toMatch(/ Backend of gateway\.weir\.dev\/v1alpha1: install Weir's CRDs/);
    // Weir works without this kind.
    expect(await readable(cluster)).not.toContain('TCPRoute');
  });

  test('that gets them later is served with them at once', async () => {
    await unharmed(async () => {
      await cluster.kubectl(['apply', '--server-side', '-f', WEIR_CRDS]);
      await cluster.until('the kind', async () => (await absent('Backend')) === 0, FOUND_MS);
      await apply(...throughBackend('late'));
      await answers('/late', 200);
      await cluster.until('the condition', async () => (await readable(cluster)).startsWith('True '));
    });
  }, 120_000);

  test('that loses a CRD is served without its objects, and with all others', async () => {
    await unharmed(async () => {
      await cluster.kubectl(['delete', 'crd', 'backends.gateway.weir.dev']);
      await answers('/late', 500);
      await cluster.until('what is said', async () => (await absent('Backend')) === 1, FOUND_MS);
      await cluster.kubectl(['apply', '--server-side', '-f', WEIR_CRDS]);
      await cluster.until('the kind', async () => (await absent('Backend')) === 0, FOUND_MS);
      await apply(...throughBackend('late'));
      await answers('/late', 200);
    });
  }, 180_000);

  test('whose CRD validates nothing is served: only the invalid object is refused', async () => {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const definition = (await cluster.object('crd', HTTP_ROUTES)) as { spec: { versions: object[] } };
    const versions = definition.spec.versions.map((version) => ({ ...version, schema }));
    await unharmed(async () => {
      await cluster.kubectl(['patch', 'crd', HTTP_ROUTES, '--type=merge', '-p', JSON.stringify({ spec: { versions } })]);
      const nonsense = { ...httpRoute('nonsense', 'app'), spec: { parentRefs: 'gw', rules: { matches: -1 } } };
      await cluster.until('the CRD to let it in', () => apply(nonsense).then(() => true), FOUND_MS);
      await cluster.until('the refusal', async () => (await weir.metric('weir_compile_rejected_objects_total')) > 0);
      expect(weir.controller.output).toMatch(/"object":"HTTPRoute\/default\/nonsense".*"msg":"object refused"/);
      await apply(httpRoute('after-nonsense', 'app'));
      await answers('/after-nonsense', 200);
    });
  }, 120_000);
});

async function withoutDefinitions(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', '-f', WEIR_CRDS]);
  await cluster.kubectl(['delete', 'crd', 'tcproutes.gateway.networking.k8s.io']);
}
