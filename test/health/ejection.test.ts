// Endpoints that fail under load, with proxies as users run them: without any policy, few requests fail before the endpoint is out, for all
// routes and workers; and it returns by itself.
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { createLog } from '#lib/log.ts';
import type * as ir from '#api/ir/ir.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { backend, cluster, listener, pathMatch, route } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A backend whose answers a test chooses; `reset` cuts connections, `hang` says nothing. */
class Moody {
  mood: 'well' | 500 | 503 | 'reset' | 'hang' = 'well';
  requests = 0;
  port = 0;
  readonly #server = http.createServer((request, response) => {
    this.requests++;
    if (this.mood === 'reset') return void request.socket.resetAndDestroy();
    if (this.mood === 'hang') return undefined;
    return void response.writeHead(this.mood === 'well' ? 200 : this.mood, { 'content-length': 0 }).end();
  });

  static async start(): Promise<Moody> {
    const made = new Moody();
    await new Promise<void>((resolve) => void made.#server.listen(0, '127.0.0.1', resolve));
    made.port = (made.#server.address() as { port: number }).port;
    closeLater(() => {
      made.#server.closeAllConnections();
      made.#server.close();
    });
    return made;
  }
}

/** Requests to a proxy, one after the other on each of several connections. */
class Load {
  readonly counts = { ok: 0, failed: 0 };
  #running = true;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #loops: Promise<void>[];

  constructor(port: number, connections: number, paths: readonly string[]) {
    this.#loops = Array.from({ length: connections }, (_, index) => this.#run(port, paths, index));
    closeLater(() => this.stop());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  async #run(port: number, paths: readonly string[], first: number): Promise<void> {
    for (let turn = first; this.#running; turn++) {
      const status = await this.#ask(port, paths[turn % paths.length] ?? '/');
      this.counts[status === 200 ? 'ok' : 'failed']++;
    }
  }

  #ask(port: number, path: string): Promise<number> {
    return new Promise((resolve) => {
      const request = http.get({ host: '127.0.0.1', port, path, agent: this.#agent }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', () => resolve(0));
    });
  }
}

function supervisor(workers: number): Supervisor {
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1_000, processMetrics: false };
  const made = new Supervisor({ workers, log: createLog('silent'), ...settings });
  closeLater(() => made.stop(1));
  return made;
}

function policy(passive: Record<string, unknown>, further: Record<string, unknown> = {}): ir.Policy {
  return {
    kind: 'Policy',
    key: 'BackendTrafficPolicy/default/p',
    policyKind: 'BackendTrafficPolicy',
    namespace: 'default',
    name: 'p',
    createdAt: 0,
    targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }],
    settings: { healthCheck: { passive }, ...further },
  };
}

const PATHS = Array.from({ length: 500 }, (_, index) => `/r${index}`);
const ROUTES = PATHS.map((path, index) =>
  route({ name: `r${index}`, key: `HTTPRoute/default/r${index}/0`, matches: [pathMatch('PathPrefix', path)], backends: [backend('app')] }),
);

async function backends(count: number): Promise<Moody[]> {
  return Promise.all(Array.from({ length: count }, () => Moody.start()));
}

async function serve(workers: number, resources: readonly ir.Resource[]): Promise<{ readonly proxy: Supervisor; readonly port: number }> {
  const [port = 0] = await freePorts(1);
  const proxy = supervisor(workers);
  expect(await proxy.apply([...resources, listener({ port })], [])).toEqual([]);
  return { proxy, port };
}

/** The endpoint has got nothing during as many requests to others. */
async function isOut(ill: Moody, others: readonly Moody[], requests = 200): Promise<boolean> {
  const sum = (): number => others.reduce((all, each) => all + each.requests, 0);
  const [before, ofIll] = [sum(), ill.requests];
  await until(() => sum() - before >= requests, 'requests to others');
  return ill.requests === ofIll;
}

describe('four endpoints, 500 routes, no policy', () => {
  test.each([
    [1, 500],
    [1, 503],
    [1, 'reset'],
    [2, 500],
  ] as const)(
    '%d workers: an endpoint that begins to fail (%s) is out after few requests, and returns by itself',
    async (workers, mood) => {
      const all = await backends(4);
      const [ill, ...others] = all as [Moody, ...Moody[]];
      const { proxy, port } = await serve(workers, [
        ...cluster(
          'app',
          all.map((each) => each.port),
        ),
        ...ROUTES,
      ]);
      const load = new Load(port, 8, PATHS);
      await until(() => all.every((each) => each.requests > 50), 'every endpoint gets requests');
      ill.mood = mood;
      const failedBefore = load.counts.failed;
      while (!(await isOut(ill, others))) continue;
      expect(load.counts.failed - failedBefore).toBeLessThan(30);
      expect(ejections(await proxy.metrics())).toEqual([`127.0.0.1:${ill.port}`]);
      ill.mood = 'well';
      const { requests } = ill;
      await until(() => ill.requests > requests + 50, 'the endpoint is back');
      await load.stop();
    },
  );
});

/** The endpoints with counted ejections. */
function ejections(metrics: string): string[] {
  return Array.from(metrics.matchAll(/^weir_upstream_ejections_total\{.*endpoint="([^"]*)".*\} [1-9]/gm), ([, endpoint = '']) => endpoint);
}

test('with retries no client sees the failures', async () => {
  const all = await backends(4);
  const retries = { retry: { attempts: 2, codes: [500, 503] } };
  const { port } = await serve(1, [
    ...cluster(
      'app',
      all.map((each) => each.port),
    ),
    route(),
    policy({ baseEjectionTime: 500 }, retries),
  ]);
  const load = new Load(port, 8, ['/']);
  await until(() => all.every((each) => each.requests > 50), 'every endpoint gets requests');
  all[0]!.mood = 503;
  while (!(await isOut(all[0]!, all.slice(1)))) continue;
  // On its return it fails again.
  const { requests } = all[0]!;
  await until(() => all[0]!.requests > requests, 'a request on probation');
  await load.stop();
  expect(load.counts.failed).toBe(0);
});

test('an endpoint that hangs is out after timeouts', async () => {
  const all = await backends(3);
  const timeouts = { timeouts: { backendRequest: 200 } };
  const { port } = await serve(1, [
    ...cluster(
      'app',
      all.map((each) => each.port),
    ),
    route(),
    policy({ consecutiveLocalErrors: 3 }, timeouts),
  ]);
  const load = new Load(port, 4, ['/']);
  all[0]!.mood = 'hang';
  await until(() => load.counts.failed >= 3, 'timeouts');
  while (!(await isOut(all[0]!, all.slice(1)))) continue;
  expect(load.counts.failed).toBeLessThan(12);
});

test('a policy turns ejection off, and on again', async () => {
  const all = await backends(2);
  const { proxy, port } = await serve(1, [
    ...cluster(
      'app',
      all.map((each) => each.port),
    ),
    route(),
    policy({ maxEjectionPercent: 0 }),
  ]);
  all[0]!.mood = 500;
  const load = new Load(port, 2, ['/']);
  await until(() => load.counts.failed > 100, 'failures go on');
  expect(ejections(await proxy.metrics())).toEqual([]);
  await proxy.apply([policy({ consecutive5xx: 2, maxEjectionPercent: 50 })], []);
  while (!(await isOut(all[0]!, all.slice(1)))) continue;
});

test('a worker that starts later avoids an endpoint that another has ejected', async () => {
  const all = await backends(2);
  const { proxy, port } = await serve(2, [
    ...cluster(
      'app',
      all.map((each) => each.port),
    ),
    route(),
    policy({ baseEjectionTime: 3_600_000 }),
  ]);
  all[0]!.mood = 500;
  const load = new Load(port, 8, ['/']);
  while (!(await isOut(all[0]!, all.slice(1)))) continue;
  await load.stop();
  const { requests } = all[0]!;
  process.kill(workerPid(), 'SIGKILL');
  await until(() => proxy.restarts === 1 && proxy.serving === 2, 'the replacement');
  const later = new Load(port, 16, ['/']);
  await until(() => later.counts.ok > 300, 'requests');
  expect(all[0]!.requests).toBe(requests);
});

/** The process id of one of the workers of this process. */
function workerPid(): number {
  const { stdout } = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'worker-main'], { encoding: 'utf8' });
  return Number(stdout.split('\n')[0]);
}
