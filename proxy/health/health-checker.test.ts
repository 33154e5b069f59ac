// Health checks of many targets: sharing, thresholds, pauses, the limit of probes at the same time, and targets that come and go.
import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { until } from '../../test/support/until.ts';
import type { CheckPace, HealthCheck, WantedProbes } from '../exchange/probe-target.ts';
import { HealthChecker } from './health-checker.ts';
import type { HealthChange, HealthCheckerOptions } from './health-checker.ts';

const PACE: CheckPace = { interval: 50, unhealthyInterval: 50, timeout: 30_000, healthyThreshold: 1, unhealthyThreshold: 1 };
const HTTP: HealthCheck['request'] = {
  type: 'http',
  protocol: 'http1',
  method: 'GET',
  path: '/',
  host: null,
  headers: [],
  statuses: [[200, 200]],
  body: null,
};

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** An endpoint with a status that tests change; null says nothing. */
class Target {
  status: number | null = 200;
  open = 0;
  probes = 0;
  port = 0;
  readonly #server = net.createServer((socket) => this.#accept(socket));

  static async start(): Promise<Target> {
    const target = new Target();
    target.#server.listen(0);
    await once(target.#server, 'listening');
    target.port = (target.#server.address() as net.AddressInfo).port;
    closing.push(() => target.#server.close());
    return target;
  }

  #accept(socket: net.Socket): void {
    this.probes++;
    this.open++;
    socket.once('close', () => this.open--);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      if (this.status !== null) socket.end(`HTTP/1.1 ${this.status} X\r\ncontent-length: 0\r\n\r\n`);
    });
  }
}

interface Rig {
  readonly checker: HealthChecker;
  readonly changes: HealthChange[];
  readonly forgotten: string[];
  /** Ended probes. */
  ended: number;
}

function rig(options: Partial<HealthCheckerOptions> = {}): Rig {
  const [changes, forgotten]: [HealthChange[], string[]] = [[], []];
  const made: Rig = {
    changes,
    forgotten,
    ended: 0,
    checker: new HealthChecker({
      changed: (change) => changes.push(change),
      probed: () => made.ended++,
      forgotten: (id) => forgotten.push(id),
      ...options,
    }),
  };
  closing.push(() => made.checker.stop());
  return made;
}

function wanted(ports: readonly number[], pace: Partial<CheckPace> = {}, addresses: readonly string[] = ['127.0.0.1']): WantedProbes {
  const all = addresses.flatMap((address) => ports.map((port) => ({ address, port })));
  return { tls: null, clientCertificate: null, check: { pace: { ...PACE, ...pace }, request: HTTP }, addresses: all };
}

function health(changes: readonly HealthChange[]): string[] {
  return changes.map((change) => `${change.health}${change.failure === null ? '' : `: ${change.failure.fault} ${change.failure.detail}`}`);
}

test('a target is probed at once, and again and again', async () => {
  const target = await Target.start();
  const { checker, changes } = rig();
  checker.want('a', [wanted([target.port])]);
  await until(() => target.probes > 3, 'several probes');
  expect(health(changes)).toEqual(['healthy']);
  expect(changes[0]).toMatchObject({ first: true, target: { address: '127.0.0.1', port: target.port } });
});

test('a result changes after as many equal probes in a row as the check says, and each change is told once, with its cause', async () => {
  const target = await Target.start();
  const made = rig();
  made.checker.want('a', [wanted([target.port], { healthyThreshold: 2, unhealthyThreshold: 3 })]);
  await until(() => made.changes.length === 1, 'the first result');
  target.status = 503;
  const failed = made.ended;
  await until(() => made.changes.length === 2, 'unhealthy');
  expect(made.ended - failed).toBeGreaterThanOrEqual(3);
  target.status = 200;
  const passed = made.ended;
  await until(() => made.changes.length === 3, 'healthy again');
  expect(made.ended - passed).toBeGreaterThanOrEqual(2);
  expect(health(made.changes)).toEqual(['healthy', 'unhealthy: status 503', 'healthy']);
});

test('an unhealthy target has an interval of its own', async () => {
  const target = await Target.start();
  target.status = 500;
  const { checker } = rig();
  checker.want('a', [wanted([target.port], { interval: 3_600_000, unhealthyInterval: 50 })]);
  await until(() => target.probes > 2, 'more probes');
  target.status = 200;
  await until(() => [...checker.results()][0]?.health === 'healthy', 'healthy');
});

test('equal wishes of several owners share one probe, and another check has its own', async () => {
  const target = await Target.start();
  const made = rig();
  const pace = { interval: 3_600_000 };
  for (const owner of ['a', 'b']) made.checker.want(owner, [wanted([target.port], pace), wanted([target.port], pace)]);
  made.checker.want('c', [wanted([target.port], { interval: 3_600_001 })]);
  await until(() => made.changes.length === 2, 'two results');
  expect(target.probes).toBe(2);
});

test('a result outlives an owner that withdraws and returns within the grace', async () => {
  const target = await Target.start();
  const made = rig({ grace: 3_600_000 });
  const probes = [wanted([target.port])];
  made.checker.want('a', probes);
  await until(() => made.changes.length === 1, 'the result');
  made.checker.want('a', []);
  expect(made.checker.owners).toEqual([]);
  const { probes: before } = target;
  await until(() => target.probes > before, 'a probe within the grace');
  made.checker.want('b', probes);
  expect([made.changes.length, made.forgotten, made.checker.owners]).toEqual([1, [], ['b']]);
});

test('a target without owners is forgotten after the grace', async () => {
  const target = await Target.start();
  const made = rig({ grace: 30 });
  made.checker.want('a', [wanted([target.port])]);
  made.checker.want('b', [wanted([target.port])]);
  await until(() => made.changes.length === 1, 'the result');
  made.checker.want('a', []);
  const { probes } = target;
  await until(() => target.probes > probes + 2, 'probes for the other owner');
  made.checker.want('b', []);
  await until(() => made.forgotten.length === 1, 'forgotten');
  expect([...made.checker.results()]).toEqual([]);
  await until(() => target.open === 0, 'no connection is left');
});

test('a thousand targets that hang: each one has its turn and its result, and no connection is left', async () => {
  const target = await Target.start();
  target.status = null;
  const made = rig({ maxParallel: 40 });
  // Every address of 127.0.0.0/8 is this machine.
  const addresses = Array.from({ length: 1_000 }, (_, index) => `127.0.${index >> 8}.${index & 255}`);
  made.checker.want('a', [wanted([target.port], { interval: 3_600_000, unhealthyInterval: 3_600_000, timeout: 30 }, addresses)]);
  await until(() => made.changes.length === 1_000, 'a thousand results');
  expect(new Set(health(made.changes))).toEqual(new Set(['unhealthy: timeout no complete answer in 30 ms']));
  await until(() => target.open === 0, 'no connection is left');
  expect(target.probes).toBe(1_000);
});

test('first probes of many targets are spread, and stay within the interval', async () => {
  const target = await Target.start();
  const made = rig({ random: () => 0.999 });
  const addresses = Array.from({ length: 200 }, (_, index) => `127.0.0.${index + 1}`);
  made.checker.want('a', [wanted([target.port], { interval: 200 }, addresses)]);
  expect([...made.checker.results()].length).toBe(200);
  await until(() => made.changes.length === 200, 'all results');
});

test('a jump of the clock of the machine changes nothing', async () => {
  const target = await Target.start();
  const { checker } = rig();
  const now = Date.now;
  closing.push(() => (Date.now = now));
  checker.want('a', [wanted([target.port])]);
  await until(() => target.probes > 1, 'probes');
  for (const jump of [-86_400_000, 86_400_000]) {
    Date.now = () => now() + jump;
    const { probes } = target;
    await until(() => target.probes > probes + 2, 'probes after a jump');
    expect(target.probes).toBeLessThan(probes + 1_000);
  }
  expect([...checker.results()].map((result) => result.health)).toEqual(['healthy']);
});

test('a stopped checker ends its probes', async () => {
  const target = await Target.start();
  target.status = null;
  const made = rig();
  made.checker.want('a', [wanted([target.port])]);
  await until(() => target.open === 1, 'a probe runs');
  made.checker.stop();
  await until(() => target.open === 0, 'its connection is closed');
  expect(made.changes).toEqual([]);
});
