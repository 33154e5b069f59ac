// Workers in their own processes: a failure of one does not affect the others.
import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import tls from 'node:tls';
import { createLog } from '#lib/log.ts';
import { Backend } from '../../test/support/backend.ts';
import { freePorts } from '../../test/support/free-port.ts';
import { cluster, listener, pathMatch, route } from '../../test/support/proxy.ts';
import { keptConnection, newConnections } from '../../test/support/flows.ts';
import type { Judge } from '../../test/support/flows.ts';
import { sendSignal } from '../../test/support/send-signal.ts';
import { GONE, onlyLostWithTheKilled } from '../../test/support/sudden-death.ts';
import { traffic } from '../../test/support/traffic.ts';
import type { Flow } from '../../test/support/traffic.ts';
import { until } from '../../test/support/until.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import { HEARTBEAT } from './child-worker.ts';
import { Supervisor } from './supervisor.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startBackend(name: string): Promise<Backend> {
  const backend = await new Backend(name).start();
  closers.push(() => backend.stop());
  return backend;
}

function startSupervisor(workers: number, heartbeat = HEARTBEAT): Supervisor {
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1_000, processMetrics: false };
  const supervisor = new Supervisor({ workers, log: createLog('silent'), heartbeat, ...settings });
  closers.push(() => supervisor.stop(1));
  return supervisor;
}

/** Process ids of the workers of this process. */
function workerPids(): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'worker-main'], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

function from(backend: string): Judge {
  return (status, body) => (status === 200 && body.includes(`"backend":"${backend}"`) ? null : `${status} ${body.slice(0, 100)}`);
}

function freshTo(port: number, backend = 'one'): Flow {
  return newConnections(`http://127.0.0.1:${port}/`, from(backend));
}

function counted(metrics: string, name: string): number {
  return [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
}

describe('a heap snapshot', () => {
  test('may stop a worker for longer than its heartbeat allows', async () => {
    // Short only while the worker is stopped: on a busy machine others take longer to start.
    const heartbeat = { every: 50, timeout: 60_000 };
    const supervisor = startSupervisor(2, heartbeat);
    await until(() => supervisor.serving === 2, 'two workers');
    const process0 = [...(await supervisor.reports()).keys()].find((key) => key.startsWith('0/')) ?? '';
    const pid = Number(process0.slice(2));
    let bytes = 0;
    const stopWorker = async (): Promise<void> => {
      sendSignal(pid, 'SIGSTOP');
      heartbeat.timeout = 10;
      // Time for many checks.
      await setTimeout(1_000);
      heartbeat.timeout = 60_000;
      sendSignal(pid, 'SIGCONT');
    };
    const part = (data: Buffer): Promise<void> => {
      const isFirst = bytes === 0;
      bytes += data.length;
      return isFirst ? stopWorker() : Promise.resolve();
    };
    const { signal } = new AbortController();
    expect(await supervisor.inspect({ kind: 'heapSnapshot' }, 0, { part, signal })).toEqual({ ok: true, value: { dropped: 0 } });
    expect(bytes).toBeGreaterThan(1_000_000);
  });
});

describe('several workers', () => {
  test('may start for longer than their heartbeat allows', async () => {
    const heartbeat = { every: 10, timeout: 10 };
    const supervisor = startSupervisor(2, heartbeat);
    for (const pid of workerPids()) sendSignal(pid, 'SIGSTOP');
    // Time for many checks.
    await setTimeout(500);
    heartbeat.timeout = HEARTBEAT.timeout;
    for (const pid of workerPids()) sendSignal(pid, 'SIGCONT');
    await until(() => supervisor.serving === 2, 'two workers');
    expect(supervisor.restarts).toBe(0);
  });

  test('share a port, report an error once, and add up their counters', async () => {
    const one = await startBackend('one');
    const [port, other] = (await freePorts(2)) as [number, number];
    const supervisor = startSupervisor(2);
    const refused = listener({ key: 'default/gateway/tls', port: other, protocol: 'TLS' });
    const errors = await supervisor.apply([...cluster('app', [one.port]), listener({ port }), refused, route()], []);
    expect(errors).toEqual([expect.objectContaining({ kind: 'Listener', key: 'default/gateway/tls' })]);
    expect(supervisor.boundPort(port)).toBe(port);
    expect(workerPids()).toHaveLength(2);
    const { requests, failures } = await traffic([freshTo(port), freshTo(port)], () => until(() => one.requests > 100, 'requests'));
    expect(failures).toEqual([]);
    const metrics = await supervisor.metrics();
    expect(counted(metrics, 'weir_requests_total')).toBe(requests);
    expect(counted(metrics, 'weir_workers')).toBe(2);
  });

  test('all avoid an endpoint that is forced out, also those that start later', async () => {
    const [one, two] = [await startBackend('one'), await startBackend('two')];
    const [port = 0] = await freePorts(1);
    const supervisor = startSupervisor(2);
    await supervisor.apply([...cluster('app', [one.port, two.port]), listener({ port }), route()], []);
    supervisor.broadcast.publish('override', `127.0.0.1|${one.port}`, 'out');
    // A worker takes messages in order.
    await supervisor.metrics();
    const [pid = 0] = workerPids();
    // Requests of the killed worker may fail; none may reach the endpoint.
    await traffic([freshTo(port, 'two'), freshTo(port, 'two')], async () => {
      await until(() => two.requests > 50, 'requests');
      process.kill(pid, 'SIGKILL');
      await until(() => supervisor.restarts === 1 && supervisor.serving === 2, 'the replacement');
      const before = two.requests;
      await until(() => two.requests > before + 50, 'more requests');
    });
    expect(one.requests).toBe(0);
    supervisor.broadcast.publish('override', `127.0.0.1|${one.port}`, null);
    await traffic([newConnections(`http://127.0.0.1:${port}/`, () => null)], () => until(() => one.requests > 0, 'the endpoint is back'));
  });

  test('a killed worker is replaced and counted; the others serve new connections, and all workers get changes', async () => {
    const [one, two] = [await startBackend('one'), await startBackend('two')];
    const [port = 0] = await freePorts(1);
    const supervisor = startSupervisor(2);
    await supervisor.apply([...cluster('app', [one.port]), ...cluster('next', [two.port]), listener({ port }), route()], []);
    const before = workerPids();
    expect(before).toHaveLength(2);
    let counts = 0;
    const flows = [freshTo(port), keptConnection(`http://127.0.0.1:${port}/`, from('one'))];
    const result = await traffic(flows, async (enter) => {
      await until(() => one.requests > 50, 'traffic');
      counts = counted(await supervisor.metrics(), 'weir_requests_total');
      sendSignal(before[0], 'SIGKILL');
      await until(() => supervisor.restarts === 1, 'the death');
      enter(GONE);
      const served = one.requests;
      await until(() => one.requests > served + 50, 'traffic without it');
      await until(() => supervisor.serving === 2, 'the replacement');
    });
    onlyLostWithTheKilled(result, flows.length);
    expect(result.requests).toBeGreaterThan(100);
    const after = workerPids();
    expect(after).toHaveLength(2);
    expect(after).not.toContain(before[0]);
    const metrics = await supervisor.metrics();
    expect(counted(metrics, 'weir_worker_restarts_total')).toBe(1);
    expect(counted(metrics, 'weir_requests_total')).toBeGreaterThan(counts);
    expect(await supervisor.apply([route({ backends: [{ cluster: 'Service/default/next/80', weight: 1, filters: [] }] })], [])).toEqual([]);
    const changed = await traffic([freshTo(port, 'two')], () => until(() => two.requests > 60, 'traffic to the other'));
    expect(changed.failures).toEqual([]);
  });

  test('a hanging worker is killed and replaced, and delays no change forever', async () => {
    const one = await startBackend('one');
    const [port = 0] = await freePorts(1);
    // The timeout is short only while one hangs: a start takes seconds on a busy machine.
    const heartbeat = { ...HEARTBEAT, every: 50 };
    const supervisor = startSupervisor(2, heartbeat);
    await supervisor.apply([...cluster('app', [one.port]), listener({ port })], []);
    const [hung] = workerPids();
    sendSignal(hung, 'SIGSTOP');
    heartbeat.timeout = 1_000;
    const applied = supervisor.apply([route()], []);
    await until(() => supervisor.restarts > 0, 'the end of the worker that hangs');
    heartbeat.timeout = HEARTBEAT.timeout;
    expect(await applied).toEqual([]);
    await until(() => supervisor.serving === 2, 'the replacement');
    expect(workerPids()).not.toContain(hung);
    const { failures } = await traffic([freshTo(port)], () => until(() => one.requests > 50, 'requests'));
    expect(failures).toEqual([]);
  });

  test('a session resumes at each of them', async () => {
    const [port = 0] = await freePorts(1);
    const supervisor = startSupervisor(2);
    const { key, cert } = certificate();
    const secret = { kind: 'Secret', key: 'default/tls', certificate: cert, privateKey: key } as const;
    const https = listener({ port, protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/tls'] } });
    expect(await supervisor.apply([secret, https, route({ matches: [pathMatch('PathPrefix', '/')] })], [])).toEqual([]);
    const first = await handshake(port);
    expect(first.reused).toBe(false);
    for (let i = 0; i < 12; i++) expect((await handshake(port, first.session)).reused).toBe(true);
  });
});

test('a single worker serves in the process itself', async () => {
  const one = await startBackend('one');
  const [port = 0] = await freePorts(1);
  const supervisor = startSupervisor(1);
  expect(await supervisor.apply([...cluster('app', [one.port]), listener({ port }), route()], [])).toEqual([]);
  expect(workerPids()).toEqual([]);
  const { failures } = await traffic([freshTo(port)], () => until(() => one.requests > 5, 'requests'));
  expect(failures).toEqual([]);
  expect(await supervisor.stop(1_000)).toBe(true);
});

function certificate(): { key: string; cert: string } {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=a', '-days', '2'];
  const pem = execFileSync('openssl', [...args, '-keyout', '-', '-out', '-'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const cut = pem.indexOf('-----BEGIN CERTIFICATE');
  return { key: pem.slice(0, cut), cert: pem.slice(cut) };
}

/** Returns whether the session was resumed, and the session to resume next. */
function handshake(port: number, session?: Buffer): Promise<{ reused: boolean; session: Buffer }> {
  return new Promise((resolve, reject) => {
    // TLS 1.2: the ticket comes with the handshake and can be used several times.
    const options = { port, host: '127.0.0.1', servername: 'a', rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const;
    const socket = tls.connect({ ...options, ...(session === undefined ? {} : { session }) }, () => {
      resolve({ reused: socket.isSessionReused(), session: socket.getSession() as Buffer });
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
