// Weir in a cluster by Helm: installed, tested, upgraded, rolled back, certificates renewed, all under traffic of every kind, and uninstalled.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, httpRoute, listOf } from '../support/objects.ts';
import { TRAFFIC_LISTENERS, TrafficBackends, unharmed } from '../support/traffic-backends.ts';
import { traffic } from '../support/traffic.ts';
import { startBareCluster } from './bare-cluster.ts';
import type { BareCluster } from './bare-cluster.ts';
import { diagnosis } from './diagnosis.ts';
import { everything } from './everything.ts';
import { CHART } from './helm.ts';

/** The CRDs of the chart. */
const OWN_CRDS = readdirSync(path.join(CHART, 'files', 'crds')).length;

jest.setTimeout(180_000);

const SERVER = { entrypoint: [process.execPath, path.resolve(import.meta.dirname, '..', 'cluster', 'pod-server.ts')] };
const NAMESPACE = ['--namespace', 'weir-system'];
/** Short, so that the tests see certificates and CA renewed, and proxies end. */
const CERTIFICATES = ['certificates.lifetime=20s', 'certificates.caLifetime=120s'];
const PORTS = TRAFFIC_LISTENERS.flatMap(({ name, port }, i) => [
  `proxy.service.ports[${i}].name=${name}`,
  `proxy.service.ports[${i}].port=${port}`,
]);
const SETTINGS = [...CERTIFICATES, ...PORTS, 'proxy.workers=1', 'proxy.drain.delay=2s', 'proxy.drain.timeout=20s'];
const PAUSE_MS = 20;

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack', 'go'], 'Weir by Helm', () => {
  let bare: BareCluster;
  let cluster: Cluster;
  let backends: TrafficBackends;
  let before: readonly string[];
  let address = '';

  beforeAll(async () => {
    bare = await startBareCluster({ server: SERVER });
    ({ cluster } = bare);
    backends = await TrafficBackends.start(new URL(cluster.url).hostname);
    await cluster.apply(listOf(...backend()));
    await cluster.kubectl(['create', 'namespace', 'weir-system']);
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    before = await everything(cluster);
  }, 900_000);
  afterAll(async () => {
    await bare?.stop();
    await backends?.stop();
  });

  /** Rejects with the messages of the pods if Helm times out. */
  const helm = (...args: string[]) =>
    bare.helm.run(...args, ...NAMESPACE).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await diagnosis(cluster)}`);
    });
  const upgrade = (...sets: string[]) =>
    helm('upgrade', 'weir', CHART, '--wait', '--timeout', '2m', ...[...SETTINGS, ...sets].flatMap((set) => ['--set', set]));
  const rolledOut = (name: string) => cluster.kubectl(['rollout', 'status', `deployment/${name}`, ...NAMESPACE, '--timeout=90s']);
  const podNames = async () => (await cluster.kubectl(['get', 'pods', ...NAMESPACE, '-o', 'name'])).trim().split('\n').sort();

  /** Traffic of every kind during an action. */
  const under = async (during: () => Promise<unknown>) => unharmed(await traffic(backends.flows(address), during, PAUSE_MS));
  const serves = (path: string) => cluster.until(path, async () => (await fetch(`http://${address}${path}`)).status === 200);

  test('is installed by one command, which waits for readiness', async () => {
    const sets = SETTINGS.flatMap((set) => ['--set', set]);
    const notes = await helm('install', 'weir', CHART, '--wait', '--timeout', '2m', ...sets);
    expect(notes).toContain('Weir 0.1.0 is installed');
    expect(notes).not.toContain('no CRDs of the Gateway API');
    expect(await podNames()).toHaveLength(4);
  });

  test('answers a route at the address of its Service, which the Gateway reports', async () => {
    await cluster.apply(listOf(gateway('gw', TRAFFIC_LISTENERS), httpRoute('ready', 'web', ['gw/http']), ...backends.objects));
    await cluster.kubectl(['wait', '--for=condition=Programmed', 'gateway/gw', '--timeout=60s']).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await diagnosis(cluster)}`);
    });
    const { status } = (await cluster.object('gateway', 'gw')) as { status: { addresses: { value: string }[] } };
    const service = (await cluster.object('service', 'weir-proxy', 'weir-system')) as {
      status: { loadBalancer: { ingress: { ip: string }[] } };
    };
    expect(status.addresses).toEqual([{ type: 'IPAddress', value: service.status.loadBalancer.ingress[0]?.ip }]);
    address = status.addresses[0]?.value ?? '';
    await serves('/ready');
    await cluster.until('every kind of traffic', async () => {
      const { failures } = await traffic(backends.flows(address), () => Promise.resolve());
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      return true;
    });
  });

  test('passes helm test', async () => {
    expect(await helm('test', 'weir', '--timeout', '60s')).toContain('Phase:          Succeeded');
  });

  test('replaces controllers and proxies by an upgrade that changes their flags, without a failed request', async () => {
    const old = await podNames();
    await under(() => upgrade('controller.logLevel=debug', 'proxy.limits.max-headers=100'));
    await cluster.until('the end of the old pods', async () => !(await podNames()).some((pod) => old.includes(pod)));
  });

  test('reverts an upgrade by a rollback, without a failed request', async () => {
    await under(() => helm('rollback', 'weir', '1', '--wait', '--timeout', '2m'));
    const args = await cluster.kubectl(['get', 'deployment/weir-proxy', ...NAMESPACE, '-o', 'jsonpath={..args}']);
    expect(args).not.toContain('max-headers');
  });

  test('keeps the number of proxies when an autoscaler takes over', async () => {
    await upgrade('proxy.autoscaling.enabled=true');
    const { spec } = (await cluster.object('deployment', 'weir-proxy', 'weir-system')) as { spec: { replicas: number } };
    expect(spec.replicas).toBe(2);
    await upgrade();
  });

  test('renews certificates and their CA, and proxies reconnect with the new ones without a failed request', async () => {
    const first = await credentials(cluster);
    await under(async () => {
      await cluster.until(
        'a certificate of another CA, and the end of the first',
        async () => {
          const { certificate, ca } = await credentials(cluster);
          return ca !== first.ca && Date.parse(certificate.validFrom) > 0 && Date.parse(first.certificate.validTo) < Date.now();
        },
        150_000,
      );
      await cluster.kubectl(['rollout', 'restart', 'deployment/weir-controller', ...NAMESPACE]);
      await rolledOut('weir-controller');
    });
    // Only a connected proxy has the new configuration.
    await cluster.apply(listOf(httpRoute('live', 'web', ['gw/http'])));
    await serves('/live');
  }, 240_000);

  test('leaves only its CRDs after an uninstall', async () => {
    await cluster.kubectl(['delete', '-f', '-'], listOf(...backends.objects));
    await cluster.kubectl(['delete', 'httproutes/ready', 'httproutes/live', 'gateways/gw']);
    await helm('uninstall', 'weir', '--wait', '--timeout', '2m');
    // The API server creates an APIService for the group of a CRD.
    const ofCrds = /^(customresourcedefinitions|apiservices)\S* \S*gateway\.weir\.dev$/;
    const rest = async () => (await everything(cluster)).filter((object) => !before.includes(object) && !ofCrds.test(object));
    await cluster
      .until('the end of everything', async () => (await rest()).length === 0, 90_000)
      .catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${(await rest()).join('\n')}`);
      });
    const crds = await cluster.kubectl(['get', 'crds', '-o', 'name']);
    expect(crds.split('\n').filter((name) => name.endsWith('.gateway.weir.dev'))).toHaveLength(OWN_CRDS);
  });

  test('is installed again beside the CRDs that stayed', async () => {
    await helm('install', 'weir', CHART, '--wait', '--timeout', '2m', '--set', 'proxy.workers=1');
  });
});

/** The certificate of the shared proxies, and its CA. */
async function credentials(cluster: Cluster): Promise<{ readonly certificate: X509Certificate; readonly ca: string }> {
  const read = async (name: string) => {
    const { data } = (await cluster.object('secret', name, 'weir-system')) as { data: Record<string, string> };
    return Buffer.from(data['tls.crt'] ?? '', 'base64').toString();
  };
  return { certificate: new X509Certificate(await read('weir-proxy-credentials')), ca: await read('weir-ca') };
}

function backend(): object[] {
  const [apiVersion, labels] = ['v1', { app: 'web' }];
  const container = { name: 'web', image: 'server', readinessProbe: { periodSeconds: 1, httpGet: { path: '/ready', port: 8080 } } };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    { apiVersion, kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } },
  ];
}
