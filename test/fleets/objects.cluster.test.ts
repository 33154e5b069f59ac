// Fleets in a cluster: the objects that the controller creates for a Gateway, updates, and deletes. Real API server, real garbage
// collector, the documented rights. Pods stay pending: there are no nodes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { fleetIdentity } from '../../controller/compile/fleet-identity.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { AuditEvent } from '../cluster/audit.ts';
import type { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { hastenTakeover } from '../support/takeover.ts';
import { FleetController } from './fleet-controller.ts';

const TAKEOVER_MS = 60_000;
const KINDS = ['deployment', 'service', 'serviceaccount', 'poddisruptionbudget'];

const CLASS = `
apiVersion: gateway.weir.dev/v1alpha1
kind: GatewayParameters
metadata: { name: fleet, namespace: default }
spec: { fleet: PerGateway, resources: { requests: { cpu: 1000m } } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec:
  controllerName: gateway.weir.dev/controller
  parametersRef: { group: gateway.weir.dev, kind: GatewayParameters, namespace: default, name: fleet }
`;

function gateway(name: string, more = ''): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec:
  gatewayClassName: weir
  listeners: [{ name: http, port: 80, protocol: HTTP }]
  ${more}
`;
}

const OWN_PARAMETERS = 'infrastructure: { parametersRef: { group: gateway.weir.dev, kind: GatewayParameters, name: NAME } }';

function parameters(name: string, spec: string): string {
  return `
apiVersion: gateway.weir.dev/v1alpha1
kind: GatewayParameters
metadata: { name: ${name}, namespace: default }
spec: ${spec}
`;
}

interface Live {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly replicas?: number;
    readonly ports?: readonly { readonly port: number; readonly targetPort: number; readonly protocol: string }[];
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly args: string[]; readonly image: string }[] };
    };
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: {
    readonly addresses?: readonly { readonly value: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  };
}

describeWith(['cluster'], 'fleets', () => {
  let cluster: Cluster;
  let fleets: FleetController;
  let controller: Child;

  async function when(kind: string, name: string, holds: (object: Live) => boolean): Promise<Live> {
    let object = {} as Live;
    const ask = async (): Promise<boolean> => {
      object = (await cluster.object(kind, name)) as unknown as Live;
      return holds(object);
    };
    await cluster.until(`${kind}/${name}`, ask).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(object)}\n${controller.output.slice(-4_000)}`);
    });
    return object;
  }

  const exists = () => true;
  const condition = (object: Live, type: string) => object.status?.conditions?.find((one) => one.type === type);

  async function gone(kind: string, name: string): Promise<void> {
    await cluster.until(`the end of ${kind}/${name}`, async () => !(await cluster.exists(kind, name)));
  }

  /** Writes to objects of fleets. */
  function fleetWrites(): AuditEvent[] {
    return cluster
      .auditEvents()
      .filter(({ user, objectRef }) => user.username === fleets.account.user && objectRef?.name?.startsWith('weir-') === true)
      .filter(({ objectRef }) => objectRef?.resource !== 'leases');
  }

  beforeAll(async () => {
    cluster = await startCluster({ audit: true, channel: 'standard' });
    fleets = await FleetController.create(cluster);
    await cluster.apply(CLASS);
    controller = fleets.start();
    await controller.printed(/"leading":true/);
  }, 120_000);

  afterAll(async () => {
    await controller?.stop('SIGKILL');
    await cluster?.stop();
    await fleets?.remove();
  });

  test('a Gateway gets all objects for its proxies, with labels and annotations of its infrastructure', async () => {
    await cluster.apply(gateway('web', `infrastructure: { labels: { team: shop }, annotations: { cost: '7' } }`));
    for (const kind of KINDS) {
      const { metadata } = await when(kind, 'weir-web', exists);
      expect(metadata.labels).toMatchObject({ team: 'shop', 'gateway.networking.k8s.io/gateway-name': 'web' });
      expect(metadata.annotations).toMatchObject({ cost: '7' });
    }
    const service = await when('service', 'weir-web', exists);
    expect(service.spec.ports).toMatchObject([{ port: 80, targetPort: 80, protocol: 'TCP' }]);
    const deployment = await when('deployment', 'weir-web', exists);
    expect(deployment.spec.replicas).toBe(2);
    const secret = await when('secret', 'weir-web-credentials', exists);
    const issued = new X509Certificate(Buffer.from(secret.data?.['tls.crt'] ?? '', 'base64'));
    expect(issued.subjectAltName).toBe(`URI:${fleetIdentity('default/web')}`);
  });

  test('without an address the Gateway reports that; with an address of the load balancer it waits for its proxies', async () => {
    const waiting = await when('gateway', 'web', (object) => condition(object, 'Programmed')?.reason === 'AddressNotAssigned');
    expect(condition(waiting, 'Programmed')?.message).toContain('Service/default/weir-web');
    const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }, { hostname: 'lb.example.com' }] } } });
    await cluster.kubectl(['patch', 'service', 'weir-web', '--subresource=status', '--type=merge', '-p', patch]);
    const pending = await when('gateway', 'web', (object) => condition(object, 'Programmed')?.reason === 'Pending');
    expect(pending.status?.addresses?.map(({ value }) => value)).toEqual(['203.0.113.9', 'lb.example.com']);
  });

  test('changed fields are restored, added fields of others stay', async () => {
    const change = {
      metadata: { annotations: { theirs: 'yes' } },
      spec: { replicas: 7, template: { spec: { terminationGracePeriodSeconds: 1 } } },
    };
    await cluster.kubectl(['patch', 'deployment', 'weir-web', '--type=merge', '-p', JSON.stringify(change)]);
    const mended = await when('deployment', 'weir-web', ({ spec }) => spec.replicas === 2);
    expect(mended.spec.template?.spec).toMatchObject({ terminationGracePeriodSeconds: 70 });
    expect(mended.metadata.annotations).toMatchObject({ theirs: 'yes' });
    await cluster.kubectl(['delete', 'service', 'weir-web']);
    await when('service', 'weir-web', exists);
  });

  test('labels and annotations follow the infrastructure of the Gateway, and are removed with it', async () => {
    await cluster.apply(gateway('web', `infrastructure: { labels: { tier: gold }, annotations: { owner: shop } }`));
    for (const kind of KINDS) {
      const { metadata } = await when(kind, 'weir-web', ({ metadata: { labels } }) => labels['tier'] === 'gold');
      expect(metadata.labels).not.toHaveProperty('team');
      expect(metadata.annotations).toMatchObject({ owner: 'shop' });
      expect(metadata.annotations).not.toHaveProperty('cost');
    }
    const { spec } = await when('deployment', 'weir-web', exists);
    expect(spec.template?.metadata.labels).toMatchObject({ tier: 'gold' });
    expect(spec.template?.metadata.labels).not.toHaveProperty('team');
    await cluster.apply(gateway('web'));
    for (const kind of KINDS) {
      const { metadata } = await when(kind, 'weir-web', ({ metadata: { labels } }) => labels['tier'] === undefined);
      expect(metadata.annotations).not.toHaveProperty('owner');
    }
  });

  test('the fleets of a class follow its parameters, and changes of them', async () => {
    const refer = (name: string) =>
      cluster.kubectl(['patch', 'gatewayclass', 'weir', '--type=merge', '-p', JSON.stringify({ spec: { parametersRef: { name } } })]);
    const workers = (flag: string) => (object: Live) => object.spec.template?.spec.containers[0]?.args.includes(flag) === true;
    await cluster.apply(parameters('others', '{ fleet: PerGateway, workers: 3 }'));
    await refer('others');
    await when('deployment', 'weir-web', workers('--workers=3'));
    await cluster.apply(parameters('others', '{ fleet: PerGateway, workers: 4 }'));
    await when('deployment', 'weir-web', workers('--workers=4'));
    await refer('fleet');
    await when('deployment', 'weir-web', (object) => !workers('--workers=4')(object));
  });

  test('an autoscaler is not fought, not even when the Deployment is written for another reason', async () => {
    const ref = OWN_PARAMETERS.replace('NAME', 'scaled');
    await cluster.apply(parameters('scaled', '{ replicas: 4 }') + `---${gateway('scaled', ref)}`);
    await when('deployment', 'weir-scaled', ({ spec }) => spec.replicas === 4);
    await cluster.apply(parameters('scaled', '{ autoscaling: { min: 3, max: 9 } }'));
    await when('hpa', 'weir-scaled', exists);
    expect((await when('deployment', 'weir-scaled', exists)).spec.replicas).toBe(4);
    await cluster.kubectl(['scale', 'deployment', 'weir-scaled', '--replicas=6']);
    await cluster.apply(parameters('scaled', '{ autoscaling: { min: 3, max: 9 }, workers: 3 }'));
    const scaled = await when(
      'deployment',
      'weir-scaled',
      ({ spec }) => spec.template?.spec.containers[0]?.args.includes('--workers=3') === true,
    );
    expect(scaled.spec.replicas).toBe(6);
    await cluster.apply(parameters('scaled', '{ replicas: 2 }'));
    await when('deployment', 'weir-scaled', ({ spec }) => spec.replicas === 2);
    await gone('hpa', 'weir-scaled');
  });

  test('an autoscaled fleet begins with the fewest proxies there may be', async () => {
    await cluster.apply(
      parameters('small', '{ autoscaling: { min: 3, max: 9 } }') + `---${gateway('small', OWN_PARAMETERS.replace('NAME', 'small'))}`,
    );
    expect((await when('deployment', 'weir-small', exists)).spec.replicas).toBe(3);
  });

  test('an object of the same name with another owner stays as it is, and the Gateway reports it', async () => {
    await cluster.kubectl(['create', 'service', 'clusterip', 'weir-taken', '--tcp=80']);
    await cluster.apply(gateway('taken'));
    const object = await when('gateway', 'taken', (candidate) => condition(candidate, 'Programmed')?.reason === 'Invalid');
    expect(condition(object, 'Programmed')?.message).toContain('Service/default/weir-taken exists, but does not belong to the Gateway');
    await cluster.kubectl(['delete', 'service', 'weir-taken']);
    await when('service', 'weir-taken', ({ metadata }) => metadata.labels['gateway.networking.k8s.io/gateway-name'] === 'taken');
    await when('gateway', 'taken', (candidate) => condition(candidate, 'Programmed')?.reason !== 'Invalid');
  });

  test('a refusal of the API server is reported, and the retry succeeds', async () => {
    const broken = '{ pod: { nodeSelector: { "not a label!": x } } }';
    await cluster.apply(parameters('broken', broken) + `---${gateway('broken', OWN_PARAMETERS.replace('NAME', 'broken'))}`);
    const object = await when('gateway', 'broken', (candidate) => condition(candidate, 'Programmed')?.reason === 'Invalid');
    expect(condition(object, 'Programmed')?.message).toContain('Deployment/default/weir-broken');
    await cluster.kubectl(['patch', 'gatewayparameters', 'broken', '--type=json', '-p', '[{"op":"replace","path":"/spec","value":{}}]']);
    await when('deployment', 'weir-broken', exists);
  });

  test('Gateway and class report invalid parameters, and existing objects stay as they are', async () => {
    await cluster.kubectl(['delete', 'gatewayparameters', 'broken']);
    const object = await when('gateway', 'broken', (candidate) => condition(candidate, 'Accepted')?.reason === 'InvalidParameters');
    expect(condition(object, 'Accepted')?.message).toContain('GatewayParameters/default/broken does not exist');
    await when('deployment', 'weir-broken', exists);
    const refused = cluster.apply(parameters('refused', '{ replicas: 1, autoscaling: { max: 2 } }'));
    await expect(refused).rejects.toThrow('replicas and autoscaling exclude each other');
  });

  test('the Redis of the parameters reaches the proxies, and a missing password is reported until it is there', async () => {
    const redis = "{ redis: { addresses: ['cache:6379'], passwordSecretRef: { name: cache, key: password } } }";
    await cluster.apply(parameters('counting', redis) + `---${gateway('counting', OWN_PARAMETERS.replace('NAME', 'counting'))}`);
    const object = await when('gateway', 'counting', (candidate) => condition(candidate, 'ResolvedRefs')?.reason === 'InvalidRedisRef');
    expect(condition(object, 'ResolvedRefs')?.message).toContain('spec.redis.passwordSecretRef: Secret/default/cache does not exist');
    const { spec } = await when('deployment', 'weir-counting', exists);
    const [container] = spec.template?.spec.containers ?? [];
    expect(container?.args).toEqual(
      expect.arrayContaining(['--redis-url=redis://cache:6379', '--redis-password-file=/etc/weir/redis/password']),
    );
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cache' }, stringData: { password: 'a-password' } };
    await cluster.apply(JSON.stringify(secret));
    await when('gateway', 'counting', (candidate) => condition(candidate, 'ResolvedRefs')?.status === 'True');
    expect(JSON.stringify(await cluster.object('deployment', 'weir-counting'))).not.toContain('a-password');
    const refused = cluster.apply(parameters('refused', "{ redis: { addresses: ['a', 'b'] } }"));
    await expect(refused).rejects.toThrow('mode Single needs exactly one address');
  });

  test('a Gateway that changes to shared proxies deletes its own', async () => {
    await cluster.kubectl([
      'patch',
      'gatewayparameters',
      'small',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec","value":{"fleet":"Shared"}}]',
    ]);
    for (const kind of [...KINDS, 'hpa']) await gone(kind, 'weir-small');
  });

  test('the objects of a Gateway are deleted with it', async () => {
    await cluster.kubectl(['delete', 'gateway', 'taken']);
    for (const kind of KINDS) await gone(kind, 'weir-taken');
    await gone('secret', 'weir-taken-credentials');
  });

  test(
    'a new leader repeats no writes',
    async () => {
      const before = await Promise.all(KINDS.map((kind) => when(kind, 'weir-web', exists)));
      await controller.stop('SIGKILL');
      await hastenTakeover(cluster);
      const writes = fleetWrites().length;
      expect(writes).toBeGreaterThan(0);
      controller = fleets.start();
      await controller.printed(/"leading":true/);
      // Created after the new leader started: it has processed all earlier objects by then.
      await cluster.apply(gateway('later'));
      await when('poddisruptionbudget', 'weir-later', exists);
      const written = fleetWrites()
        .slice(writes)
        .filter(({ objectRef }) => objectRef?.name?.startsWith('weir-later') !== true);
      const after = await Promise.all(KINDS.map((kind) => when(kind, 'weir-web', exists)));
      expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(before.map(({ metadata }) => metadata.resourceVersion));
      // Each leader checks the CPU value `1000m` once, which the API server stores as 1, and changes nothing.
      expect(new Set(written.map(({ objectRef }) => objectRef?.resource))).toEqual(new Set(['deployments']));
    },
    TAKEOVER_MS,
  );
});
