// The nodes that other tests use: Pods behave as on real nodes, and none of their processes outlives the test.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';
import { startCluster } from './cluster.ts';
import type { Answer } from './client.ts';
import type { Cluster } from './cluster.ts';
import { Api } from './node/api.ts';
import type { Pod, PodSpec, Service } from './node/objects.ts';
import { Tokens } from './node/token.ts';

// The first run on a machine builds the parts.
const BUILD_DEADLINE_MS = 15 * 60_000;
// Programs start slowly on a machine that is busy with other tests.
jest.setTimeout(90_000);

const NEEDS = ['cluster', 'root', 'ip', 'nft', 'conntrack'] as const;
const IMAGES = {
  server: { entrypoint: [process.execPath, path.join(import.meta.dirname, 'pod-server.ts')], env: { FROM_IMAGE: 'yes' } },
  shell: { entrypoint: ['sh', '-c'], arguments: ['exit 3'] },
};
const PROBE = { periodSeconds: 1, failureThreshold: 1, httpGet: { port: 'http', path: '/ready' } };
const SERVER = { name: 'server', image: 'server', ports: [{ name: 'http', containerPort: 8080 }], readinessProbe: PROBE };

describeWith(NEEDS, 'nodes of a test cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const nodes = [
      { name: 'east', labels: { zone: 'east' } },
      { name: 'west', labels: { zone: 'west' } },
    ];
    cluster = await startCluster({ channel: 'standard', nodes: { nodes, images: IMAGES } });
    await apply(deployment('web', 2), service('web', { type: 'LoadBalancer' }), pod('client', { containers: [SERVER] }));
    await Promise.all([rolledOut('web'), ready('client')]);
  }, BUILD_DEADLINE_MS);
  afterAll(() => cluster?.stop());

  const apply = (...objects: object[]) => cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const rolledOut = (name: string) => cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=60s']);
  const podNamed = async (name: string) => (await cluster.object('pod', name)) as unknown as Pod;
  const serviceNamed = async (name: string) => (await cluster.object('service', name)) as unknown as Service;
  const clusterIp = async (name: string) => (await serviceNamed(name)).spec.clusterIP ?? '';
  const ready = (name: string) => cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
  /** The answer of the server in a Pod. */
  const ask = async (name: string, target: string) => get(`http://${(await podNamed(name)).status?.podIP}:8080${target}`);
  const askFor = (name: string, verb: string, subject: string) => ask(name, `/${verb}/${encodeURIComponent(subject)}`);
  const remove = (name: string) => cluster.kubectl(['delete', 'pod', name, '--wait=false']);

  describe('network', () => {
    test('reaches every replica of a Service by its cluster address, from the test', async () => {
      const url = `http://${await clusterIp('web')}/`;
      await cluster.until('both', async () => (await answersOf(url, 4)).length === 2);
    });

    test('and from another Pod by its name', async () => {
      const seen = new Set<string | undefined>();
      await cluster.until('both', async () => {
        seen.add((await askFor('client', 'get', 'http://web.default.svc.cluster.local/')).body.split(' ')[0]);
        return seen.size === 2;
      });
      expect((await askFor('client', 'get', 'http://web/')).status).toBe(200);
    });

    test('knows no names outside the cluster', async () => {
      expect((await askFor('client', 'get', 'http://weir.example/')).body).toContain('ENOTFOUND');
    });

    test('lets a Pod reach itself through its Service', async () => {
      await apply(pod('self', { containers: [SERVER] }), service('self', {}, { name: 'self' }));
      await ready('self');
      const self = `http://${await clusterIp('self')}/`;
      await answers(self);
      expect((await askFor('self', 'get', self)).body).toContain('self');
    });

    test('gives a Service of type LoadBalancer an address that answers', async () => {
      const { status } = await serviceNamed('web');
      expect((await get(`http://${status?.loadBalancer?.ingress?.[0]?.ip}/`)).body).toMatch(/^web-/);
    });

    test('answers on the node port of every node', async () => {
      const nodePort = (await serviceNamed('web')).spec.ports?.find(({ name }) => name === 'http')?.nodePort;
      for (const node of ['east', 'west']) {
        const { status } = (await cluster.object('node', node)) as { status: { addresses: { address: string }[] } };
        expect((await get(`http://${status.addresses[0]?.address}:${nodePort}/`)).status).toBe(200);
      }
    });

    test('carries datagrams', async () => {
      expect(await echo(await clusterIp('web'), 53)).toMatch(/^web-/);
    });

    test('refuses connections to a Service without endpoints', async () => {
      await apply(service('nobody', {}));
      await expect(get(`http://${await clusterIp('nobody')}/`)).rejects.toThrow('ECONNREFUSED');
    });

    test('changes nothing on this machine except one link', () => {
      expect(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })).not.toContain('weir');
      expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain('pod-');
    });
  });

  describe('Deployment', () => {
    test('is spread over the nodes', async () => {
      const out = await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}']);
      expect(out.split(' ').toSorted()).toEqual(['east', 'west']);
    });

    test('is updated without a failed request', async () => {
      const address = await clusterIp('web');
      const stop = new AbortController();
      const traffic = Promise.all([1, 2].map(() => constantTraffic(`http://${address}/`, stop.signal)));
      await apply(deployment('web', 2, '2'));
      await rolledOut('web');
      stop.abort();
      const versions = (await traffic).flat();
      expect(new Set(versions)).toEqual(new Set(['1', '2']));
      expect(versions.length).toBeGreaterThan(20);
    });
  });

  describe('DaemonSet', () => {
    test('has a Pod on every node', async () => {
      const labels = { app: 'agent' };
      const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [SERVER] } } };
      await apply({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' }, spec });
      await cluster.kubectl(['rollout', 'status', 'daemonset/agent', '--timeout=60s']);
      const nodes = await cluster.kubectl(['get', 'pods', '-l', 'app=agent', '-o', 'jsonpath={.items[*].spec.nodeName}']);
      expect(nodes.split(' ').sort()).toEqual(['east', 'west']);
      await cluster.kubectl(['delete', 'daemonset/agent']);
    });
  });

  describe('probes', () => {
    test('readiness removes a Pod from its Service and adds it again', async () => {
      await apply(pod('moody', { containers: [SERVER] }), service('moody', {}, { name: 'moody' }));
      await ready('moody');
      const url = `http://${await clusterIp('moody')}/`;
      await answers(url);
      await ask('moody', '/set/ready/503');
      await cluster.until('refusal', () =>
        get(url).then(
          () => false,
          (error: Error) => error.message.includes('ECONNREFUSED'),
        ),
      );
      expect(await cluster.kubectl(['get', 'endpointslice', '-l', 'kubernetes.io/service-name=moody', '-o', 'yaml'])).toContain(
        'ready: false',
      );
      await ask('moody', '/set/ready/200');
      await answers(url);
    });

    test('liveness restarts a container, and its earlier log can still be read', async () => {
      const livenessProbe = { ...PROBE, failureThreshold: 3, httpGet: { port: 8080, path: '/live' } };
      await apply(pod('mortal', { containers: [{ ...SERVER, livenessProbe }] }));
      await ready('mortal');
      await ask('mortal', '/set/live/500');
      await cluster.until('the restart', async () => (await podNamed('mortal')).status?.containerStatuses?.[0]?.restartCount === 1);
      await ready('mortal');
      expect(await ask('mortal', '/live')).toMatchObject({ status: 200 });
      expect(await cluster.kubectl(['logs', 'mortal', '--previous'])).toContain('SIGTERM');
    });

    test('a startup probe delays the others, and a program can be a probe', async () => {
      const startupProbe = { periodSeconds: 1, failureThreshold: 30, exec: { command: ['test', '-e', '/tmp/started'] } };
      const readinessProbe = { periodSeconds: 1, tcpSocket: { port: 8080 } };
      await apply(pod('slow', { containers: [{ ...SERVER, startupProbe, readinessProbe }], volumes: [] }));
      await cluster.until('the server', async () => (await ask('slow', '/live')).status === 200);
      expect((await podNamed('slow')).status?.containerStatuses?.[0]).toMatchObject({ started: false, ready: false });
      await apply(pod('slow-too', { containers: [{ ...SERVER, startupProbe: { ...startupProbe, exec: { command: ['true'] } } }] }));
      await ready('slow-too');
    });
  });

  describe('configuration', () => {
    beforeAll(async () => {
      const env = [
        { name: 'PLAIN', value: '$(POD_NAME) of $(UNKNOWN) $$(POD_NAME)' },
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'EXPANDED', value: '$(POD_NAME)!' },
        { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'credentials', key: 'password' } } },
        { name: 'OPTIONAL', valueFrom: { secretKeyRef: { name: 'missing', key: 'password', optional: true } } },
      ];
      const volumeMounts = [
        { name: 'settings', mountPath: '/etc/settings' },
        { name: 'settings', mountPath: '/etc/one/colour', subPath: 'colour' },
        { name: 'credentials', mountPath: '/etc/credentials' },
        { name: 'about', mountPath: '/about' },
      ];
      const volumes = [
        { name: 'settings', configMap: { name: 'settings' } },
        {
          name: 'credentials',
          secret: { secretName: 'credentials', items: [{ key: 'password', path: 'deep/password' }], defaultMode: 0o400 },
        },
        { name: 'about', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      ];
      const resources = { limits: { cpu: '1500m' }, requests: { cpu: '100m' } };
      const envFrom = [{ prefix: 'S_', configMapRef: { name: 'settings' } }];
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'credentials' }, stringData: { password: 'hush' } };
      await apply(
        configMap('blue'),
        secret,
        pod('configured', { volumes, containers: [{ ...SERVER, env, envFrom, resources, volumeMounts }] }),
      );
      await ready('configured');
    });

    test.each([
      ['FROM_IMAGE', 'yes'],
      ['PLAIN', '$(POD_NAME) of $(UNKNOWN) $(POD_NAME)'],
      ['EXPANDED', 'configured!'],
      ['CPUS', '2'],
      ['COLOUR', 'blue'],
      ['S_colour', 'blue'],
      ['PASSWORD', 'hush'],
      ['OPTIONAL', 'unset'],
      ['HOSTNAME', 'configured'],
    ])('variable %s', async (name, value) => {
      expect(await askFor('configured', 'env', name)).toEqual({ status: 200, body: value });
    });

    test('gives a Pod its address', async () => {
      expect((await askFor('configured', 'env', 'ADDRESS')).body).toBe((await podNamed('configured')).status?.podIP);
    });

    test('becomes files', async () => {
      expect((await askFor('configured', 'file', '/etc/credentials/deep/password')).body).toBe('hush');
      expect((await askFor('configured', 'file', '/about/labels')).body).toContain('name="configured"');
    });

    test('follows a ConfigMap, but not through a subPath', async () => {
      await apply(configMap('green'));
      await cluster.until('the change', async () => (await askFor('configured', 'file', '/etc/settings/colour')).body === 'green');
      expect((await askFor('configured', 'file', '/etc/one/colour')).body).toBe('blue');
    });

    test('that is missing delays a Pod until it exists', async () => {
      const volumes = [{ name: 'late', configMap: { name: 'late' } }];
      await apply(pod('patient', { volumes, containers: [{ ...SERVER, volumeMounts: [{ name: 'late', mountPath: '/late' }] }] }));
      await cluster.until('its address', async () => (await podNamed('patient')).spec.nodeName !== undefined);
      expect((await podNamed('patient')).status?.phase).toBe('Pending');
      await apply({ ...configMap('here'), metadata: { name: 'late' } });
      await ready('patient');
      expect((await askFor('patient', 'file', '/late/colour')).body).toBe('here');
    });
  });

  describe('service account', () => {
    test('authenticates a Pod at the API server, with exactly its rights', async () => {
      const pods = '/api/v1/namespaces/default/pods';
      expect((await askFor('client', 'api', pods)).status).toBe(403);
      await cluster.kubectl(['create', 'role', 'reader', '--verb=list', '--resource=pods']);
      await cluster.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:default']);
      await cluster.until('the right', async () => (await askFor('client', 'api', pods)).status === 200);
      expect((await askFor('client', 'api', '/api/v1/namespaces/default/secrets')).status).toBe(403);
    });

    test('gets a new token long before the first one expires', async () => {
      const files = { apiServerCa: path.join(cluster.folder, 'apiserver.crt'), kubeletCa: '', kubeletCertificate: '', kubeletKey: '' };
      const { plan } = JSON.parse(readFileSync(path.join(cluster.folder, 'nodes.json'), 'utf8'));
      const api = new Api({ url: cluster.url, token: cluster.adminToken, files, folder: '', plan, nodes: [], images: {} });
      let now = Date.now();
      const tokens = new Tokens(api, await podNamed('client'), () => now);
      const first = String(await tokens.get({ expirationSeconds: 600 }));
      expect(tokens.renewalIn).toBeLessThanOrEqual(480_000);
      now += 470_000;
      expect(String(await tokens.get({ expirationSeconds: 600 }))).toBe(first);
      now += 20_000;
      const second = String(await tokens.get({ expirationSeconds: 600 }));
      expect(second).not.toBe(first);
      expect((await cluster.get('/api/v1/namespaces/default/pods', second)).status).toBe(200);
    });
  });

  describe('logs', () => {
    test('come through the API server', async () => {
      expect(await cluster.kubectl(['logs', 'client'])).toBe('serving as process 1 of user 0\n');
      const { body } = await cluster.get('/api/v1/namespaces/default/pods/client/log?timestamps=true&tailLines=1');
      expect(body).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z serving as process 1/);
    });

    test('cannot be requested by others', async () => {
      const { status } = (await cluster.object('node', 'east')) as { status: { addresses: { address: string }[] } };
      await expect(fetch(`https://${status.addresses[0]?.address}:10250/containerLogs/default/client/server`)).rejects.toThrow(
        'fetch failed',
      );
    });
  });

  describe('end of a Pod', () => {
    test('begins with preStop and SIGTERM', async () => {
      const preStop = { exec: { command: ['sh', '-c', 'echo preStop > /proc/1/fd/1; sleep 0.3'] } };
      await apply(pod('polite', { containers: [{ ...SERVER, lifecycle: { preStop } }] }));
      await ready('polite');
      const log = cluster.kubectl(['logs', '--follow', 'polite']);
      await remove('polite');
      expect(await log).toBe('serving as process 1 of user 0\npreStop\nSIGTERM\n');
      await gone('polite');
    });

    test('is forced after the grace period', async () => {
      const containers = [{ ...SERVER, env: [{ name: 'STUBBORN', value: '1' }] }];
      await apply(pod('stubborn', { containers, terminationGracePeriodSeconds: 1 }));
      await ready('stubborn');
      const started = performance.now();
      await remove('stubborn');
      await cluster.until('that it is leaving', async () =>
        (await cluster.kubectl(['get', 'pod', 'stubborn', '-o', 'yaml'])).includes('deletionTimestamp'),
      );
      await gone('stubborn');
      expect(performance.now() - started).toBeGreaterThan(900);
    });

    test('is immediate if it is forced', async () => {
      await apply(pod('forced', { containers: [{ ...SERVER, lifecycle: { preStop: { sleep: { seconds: 30 } } } }] }));
      await ready('forced');
      const address = (await podNamed('forced')).status?.podIP;
      await cluster.kubectl(['delete', 'pod', 'forced', '--grace-period=0', '--force']);
      await cluster.until('silence', () =>
        get(`http://${address}:8080/`).then(
          () => false,
          () => true,
        ),
      );
    });

    async function gone(name: string): Promise<void> {
      await cluster.until(`the end of ${name}`, async () => (await cluster.get(`/api/v1/namespaces/default/pods/${name}`)).status === 404);
    }
  });

  describe('containers', () => {
    test('run in order, share volumes, and run as the right user', async () => {
      const mounts = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
      const write = 'id -u > /shared/user; hostname > /shared/host; (touch /etc/passwd || echo read-only > /shared/root) 2>/dev/null';
      const securityContext = { runAsUser: 1234, runAsGroup: 1234, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
      const first = { name: 'first', image: 'shell', args: [write], securityContext, ...mounts };
      await apply(
        pod('ordered', { volumes: [{ name: 'shared', emptyDir: {} }], initContainers: [first], containers: [{ ...SERVER, ...mounts }] }),
      );
      await ready('ordered');
      const [user, host, root] = await Promise.all(['user', 'host', 'root'].map((file) => askFor('ordered', 'file', `/shared/${file}`)));
      expect([user?.body, host?.body, root?.body]).toEqual(['1234\n', 'ordered\n', 'read-only\n']);
    });

    test('have the sysctls of their Pod', async () => {
      const sysctls = ['ip_unprivileged_port_start', 'tcp_fin_timeout'].map((name) => ({ name: `net.ipv4.${name}`, value: '17' }));
      await apply(pod('tuned', { securityContext: { sysctls }, containers: [SERVER] }));
      await ready('tuned');
      const values = sysctls.map(({ name }) => askFor('tuned', 'file', `/proc/sys/${name.replaceAll('.', '/')}`));
      expect((await Promise.all(values)).map(({ body }) => body)).toEqual(['17\n', '17\n']);
    });

    test('see neither the processes nor the temporary files of this machine', async () => {
      expect((await askFor('client', 'file', '/proc/1/cmdline')).body).toContain('pod-server.ts');
      expect((await askFor('client', 'file', path.join(cluster.folder, 'tokens.csv'))).body).toContain('ENOENT');
    });

    test('complete a Job, or restart until they do', async () => {
      const script = 'test -e /shared/again || { touch /shared/again; exit 1; }';
      const mounts = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }], volumes: [{ name: 'shared', emptyDir: {} }] };
      const container = { name: 'job', image: 'shell', args: [script], volumeMounts: mounts.volumeMounts };
      const template = { spec: { restartPolicy: 'OnFailure', volumes: mounts.volumes, containers: [container] } };
      await apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'tried-twice' }, spec: { template } });
      await cluster.kubectl(['wait', '--for=condition=Complete', 'job/tried-twice', '--timeout=60s']);
    });

    test('that fail for good make their Pod fail', async () => {
      await apply(pod('failing', { restartPolicy: 'Never', containers: [{ name: 'failing', image: 'shell' }] }));
      await cluster.until('the end', async () => (await podNamed('failing')).status?.phase === 'Failed');
      expect((await podNamed('failing')).status?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    });

    test('with an unknown image report it', async () => {
      await apply(pod('imageless', { containers: [{ name: 'some', image: 'unknown' }] }));
      await cluster.until('the reason', async () => {
        const waiting = (await podNamed('imageless')).status?.containerStatuses?.[0]?.state.waiting;
        return waiting?.reason === 'ErrImagePull' && waiting.message === 'the cluster has no image unknown';
      });
    });
  });

  describe('unsupported features', () => {
    test('makes a Pod fail, by name', async () => {
      await apply(
        pod('hosted', { hostNetwork: true, volumes: [{ name: 'disk', hostPath: { path: '/' } } as never], containers: [SERVER] }),
      );
      await cluster.until('the failure', async () => (await podNamed('hosted')).status?.reason === 'Unsupported');
      expect((await podNamed('hosted')).status?.message).toBe('nodes of this cluster do not do hostNetwork, volume disk: hostPath');
    });
  });

  describe('scheduler', () => {
    test('respects nodeSelector', async () => {
      await apply(pod('western', { nodeSelector: { zone: 'west' }, containers: [SERVER] }));
      await apply(pod('northern', { nodeSelector: { zone: 'north' }, containers: [SERVER] }));
      await ready('western');
      expect((await podNamed('western')).spec.nodeName).toBe('west');
      await cluster.until('the reason', async () =>
        ((await podNamed('northern')).status?.conditions ?? []).some(
          ({ message }) => message === 'no node that accepts Pods has the labels of nodeSelector',
        ),
      );
    });
  });

  test('an API server that is down for a while has no effect', async () => {
    const url = `http://${await clusterIp('web')}/`;
    await cluster.stopApiServer();
    expect((await get(url)).status).toBe(200);
    await cluster.startApiServer();
    await cluster.kubectl(['scale', 'deployment/web', '--replicas=3']);
    await cluster.until('the third', async () => (await answersOf(url, 6)).length === 3);
  });
});

describeWith(NEEDS, 'end of the nodes of a test cluster', () => {
  test(
    'follows the end of their parent, even if that is killed',
    async () => {
      const program = `import { startCluster } from ${JSON.stringify(path.join(import.meta.dirname, 'cluster.ts'))};
      const cluster = await startCluster({ channel: 'standard', nodes: { images: ${JSON.stringify(IMAGES)} } });
      await cluster.apply(${JSON.stringify(JSON.stringify(pod('orphan', { containers: [SERVER] })))});
      await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/orphan', '--timeout=60s']);
      const { spec, status } = await cluster.object('pod', 'orphan');
      console.log(JSON.stringify({ folder: cluster.folder, pids: cluster.pids(), address: status.podIP }));
      setInterval(() => undefined, 1000);`;
      const holder = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface(holder.stdout), 'line')) as [string];
      const { folder, address } = JSON.parse(line) as { folder: string; address: string };
      const { plan } = JSON.parse(readFileSync(path.join(folder, 'nodes.json'), 'utf8')) as { plan: { link: string; block: string } };
      expect((await get(`http://${address}:8080/`)).body).toContain('orphan');
      const before = processesOf(folder);
      const namespaces = new Set(before.map((pid) => readlinkSync(`/proc/${pid}/ns/net`)));
      expect(namespaces.size).toBeGreaterThanOrEqual(2);
      holder.kill('SIGKILL');
      await until(() => !existsSync(`/sys/class/net/${plan.link}`), 'the end of the link');
      await until(() => !everyNamespace().some((namespace) => isForeign(namespace, namespaces)), 'the end of every namespace');
      expect(before.filter((pid) => existsSync(`/proc/${pid}/exe`))).toEqual([]);
      expect(execFileSync('ip', ['route'], { encoding: 'utf8' })).not.toContain(plan.block);
      expect(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })).not.toContain('weir');
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
      rmSync(folder, { recursive: true });
    },
    BUILD_DEADLINE_MS,
  );
});

/** Processes with the folder of a cluster in their arguments, and their descendants. */
function processesOf(folder: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((pid) => [pid, parentOf(pid)]));
  const named = new Set(all.filter((pid) => commandLine(pid).includes(folder)));
  const belongs = (pid: number): boolean => named.has(pid) || (pid > 1 && belongs(parents.get(pid) ?? 0));
  return all.filter(belongs);
}

function commandLine(pid: number): string {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')))?.[1] ?? 0);
}

/** The network namespaces in which some process is. */
function everyNamespace(): string[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map((pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/net`)));
}

function isForeign(namespace: string, namespaces: ReadonlySet<string>): boolean {
  return namespaces.has(namespace) && namespace !== readlinkSync('/proc/self/ns/net');
}

/** A process may end between two reads. */
function attempt(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}

async function get(url: string): Promise<Answer> {
  const request = http.get(url, { agent: false, signal: AbortSignal.timeout(5_000) });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

/** Resolves once the address answers: rules follow endpoints with a delay of milliseconds. */
async function answers(url: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const answered = await get(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() > deadline) throw new Error(`${url} did not answer`);
    await delay(20);
  }
}

/** The names of the Pods that answered, without duplicates. */
async function answersOf(url: string, count: number): Promise<string[]> {
  const bodies: string[] = [];
  for (let sent = 0; sent < count; sent += 1) bodies.push((await get(url)).body.split(' ')[0] ?? '');
  return [...new Set(bodies)];
}

/** Sequential requests, each on a new connection; resolves to the versions that answered, rejects on any failure. */
async function constantTraffic(url: string, signal: AbortSignal): Promise<string[]> {
  const versions: string[] = [];
  while (!signal.aborted) {
    const { status, body } = await get(url);
    if (status !== 200) throw new Error(`answered ${status}`);
    versions.push(body.split(' ')[1] ?? '');
  }
  return versions;
}

async function echo(address: string, port: number): Promise<string> {
  const socket = dgram.createSocket('udp4');
  try {
    socket.send('hello', port, address);
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
    return answer.toString();
  } finally {
    socket.close();
  }
}

function pod(name: string, spec: PodSpec): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { name } }, spec };
}

function deployment(name: string, replicas: number, version = '1'): object {
  const env = [{ name: 'VERSION', value: version }];
  const lifecycle = { preStop: { sleep: { seconds: 1 } } };
  const spec = { containers: [{ ...SERVER, env, lifecycle }] };
  const template = { metadata: { labels: { app: name } }, spec };
  const strategy = { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, strategy, selector: { matchLabels: { app: name } }, template },
  };
}

function service(name: string, spec: object, selector: object = { app: name }): object {
  const ports = [
    { name: 'http', port: 80, targetPort: 'http' },
    { name: 'echo', port: 53, targetPort: 9090, protocol: 'UDP' },
  ];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports, selector, ...spec } };
}

function configMap(colour: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour } };
}
