// Ports that cannot be bound: reported by readiness, bound once that is possible, without effect on other ports.
import { expect, test } from '@jest/globals';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createLog } from '#lib/log.ts';
import { Readiness } from '../../proxy/admin/readiness.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { Worker } from '../../proxy/worker.ts';
import { closeAfterEach, closeLater, openClient, openUpstream } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const ALL_BOUND = /^weir_listener_ports_unbound 0$/m;

interface Taken {
  readonly port: number;
  release(): Promise<unknown>;
}

async function take(): Promise<Taken> {
  const server = net.createServer().listen(0);
  await once(server, 'listening');
  const release = async (): Promise<void> => {
    if (server.listening) await once(server.close(), 'close');
  };
  closeLater(release);
  return { port: (server.address() as net.AddressInfo).port, release };
}

interface Rig {
  readonly supervisor: Supervisor;
  readonly readiness: Readiness;
  readonly recovered: () => number;
  /** Advances the clock of readiness. */
  pass(ms: number): void;
}

function rig(workers: number, bindTimeout = 60_000): Rig {
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1_000, processMetrics: false };
  const supervisor = new Supervisor({ workers, log: createLog('silent'), ...settings });
  closeLater(() => supervisor.stop(1));
  let now = 0;
  let recovered = 0;
  supervisor.onRecovery(() => recovered++);
  const readiness = new Readiness({
    serving: () => supervisor.serving,
    bindings: () => supervisor.bindingState,
    bindTimeout,
    now: () => now,
  });
  return { supervisor, readiness, recovered: () => recovered, pass: (ms) => void (now += ms) };
}

async function ask(port: number): Promise<number> {
  const client = await openClient(port);
  return status(await client.ask('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'));
}

const on = (port: number) => listener({ port, key: `default/gateway/port-${port}` });
const to = (...ports: number[]) =>
  route({ attachments: ports.map((port) => ({ listener: `default/gateway/port-${port}`, hostnames: [''] })) });

test.each([1, 2])('a port in use: not ready until it is free, then bound automatically (%i workers)', async (workers) => {
  const upstream = await openUpstream(() => ok('served'));
  const { port, release } = await take();
  const { supervisor, readiness, recovered } = rig(workers);
  await until(() => supervisor.serving === workers, 'workers', 20_000);
  const errors = await supervisor.apply([...cluster('app', [upstream.port]), on(port), to(port)], []);
  readiness.configured();
  expect(errors).toEqual([
    expect.objectContaining({ kind: 'Listener', waits: true, reason: expect.stringMatching(/^AddressInUse: .*EADDRINUSE/) }),
  ]);
  expect(readiness.reason).toMatch(new RegExp(`^no port is bound: TCP port ${port}: AddressInUse: .*it is tried again$`));
  expect(await supervisor.metrics()).toMatch(/^weir_listener_ports_unbound 1$/m);
  await release();
  await until(() => readiness.reason === null && recovered() > 0, 'readiness', 20_000);
  expect(await ask(port)).toBe(200);
  // Ready once one worker has the port: each worker tries separately.
  const deadline = performance.now() + 20_000;
  while (!ALL_BOUND.test(await supervisor.metrics()) && performance.now() < deadline) await setTimeout(20);
  expect(await supervisor.metrics()).toMatch(ALL_BOUND);
});

test('one of two ports: the other is served; not ready at the start, but still ready if it was ready before', async () => {
  const upstream = await openUpstream(() => ok('served'));
  const { port, release } = await take();
  const [free] = (await freePorts(1)) as [number];
  const { supervisor, readiness, pass } = rig(1);
  await supervisor.apply([...cluster('app', [upstream.port]), on(port), on(free), to(port, free)], []);
  readiness.configured();
  expect(await ask(free)).toBe(200);
  expect(readiness.reason).toMatch(new RegExp(`^not bound yet: TCP port ${port}: AddressInUse`));
  pass(60_000);
  expect(readiness.reason).toBeNull();
  await supervisor.apply([], [{ kind: 'Listener', key: `default/gateway/port-${free}` }]);
  expect(readiness.reason).toMatch(/^no port is bound/);
  await release();
  await until(() => readiness.reason === null, 'readiness');
});

test('a port without a listener is not tried again', async () => {
  const { port } = await take();
  const { supervisor, readiness, recovered } = rig(1, 0);
  await supervisor.apply([on(port)], []);
  readiness.configured();
  expect(readiness.reason).toMatch(/^no port is bound/);
  await supervisor.apply([], [{ kind: 'Listener', key: `default/gateway/port-${port}` }]);
  expect([readiness.reason, recovered()]).toEqual([null, 0]);
});

test('a UDP port in use', async () => {
  const other = dgram.createSocket('udp6').bind(0);
  await once(other, 'listening');
  const { port } = other.address();
  const { supervisor, readiness } = rig(1);
  await supervisor.apply([listener({ port, protocol: 'UDP', key: 'default/gateway/udp' })], []);
  readiness.configured();
  expect(readiness.reason).toMatch(new RegExp(`^no port is bound: UDP port ${port}: AddressInUse`));
  await once(other.close(), 'close');
  await until(() => readiness.reason === null, 'readiness');
  expect(supervisor.boundPort(port)).toBe(port);
});

test('a missing permission is reported', async () => {
  const { describeBindError } = await import('../../proxy/listener/problem.ts');
  const denied = Object.assign(new Error('listen EACCES: permission denied 0.0.0.0:80'), { code: 'EACCES' });
  const { reason, message } = describeBindError(denied);
  expect(reason).toBe('PermissionDenied');
  for (const advice of ['NET_BIND_SERVICE', 'net.ipv4.ip_unprivileged_port_start', 'port map']) expect(message).toContain(advice);
});

test('a worker has no timer left without listeners', async () => {
  const { port } = await take();
  const worker = new Worker({ limits: DEFAULT_LIMITS, accessLog: 'off', reusePort: false, drainTimeout: 1 });
  await worker.apply([on(port)], []);
  expect(worker.timers).toBe(1);
  await worker.apply([], [{ kind: 'Listener', key: `default/gateway/port-${port}` }]);
  await until(() => worker.timers === 0, 'no timer');
  await worker.stop(1);
});
