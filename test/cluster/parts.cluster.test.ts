// The cluster that other tests use: its parts are real, they refuse invalid objects, and they leave no resources behind.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { validateObject } from '#api/k8s/validate.ts';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';
import { statusWrites } from './audit.ts';
import { startCluster } from './cluster.ts';
import type { Account, Cluster } from './cluster.ts';
import { GATEWAY_API_VERSION, KUBERNETES } from './tools.ts';

// The first run on a machine builds the parts.
const BUILD_DEADLINE_MS = 15 * 60_000;

describeWith(['cluster'], 'test cluster', () => {
  let cluster: Cluster;
  let reader: Account;

  beforeAll(async () => {
    cluster = await startCluster({ audit: true });
    reader = await cluster.account('reader', [
      { apiGroups: ['gateway.weir.dev'], resources: ['backends'], verbs: ['get', 'list'] },
      { apiGroups: ['gateway.weir.dev'], resources: ['backends/status'], verbs: ['get', 'patch'] },
    ]);
  }, BUILD_DEADLINE_MS);
  afterAll(() => cluster?.stop());

  test('is of the version that was built', async () => {
    const { body } = await cluster.get('/version');
    expect(JSON.parse(body)).toMatchObject({ gitVersion: `v${KUBERNETES.version}`, major: '1', minor: '36' });
  });

  test('has the CRDs of the Gateway API', async () => {
    const crd = await cluster.object('crd', 'httproutes.gateway.networking.k8s.io');
    expect(crd).toMatchObject({
      metadata: {
        annotations: {
          'gateway.networking.k8s.io/bundle-version': `v${GATEWAY_API_VERSION}`,
          'gateway.networking.k8s.io/channel': 'experimental',
        },
      },
    });
  });

  test('enforces the CEL rules of the CRDs', async () => {
    const filters = [{ type: 'RequestRedirect', requestRedirect: { statusCode: 302 } }];
    const rule = { filters: [...filters, ...filters] };
    await expect(cluster.apply(httpRoute('twice', rule))).rejects.toThrow('RequestRedirect filter cannot be repeated');
  });

  test.each([
    [true, { service: 'a.B', method: 'Go' }],
    [true, { service: '.A.b_1' }],
    [true, { type: 'RegularExpression', method: '(?i)get.*' }],
    [false, {}],
    [false, { service: 'a/b' }],
    [false, { service: 'a..b' }],
    [false, { service: '1a' }],
    [false, { method: 'a.b' }],
    [false, { type: 'Prefix', service: 'a' }],
  ])('agrees with Weir (%s) on a method of a GRPCRoute: %j', async (good, method) => {
    const spec = { rules: [{ matches: [{ method }] }] };
    const object = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GRPCRoute',
      metadata: { name: 'calls', namespace: 'default' },
      spec,
    };
    expect(validateObject(object, { strict: true }).ok).toBe(good);
    const applied = cluster.apply(JSON.stringify(object)).then(
      () => true,
      () => false,
    );
    expect(await applied).toBe(good);
  });

  test('counts generations by spec alone', async () => {
    await cluster.apply(httpRoute('counted', { filters: [] }));
    const status = { status: { parents: [] } };
    await cluster.kubectl(['patch', 'httproute', 'counted', '--subresource=status', '--type=merge', '-p', JSON.stringify(status)]);
    expect(await cluster.object('httproute', 'counted')).toMatchObject({ metadata: { generation: 1 }, status: { parents: [] } });
  });

  test('gives a service account exactly its rights', async () => {
    expect((await cluster.get('/apis/gateway.weir.dev/v1alpha1/backends', reader.token)).status).toBe(200);
    expect((await cluster.get('/api/v1/secrets', reader.token)).status).toBe(403);
    expect((await cluster.get('/api/v1/secrets', 'wrong')).status).toBe(401);
  });

  test('records the user of a status write', async () => {
    await cluster.apply(backend('recorded', { endpoints: [{ ip: '192.0.2.1', port: 80 }] }));
    const patch = ['patch', 'backend', 'recorded', '--subresource=status', '--type=merge', '-p', '{"status":{"conditions":[]}}'];
    await cluster.kubectl([...patch, '--kubeconfig', reader.kubeconfig]);
    const writes = statusWrites(cluster.auditEvents(), reader.user);
    expect(writes).toHaveLength(1);
    expect(writes[0]).toMatchObject({
      verb: 'patch',
      objectRef: { resource: 'backends', name: 'recorded' },
      responseStatus: { code: 200 },
    });
  });

  test('keeps objects when the API server restarts', async () => {
    await cluster.apply(backend('kept', { endpoints: [{ ip: '192.0.2.1', port: 80 }] }));
    await cluster.restartApiServer();
    expect(await cluster.object('backend', 'kept')).toMatchObject({ metadata: { name: 'kept' } });
  });

  test('does not answer while the API server is paused, and answers afterwards', async () => {
    await cluster.pauseApiServer();
    await expect(cluster.send('GET', '/livez', { deadlineMs: 2_000 })).rejects.toThrow('aborted');
    cluster.resumeApiServer();
    await cluster.until('an answer', async () => (await cluster.get('/livez')).status === 200);
  });
});

describeWith(['cluster'], 'CRD of Backend', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ channel: 'standard' });
  }, BUILD_DEADLINE_MS);
  afterAll(() => cluster?.stop());

  test('fills in defaults', async () => {
    await cluster.apply(backend('plain', { endpoints: [{ ip: '192.0.2.1', port: 80 }] }));
    expect(await cluster.object('backend', 'plain')).toMatchObject({ spec: { protocol: 'http1' } });
  });

  test.each(['10.0.0.255', '::', '::1', 'fd00::a:1', '2001:db8:0:0:0:0:0:1', '::ffff:192.0.2.1'])('takes the address %s', async (ip) => {
    await cluster.apply(backend('address', { endpoints: [{ ip, port: 65_535 }] }));
    expect(await cluster.object('backend', 'address')).toMatchObject({ spec: { endpoints: [{ ip }] } });
  });

  test.each([
    ['a port', { endpoints: [{ ip: '192.0.2.1', port: 0 }] }, 'spec.endpoints[0].port'],
    ['a port beyond the last', { endpoints: [{ ip: '192.0.2.1', port: 65_536 }] }, 'spec.endpoints[0].port'],
    ['a protocol', { protocol: 'spdy', endpoints: [{ ip: '192.0.2.1', port: 80 }] }, 'supported values: "http1", "http2"'],
    ['a host name', { endpoints: [{ ip: 'db.internal', port: 80 }] }, 'must be an IPv4 or IPv6 address; a host name is not supported'],
    ['half an address', { endpoints: [{ ip: '10.0.0', port: 80 }] }, 'must be an IPv4 or IPv6 address'],
    ['no endpoints', {}, 'must set exactly one of endpoints, dns, consul, nats, registered'],
    ['an unknown field', { endpoint: [], endpoints: [{ ip: '192.0.2.1', port: 80 }] }, '.spec.endpoint: field not declared'],
  ])('refuses %s', async (_, spec, reason) => {
    await expect(cluster.apply(backend('wrong', spec))).rejects.toThrow(reason);
  });

  test('has columns, a short name and a category', async () => {
    await cluster.apply(backend('listed', { protocol: 'http2', endpoints: [{ ip: '192.0.2.7', port: 80 }] }));
    expect(await cluster.kubectl(['get', 'wbe', 'listed'])).toMatch(
      /^NAME\s+PROTOCOL\s+ENDPOINT\s+RESOLVED\s+AGE\s+listed\s+http2\s+192\.0\.2\.7\s/,
    );
    expect(await cluster.kubectl(['get', 'weir', '-o', 'name'])).toContain('backend.gateway.weir.dev/listed');
  });

  test('explains itself', async () => {
    const explain = () => cluster.kubectl(['explain', 'backends.gateway.weir.dev.spec']);
    // The API server publishes the schemas of CRDs some time after it serves them.
    await cluster.until('the schema', async () => (await explain()).includes('protocol'));
    expect(await explain()).toContain('http2 is HTTP/2');
  });

  test('keeps status apart from the rest', async () => {
    await cluster.apply(backend('apart', { endpoints: [{ ip: '192.0.2.1', port: 80 }] }));
    const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const patch = JSON.stringify({ spec: { protocol: 'http2' }, status: { conditions: [condition] } });
    await cluster.kubectl(['patch', 'backend', 'apart', '--subresource=status', '--type=merge', '-p', patch]);
    expect(await cluster.object('backend', 'apart')).toMatchObject({
      metadata: { generation: 1 },
      spec: { protocol: 'http1' },
      status: { conditions: [condition] },
    });
  });

  test('leaves neither process nor file behind', async () => {
    const pids = Object.values(cluster.pids());
    await cluster.stop();
    expect(existsSync(cluster.folder)).toBe(false);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describeWith(['cluster'], 'end of a test cluster', () => {
  test(
    'follows the end of its parent, even if that is killed',
    async () => {
      const program = `import { startCluster } from ${JSON.stringify(path.join(import.meta.dirname, 'cluster.ts'))};
      const cluster = await startCluster();
      console.log(JSON.stringify({ folder: cluster.folder, pids: Object.values(cluster.pids()) }));
      setInterval(() => undefined, 1000);`;
      const holder = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface(holder.stdout), 'line')) as [string];
      const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
      expect(pids.map(isAlive)).toEqual([true, true, true]);
      holder.kill('SIGKILL');
      await until(() => !pids.some(isAlive), 'the end of every part');
      rmSync(folder, { recursive: true });
    },
    BUILD_DEADLINE_MS,
  );
});

function isAlive(pid: number): boolean {
  // Not by a signal: a process that was not waited for still accepts one.
  return existsSync(`/proc/${pid}/exe`);
}

function backend(name: string, spec: object): string {
  return JSON.stringify({ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name }, spec });
}

function httpRoute(name: string, rule: object): string {
  const spec = { parentRefs: [{ name: 'some' }], rules: [rule] };
  return JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name }, spec });
}
