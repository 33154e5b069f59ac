// `weir proxy` as a process, from start to end: probes, metrics, the last good configuration, drain, signals.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { PushCache } from '../../controller/push/cache.ts';
import { PushServer } from '../../controller/push/server.ts';
import { Backend } from '../support/backend.ts';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, ORIGIN, route } from '../support/proxy.ts';
import { keptConnection, newConnections } from '../support/flows.ts';
import type { Judge } from '../support/flows.ts';
import { RecordingObserver } from '../support/push.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow } from '../support/traffic.ts';
import { sendSignal } from '../support/send-signal.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];
let folder = '';
let backend: Backend;
let port = 0;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-proxy-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  backend = await new Backend('one').start();
  closers.push(() => backend.stop());
  [port = 0] = await freePorts(1);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The push plane of a controller, which pushes once a test gives it resources. */
async function startController(): Promise<{ cache: PushCache; address: string; stop: () => Promise<void> }> {
  const cache = new PushCache();
  const options = { address: '127.0.0.1:0', tls: 'plaintext', cacheOf: () => cache, observer: new RecordingObserver() } as const;
  const server = new PushServer({ ...options, log: createLog('silent') });
  const pushPort = await server.start();
  const stop = (): Promise<void> => server.stop();
  closers.push(stop);
  return { cache, address: `127.0.0.1:${pushPort}`, stop };
}

function resources(backendPort = backend.port): ir.Resource[] {
  return [...cluster('app', [backendPort]), listener({ port }), route()];
}

function give(cache: PushCache, changed: readonly ir.Resource[]): void {
  cache.apply({ changed: changed.map(ir.encodeResource), removed: [] });
}

/** A proxy process with its probe and admin ports. */
interface Started {
  readonly child: Child;
  readonly probe: string;
  readonly admin: string;
}

async function startProxy(controller: string, ...args: string[]): Promise<Started> {
  const child = new Child([
    ...['proxy', '--controller', controller, '--workers', '1', '--access-log', 'off'],
    ...['--probe-port', '0', '--admin-port', '0', '--drain-delay', '0', ...args],
  ]);
  closers.push(() => child.stop('SIGKILL'));
  const [line] = await child.printed(/\{.*admin and probe ports.*\}/);
  const { admin, probe } = JSON.parse(line) as { admin: number; probe: number };
  return { child, admin: `127.0.0.1:${admin}`, probe: `http://127.0.0.1:${probe}` };
}

async function ready(probe: string): Promise<string> {
  const response = await fetch(`${probe}/readyz`);
  return `${response.status} ${(await response.text()).trim()}`;
}

async function untilReady({ child, probe }: Started): Promise<void> {
  await child.printed(/"msg":"ready"/);
  expect(await ready(probe)).toBe('200 ok');
}

const fromOne: Judge = (status, body) => (status === 200 && body.includes('"backend":"one"') ? null : `${status} ${body.slice(0, 100)}`);

function kept(path = 'x'): Flow {
  return keptConnection(`http://127.0.0.1:${port}/${path}`, fromOne);
}

function fresh(): Flow {
  return newConnections(`http://127.0.0.1:${port}/x`, fromOne);
}

describe('a proxy', () => {
  test('is alive at once, ready with its first complete configuration, and has metrics and dumps', async () => {
    const { cache, address } = await startController();
    const started = await startProxy(address);
    expect((await fetch(`${started.probe}/livez`)).status).toBe(200);
    expect(await ready(started.probe)).toBe('503 no complete configuration yet');
    give(cache, resources());
    await untilReady(started);
    const { requests, failures } = await traffic([fresh()], () => until(() => backend.requests > 5, 'requests'));
    expect(failures).toEqual([]);
    const response = await fetch(`${started.probe}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const metrics = parse(await response.text());
    expect(metrics.get(`weir_requests_total{${ORIGIN},status="200",status_class="2xx"}`)).toBe(requests);
    expect(metrics.get(`weir_request_duration_seconds_bucket{${ORIGIN},le="+Inf"}`)).toBe(requests);
    expect(metrics.get('weir_config_changes_total')).toBeGreaterThan(0);
    expect(metrics.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    const explained = await runWeir(['explain', `http://127.0.0.1:${port}/x`, '--proxy', started.admin]);
    expect(explained.stdout).toContain('HTTPRoute default/route');
    expect(await started.child.stop()).toBe(0);
  });

  test('that starts without its controller serves its last good configuration', async () => {
    const { cache, address, stop } = await startController();
    const file = path.join(folder, 'last-good');
    const first = await startProxy(address, '--last-good', file);
    give(cache, resources());
    await untilReady(first);
    expect(await first.child.stop()).toBe(0);
    await stop();
    const second = await startProxy(address, '--last-good', file);
    const [line] = await second.child.printed(/\{.*"msg":"ready".*\}/);
    expect(JSON.parse(line)).toMatchObject({ source: 'last-good' });
    expect(await ready(second.probe)).toBe('200 ok');
    const { failures } = await traffic([fresh(), kept()], () => until(() => backend.requests > 5, 'requests'));
    expect(failures).toEqual([]);
  });

  test('serves every request while it drains, and completes running ones', async () => {
    const { slow, release } = await startSlowBackend();
    const { cache, address } = await startController();
    const started = await startProxy(address, '--drain-delay', '2s', '--drain-timeout', '20s');
    give(cache, [...resources(), ...cluster('slow', [slow]), slowRoute()]);
    await untilReady(started);
    const late = fetch(`http://127.0.0.1:${port}/slow`);
    let exit: Promise<number | null> = Promise.resolve(null);
    // New requests still arrive, as from a load balancer that does not know of the drain yet.
    const { failures } = await traffic([kept(), kept(), fresh(), fresh()], async () => {
      await until(() => backend.requests > 20, 'traffic');
      exit = started.child.stop('SIGTERM');
      await started.child.printed(/"msg":"draining"/);
      expect(await ready(started.probe)).toBe('503 draining');
      const served = backend.requests;
      await until(() => backend.requests > served + 20, 'traffic while it drains');
    });
    expect(failures).toEqual([]);
    await untilRefused();
    release();
    const response = await late;
    expect([response.status, await response.text(), response.headers.get('connection')]).toEqual([200, 'late', 'close']);
    expect(await exit).toBe(0);
  });

  test('cuts exchanges at the drain timeout', async () => {
    const { slow } = await startSlowBackend();
    const { cache, address } = await startController();
    const started = await startProxy(address, '--drain-timeout', '300ms');
    give(cache, [...resources(slow)]);
    await untilReady(started);
    const stuck = fetch(`http://127.0.0.1:${port}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await untilMetric(started, 'weir_requests_active', 1);
    expect(await started.child.stop()).toBe(0);
    expect(await stuck).toBe('cut');
  });

  test('ends at once after a second signal', async () => {
    const { cache, address } = await startController();
    const started = await startProxy(address, '--drain-delay', '1h');
    give(cache, resources());
    await untilReady(started);
    sendSignal(started.child.pid, 'SIGTERM');
    await started.child.printed(/"msg":"draining"/);
    // Null: the signal ended the process.
    expect(await started.child.stop('SIGTERM')).toBeNull();
  });

  test('ends its workers when it is killed', async () => {
    const { cache, address } = await startController();
    const started = await startProxy(address, '--workers', '2');
    give(cache, resources());
    await untilReady(started);
    const workers = spawnSync('pgrep', ['-P', String(started.child.pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);
    expect(workers).toHaveLength(2);
    await started.child.stop('SIGKILL');
    await until(() => workers.every((pid) => !isRunning(Number(pid))), 'the end of the workers');
  });

  test('serves although its access log is not read, and can still be stopped', async () => {
    const fifo = path.join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    closers.push(() => closeSync(held));
    const { cache, address } = await startController();
    const started = await startProxy(address, '--access-log', fifo);
    give(cache, resources());
    await untilReady(started);
    const long = kept('x'.repeat(600));
    const { failures } = await traffic([long, long], () => until(() => backend.requests > 400, 'more lines than the pipe holds'));
    expect(failures).toEqual([]);
    expect(await started.child.stop()).toBeNull();
    expect(started.child.output).toContain('the access log could not be written to its end');
  });
});

/** Series with their values. */
function parse(text: string): Map<string, number> {
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(series.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

async function untilMetric({ probe }: Started, name: string, value: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (parse(await (await fetch(`${probe}/metrics`)).text()).get(name) !== value) {
    if (performance.now() > deadline) throw new Error(`${name} did not become ${value}`);
  }
}

/** Answers `late` when the test releases it. */
async function startSlowBackend(): Promise<{ slow: number; release: () => void }> {
  const released = Promise.withResolvers<void>();
  const server = http.createServer((_, response) => void released.promise.then(() => response.end('late')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { slow: (server.address() as net.AddressInfo).port, release: () => released.resolve() };
}

function slowRoute(): ir.Route {
  const path = { type: 'PathPrefix', value: '/slow' } as const;
  const backends = [{ cluster: 'Service/default/slow/80', weight: 1, filters: [] }];
  return route({ name: 'slow', matches: [{ path, method: null, headers: [], queryParams: [] }], backends });
}

async function untilRefused(): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const refused = await fetch(`http://127.0.0.1:${port}/x`).then(
      async (response) => void (await response.text()),
      () => true,
    );
    if (refused === true) return;
    if (performance.now() > deadline) throw new Error('connections are still accepted');
  }
}

/** Whether a process exists and is no zombie. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}
