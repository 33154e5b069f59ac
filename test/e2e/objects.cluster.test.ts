// The controller as a separate process with exactly its documented rights, against a real API server: objects applied with kubectl get the
// right statuses.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { statusWrites } from '../cluster/audit.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import { documentedRights } from '../support/rights.ts';
import { hastenTakeover } from '../support/takeover.ts';

/** The Lease of a killed controller ends after 15 seconds. */
const TAKEOVER_MS = 60_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration: number;
}

interface Listed {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly listeners?: readonly {
      readonly name: string;
      readonly attachedRoutes: number;
      readonly supportedKinds: readonly object[];
      readonly conditions: readonly Condition[];
    }[];
    readonly parents?: readonly { readonly controllerName: string; readonly conditions: readonly Condition[] }[];
  };
}

/** The listeners for routes of connections and datagrams. */
const STREAM_LISTENERS = [
  { name: 'tcp', port: 5432, protocol: 'TCP' },
  { name: 'tls', port: 8443, protocol: 'TLS', tls: { mode: 'Passthrough' } },
  { name: 'udp', port: 5432, protocol: 'UDP' },
];

/** A Service for requests and, on the same port, for datagrams. */
function echo(): object[] {
  const [service, slice] = serviceOf('echo', { address: '100.64.0.1', port: 8080 });
  const ports = [
    { name: 'http', port: 80 },
    { name: 'datagrams', port: 80, protocol: 'UDP' },
  ];
  return [{ ...service, spec: { clusterIP: 'None', ports } }, { ...slice }];
}

describeWith(['cluster'], 'Weir in a cluster', () => {
  let cluster: Cluster;
  let account: Account;
  let ca: TestCa;
  let certificate: IssuedFiles;
  let controller: Child;

  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));

  function startController(): Child {
    const { certificate: own, privateKey, ca: signer } = certificate;
    const tls = ['--push-tls-cert', own, '--push-tls-key', privateKey, '--push-tls-ca', signer];
    const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
    const names = ['--namespace', 'default', '--addresses', '203.0.113.7'];
    return new Child(['controller', '--store', 'off', '--kubeconfig', account.kubeconfig, ...names, ...free, ...tls]);
  }

  /** The object, once its status is as expected. */
  async function statusWhen(kind: string, name: string, holds: (object: Listed) => boolean, deadline?: number): Promise<Listed> {
    let object = {} as Listed;
    const ask = async (): Promise<boolean> => {
      object = (await cluster.object(kind, name)) as unknown as Listed;
      return holds(object);
    };
    await cluster.until(`the status of ${kind}/${name}`, ask, deadline).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(object.status)}\n${controller.output}`);
    });
    return object;
  }

  function routeCondition(object: Listed, type: string): Condition | undefined {
    const own = object.status?.parents?.find(({ controllerName }) => controllerName === 'gateway.weir.dev/controller');
    return own?.conditions.find((condition) => condition.type === type);
  }

  const isCurrent = (object: Listed) => routeCondition(object, 'ResolvedRefs')?.observedGeneration === object.metadata.generation;
  const attached = (count: number) => (object: Listed) => object.status?.listeners?.[0]?.attachedRoutes === count;

  beforeAll(async () => {
    [cluster, ca] = await Promise.all([startCluster({ audit: true, channel: 'standard' }), TestCa.create()]);
    [account, certificate] = await Promise.all([cluster.account('controller', documentedRights()), ca.issue('controller', 'IP:127.0.0.1')]);
    await apply(gatewayClass(), gateway('gw', [{ name: 'http', port: 8080 }]), gateway('streams', STREAM_LISTENERS), ...echo());
    controller = startController();
  });

  afterAll(async () => {
    await controller?.stop('SIGKILL');
    await cluster?.stop();
    await ca?.remove();
  });

  test('an applied route is attached, with the applied generation in its status', async () => {
    await apply(httpRoute('one', 'echo'));
    const object = await statusWhen('httproute', 'one', isCurrent);
    expect(routeCondition(object, 'Accepted')).toMatchObject({ status: 'True', reason: 'Accepted', observedGeneration: 1 });
    expect(routeCondition(object, 'ResolvedRefs')).toMatchObject({ status: 'True', reason: 'ResolvedRefs', observedGeneration: 1 });
    const gateway = await statusWhen('gateway', 'gw', attached(1));
    expect(gateway.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Accepted', status: 'True', observedGeneration: 1 }));
    const accepted = await statusWhen('gatewayclass', 'weir', ({ status }) => status?.conditions?.[0]?.status === 'True');
    expect(accepted.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Accepted', reason: 'Accepted' }));
  });

  test('a broken reference is reported, and so is its repair', async () => {
    await apply(httpRoute('changed', 'absent'));
    const broken = await statusWhen('httproute', 'changed', isCurrent);
    expect(routeCondition(broken, 'Accepted')).toMatchObject({ status: 'True' });
    expect(routeCondition(broken, 'ResolvedRefs')).toMatchObject({ status: 'False', reason: 'BackendNotFound', observedGeneration: 1 });
    await apply(httpRoute('changed', 'echo'));
    const mended = await statusWhen('httproute', 'changed', isCurrent);
    expect(routeCondition(mended, 'ResolvedRefs')).toMatchObject({ status: 'True', observedGeneration: 2 });
  });

  test.each([
    ['tcproute', 'TCPRoute', 'tcp', ''],
    ['tlsroute', 'TLSRoute', 'tls', 'hostnames: [a.example.com]'],
    ['udproute', 'UDPRoute', 'udp', ''],
  ])('a %s is attached to its listener, reports it, and is detached after its deletion', async (resource, kind, section, more) => {
    await cluster.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${section}, namespace: default }
spec:
  parentRefs: [{ name: streams, sectionName: ${section} }]
  ${more}
  rules: [{ backendRefs: [{ name: echo, port: 80 }] }]
`);
    const object = await statusWhen(resource, section, isCurrent);
    expect(routeCondition(object, 'Accepted')).toMatchObject({ status: 'True', reason: 'Accepted', observedGeneration: 1 });
    expect(routeCondition(object, 'ResolvedRefs')).toMatchObject({ status: 'True', reason: 'ResolvedRefs' });
    const listener = (gateway: Listed) => gateway.status?.listeners?.find(({ name }) => name === section);
    const gateway = await statusWhen('gateway', 'streams', (candidate) => listener(candidate)?.attachedRoutes === 1);
    expect(listener(gateway)?.supportedKinds).toEqual([{ group: 'gateway.networking.k8s.io', kind }]);
    await cluster.kubectl(['patch', resource, section, '--type=merge', '-p', '{"spec":{"parentRefs":[{"name":"other"}]}}']);
    await statusWhen(resource, section, ({ status }) => status?.parents?.length === 0);
    await cluster.kubectl(['delete', resource, section]);
  });

  test('entries of other controllers stay as they are', async () => {
    await apply(httpRoute('shared', 'echo'));
    const object = await statusWhen('httproute', 'shared', isCurrent);
    const [own] = object.status?.parents ?? [];
    const condition = { type: 'Accepted', status: 'Unknown', reason: 'Pending', message: 'not ours', observedGeneration: 1 };
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const foreign = { parentRef: { name: 'other-gw' }, controllerName: 'example.com/other', conditions };
    const patch = JSON.stringify({ status: { parents: [foreign, own] } });
    await cluster.kubectl(['patch', 'httproute', 'shared', '--subresource=status', '--type=merge', '-p', patch]);
    await apply(httpRoute('shared', 'absent'));
    const after = await statusWhen('httproute', 'shared', isCurrent);
    expect(after.status?.parents).toHaveLength(2);
    expect(after.status?.parents?.find(({ controllerName }) => controllerName === 'example.com/other')).toMatchObject({ conditions });
  });

  test('a deleted route is no longer attached', async () => {
    await cluster.kubectl(['delete', 'httproute', 'shared', 'changed']);
    await statusWhen('gateway', 'gw', attached(1));
  });

  test('a GRPCRoute is attached, and reports it, if no older HTTPRoute has its hosts', async () => {
    const grpc = (name: string, hostname: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: gw }]
  hostnames: [${hostname}]
  rules: [{ matches: [{ method: { service: a.B, method: Go } }], backendRefs: [{ name: echo, port: 80 }] }]
`;
    await cluster.apply(grpc('calls', 'grpc.example.com'));
    const refused = await statusWhen('grpcroute', 'calls', isCurrent);
    expect(routeCondition(refused, 'Accepted')).toMatchObject({ status: 'False', reason: 'HostnameConflict' });
    await cluster.kubectl(['patch', 'httproute', 'one', '--type=merge', '-p', '{"spec":{"hostnames":["www.example.com"]}}']);
    const accepted = await statusWhen('grpcroute', 'calls', (object) => routeCondition(object, 'Accepted')?.status === 'True');
    expect(routeCondition(accepted, 'ResolvedRefs')).toMatchObject({ status: 'True', reason: 'ResolvedRefs' });
    await cluster.kubectl(['delete', 'grpcroute', 'calls']);
    await cluster.kubectl(['patch', 'httproute', 'one', '--type=merge', '-p', '{"spec":{"hostnames":[]}}']);
    await statusWhen('httproute', 'one', isCurrent);
    await statusWhen('gateway', 'gw', attached(1));
  });

  test(
    'the successor of a killed controller does not repeat its writes',
    async () => {
      const before = statusWrites(cluster.auditEvents(), account.user).length;
      expect(before).toBeGreaterThan(0);
      await controller.stop('SIGKILL');
      await hastenTakeover(cluster);
      controller = startController();
      await apply(httpRoute('fresh', 'echo'));
      await statusWhen('httproute', 'fresh', isCurrent, TAKEOVER_MS);
      await statusWhen('gateway', 'gw', attached(2));
      const written = statusWrites(cluster.auditEvents(), account.user).slice(before);
      expect(new Set(written.map(({ objectRef }) => objectRef?.name))).toEqual(new Set(['fresh', 'gw']));
      expect(written.every(({ responseStatus }) => responseStatus?.code === 200)).toBe(true);
    },
    TAKEOVER_MS,
  );

  test('after a restart of the API server the controller catches up, and it stops in order on a signal', async () => {
    await cluster.restartApiServer();
    await apply(httpRoute('later', 'echo'));
    await statusWhen('httproute', 'later', isCurrent);
    expect(await controller.stop()).toBe(0);
  });
});
