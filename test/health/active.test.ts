// Active health checks with proxies as users run them: an endpoint that fails its check gets no requests, in any worker and across changes.
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { createLog } from '#lib/log.ts';
import type * as ir from '#api/ir/ir.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, pathMatch, route, backend } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A backend with a health that tests change. */
class Checked {
  healthy = true;
  requests = 0;
  probes = 0;
  /** The request lines and hosts of its probes. */
  readonly seen = new Set<string>();
  port = 0;
  readonly #server = http.createServer((request, response) => {
    if (request.headers['user-agent'] !== 'weir-health-check') {
      this.requests++;
      return void response.end('ok');
    }
    this.probes++;
    this.seen.add(`${request.method} ${request.url} ${request.headers.host}`);
    return void response.writeHead(this.healthy ? 200 : 503).end();
  });

  static async start(): Promise<Checked> {
    const made = new Checked();
    await new Promise<void>((resolve) => void made.#server.listen(0, '127.0.0.1', resolve));
    made.port = (made.#server.address() as { port: number }).port;
    closeLater(() => {
      made.#server.closeAllConnections();
      made.#server.close();
    });
    return made;
  }
}

const ACTIVE = { path: '/healthz', interval: 60, timeout: 20_000, unhealthyThreshold: 2 };

function policy(active: Record<string, unknown>, target: Partial<ir.PolicyTarget> = {}): ir.Policy {
  const whole = { kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target };
  const key = `BackendTrafficPolicy/default/${whole.name}`;
  const described = { kind: 'Policy', key, policyKind: 'BackendTrafficPolicy', namespace: 'default', name: whole.name } as const;
  return { ...described, createdAt: 0, targets: [whole], settings: { healthCheck: { active } } };
}

async function serve(workers: number, resources: readonly ir.Resource[]): Promise<{ readonly proxy: Supervisor; readonly port: number }> {
  const [port = 0] = await freePorts(1);
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1_000, processMetrics: false };
  const proxy = new Supervisor({ workers, log: createLog('silent'), ...settings });
  closeLater(() => proxy.stop(1));
  expect(await proxy.apply([...resources, listener({ port })], [])).toEqual([]);
  return { proxy, port };
}

/** Sends requests on new connections until the condition holds. */
async function ask(port: number, done: () => boolean, path = '/'): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${String(done)}`);
    await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } }).then((response) => response.text());
  }
}

/** Whether many requests reach the one and not the other. */
async function avoids(port: number, ill: Checked, well: Checked): Promise<boolean> {
  const [ofIll, ofWell] = [ill.requests, well.requests];
  await ask(port, () => well.requests >= ofWell + 20);
  return ill.requests === ofIll;
}

async function pair(): Promise<[Checked, Checked]> {
  return [await Checked.start(), await Checked.start()];
}

test.each([1, 2])('%d workers: an endpoint that fails its check gets no requests until it passes again', async (workers) => {
  const [ill, well] = await pair();
  const { proxy, port } = await serve(workers, [...cluster('app', [ill.port, well.port]), route(), policy(ACTIVE)]);
  await ask(port, () => ill.requests > 5 && well.requests > 5 && ill.probes > 0);
  ill.healthy = false;
  while (!(await avoids(port, ill, well))) continue;
  expect(await proxy.metrics()).toMatch(/^weir_health_targets\{health="unhealthy"\} 1$/m);
  expect(await proxy.metrics()).toMatch(/^weir_health_probes_total\{outcome="status"\} [1-9]/m);
  ill.healthy = true;
  const { requests } = ill;
  await ask(port, () => ill.requests > requests + 5);
  expect([...ill.seen]).toEqual([`GET /healthz 127.0.0.1:${ill.port}`]);
});

test('a result outlives changes of the configuration and workers that are replaced', async () => {
  const [ill, well] = await pair();
  ill.healthy = false;
  const [slow, target] = [{ ...ACTIVE, unhealthyInterval: 3_600_000 }, cluster('app', [ill.port, well.port])];
  const { proxy, port } = await serve(2, [...target, route(), policy(slow)]);
  while (!(await avoids(port, ill, well))) continue;
  await proxy.apply([route({ timeouts: { request: 60_000, backendRequest: null } }), ...target], []);
  expect(await avoids(port, ill, well)).toBe(true);
  const { stdout } = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'worker-main'], { encoding: 'utf8' });
  process.kill(Number(stdout.split('\n')[0]), 'SIGKILL');
  await until(() => proxy.restarts === 1 && proxy.serving === 2, 'the replacement');
  expect(await avoids(port, ill, well)).toBe(true);
  expect(ill.probes).toBe(1);
});

test('if all endpoints fail their checks, all are used', async () => {
  const [one, two] = await pair();
  one.healthy = two.healthy = false;
  const { port } = await serve(1, [...cluster('app', [one.port, two.port]), route(), policy(ACTIVE)]);
  await until(() => one.probes > 1 && two.probes > 1, 'probes');
  await ask(port, () => one.requests > 5 && two.requests > 5);
});

test('rules with equal checks share the probes, and a rule without one uses all endpoints', async () => {
  const [ill, well] = await pair();
  ill.healthy = false;
  const rules = ['a', 'b', 'free'].map((name) =>
    route({ name, key: `HTTPRoute/default/${name}/0`, matches: [pathMatch('PathPrefix', `/${name}`)], backends: [backend('app')] }),
  );
  const slow = { ...ACTIVE, unhealthyInterval: 3_600_000, interval: 3_600_000 };
  const policies = ['a', 'b'].map((name) => policy(slow, { kind: 'HTTPRoute', name }));
  const { port } = await serve(2, [...cluster('app', [ill.port, well.port]), ...rules, ...policies]);
  await until(() => ill.probes > 0 && well.probes > 0, 'probes');
  for (const path of ['/a', '/b']) {
    const { requests } = well;
    await ask(port, () => well.requests > requests + 10, path);
  }
  await ask(port, () => ill.requests > 5, '/free');
  expect([ill.probes, well.probes]).toEqual([1, 1]);
});

test('a port of its own decides about all endpoints of its address, and a policy that goes ends the probes', async () => {
  const [probed, other] = await pair();
  const { proxy, port } = await serve(1, [...cluster('app', [other.port]), route(), policy({ ...ACTIVE, port: probed.port })]);
  await until(() => probed.probes > 2, 'probes');
  await proxy.apply([], [{ kind: 'Policy', key: 'BackendTrafficPolicy/default/gateway' }]);
  await ask(port, () => other.requests > 5);
  expect(other.probes).toBe(0);
  expect(await proxy.metrics()).toMatch(/^weir_health_targets\{health="healthy"\} 1$/m);
});
