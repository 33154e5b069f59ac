// `weir status` and `weir endpoint` at `weir up`, as processes.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FleetStatus } from '../../controller/telemetry/status.ts';
import { Backend } from '../support/backend.ts';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { gateway, gatewayClass } from '../support/objects.ts';

/** As `until`, for a condition that needs an answer. */
async function untilAsync(condition: () => Promise<boolean>, what: () => string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) if (performance.now() > deadline) throw new Error(`waited in vain for ${what()}`);
}

const closers: (() => unknown)[] = [];
let ports: readonly number[] = [];
let backends: readonly Backend[] = [];

beforeEach(async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-operating-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  backends = [await new Backend('one').start(), await new Backend('two').start()];
  for (const backend of backends) closers.push(() => backend.stop());
  ports = await freePorts(2);
  const items = [
    gatewayClass(),
    gateway('gw', [{ name: 'http', port: ports[0] as number }]),
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'Backend',
      metadata: { name: 'app' },
      spec: { endpoints: backends.map(({ port }) => ({ ip: '127.0.0.1', port })) },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'app' },
      spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }] },
    },
  ];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const child = new Child(['up', folder, '--access-log', 'off', '--store', 'off', '--admin-port', String(ports[1]), '--workers', '2']);
  closers.push(() => child.stop('SIGKILL'));
  await child.printed(/serving; stop with/);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function weir(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const { code, stdout, stderr } = await runWeir([...args, '--controller', `127.0.0.1:${ports[1]}`]);
  return { code, output: stdout + stderr };
}

async function status(): Promise<FleetStatus> {
  const response = await fetch(`http://127.0.0.1:${ports[1]}/status`);
  return (await response.json()) as FleetStatus;
}

/** The status once it shows something: reports come with an interval. */
async function statusWith(condition: (status: FleetStatus) => boolean): Promise<FleetStatus> {
  let current = await status();
  await untilAsync(
    async () => condition((current = await status())),
    () => `another status than ${JSON.stringify(current)}`,
  );
  return current;
}

async function ask(times: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let i = 0; i < times; i++) {
    const response = await fetch(`http://127.0.0.1:${ports[0]}/`);
    names.push(((await response.json()) as { backend: string }).backend);
  }
  return names;
}

describe('weir status', () => {
  test('shows proxies, listeners, backends, endpoints and routes with what they count', async () => {
    await ask(20);
    const shown = await statusWith(({ routes }) => (routes[0]?.requestsPerSecond ?? 0) > 0);
    expect(shown.proxies).toMatchObject([{ node: 'weir-up', state: 'reporting', workers: 2 }]);
    expect(shown.listeners).toMatchObject([{ listener: 'default/gw/http', protocol: 'HTTP', unserved: '' }]);
    expect(shown.routes).toMatchObject([{ route: 'HTTPRoute/default/app/0', failuresPerSecond: 0 }]);
    expect(shown.backends).toMatchObject([{ backend: 'Backend/default/app' }]);
    expect(shown.backends[0]?.endpoints.map(({ endpoint, state }) => [endpoint, state]).toSorted()).toEqual(
      backends.map(({ port }) => [`127.0.0.1:${port}`, 'ready']).toSorted(),
    );
    expect(shown.problems).toEqual([]);
    const { code, output } = await weir('status');
    expect(code).toBe(0);
    expect(output).toMatch(/No problems\.[^]*Proxies[^]*weir-up[^]*Listeners[^]*Backends[^]*2\/2 usable[^]*Routes/);
  });

  test('has an endpoint that fails among its problems, and ends with 1 if requests fail', async () => {
    await Promise.all(backends.map((backend) => backend.stop()));
    await fetch(`http://127.0.0.1:${ports[0]}/`);
    const shown = await statusWith(({ problems }) => problems.length > 0);
    expect(shown.problems[0]).toMatchObject({ severity: 'critical' });
    const { code, output } = await weir('status');
    expect(code).toBe(1);
    expect(output).toMatch(/Problems[^]*critical {3}/);
  });
});

describe('weir proxies', () => {
  test('sets the log level, drains, and names what no proxy knows', async () => {
    expect(await weir('proxies', 'log-level', 'warn')).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    expect(await weir('proxies', 'log-level', 'loud', 'weir-up')).toMatchObject({
      code: 1,
      output: expect.stringContaining('"loud" is no log level'),
    });
    expect(await weir('proxies', 'drain', 'nowhere')).toMatchObject({ code: 2, output: expect.stringContaining('the name nowhere') });
    expect(await weir('proxies', 'drain', 'weir-up')).toMatchObject({ code: 0 });
    const { problems } = await statusWith(({ proxies }) => proxies[0]?.draining === true);
    expect(problems).toContainEqual(expect.objectContaining({ object: 'proxy weir-up', message: 'drains' }));
  });
});

describe('weir endpoint', () => {
  test('takes an endpoint out of use until it is withdrawn', async () => {
    const [out] = backends as [Backend, Backend];
    const address = `127.0.0.1:${out.port}`;
    expect(await weir('endpoint', 'out', address)).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    expect(new Set(await ask(20))).toEqual(new Set(['two']));
    const shown = await statusWith(
      ({ backends: all }) => all[0]?.endpoints.some(({ reasons }) => reasons[0]?.reason === 'forcedOut') === true,
    );
    expect(shown.overrides).toMatchObject([{ kind: 'endpoint', endpoint: address, state: 'out' }]);
    expect(shown.problems).toEqual([
      { severity: 'warning', object: `endpoint ${address} of Backend/default/app`, message: expect.stringContaining('weir endpoint auto') },
    ]);
    expect(await weir('endpoint', 'auto', address)).toMatchObject({ code: 0 });
    expect(new Set(await ask(20))).toEqual(new Set(['one', 'two']));
    expect((await status()).overrides).toEqual([]);
  });

  test('names an endpoint that no backend has, and text that is no address', async () => {
    expect(await weir('endpoint', 'out', '127.0.0.1:1')).toMatchObject({
      code: 2,
      output: expect.stringContaining('no backend has the endpoint 127.0.0.1:1'),
    });
    expect(await weir('endpoint', 'out', 'localhost')).toMatchObject({
      code: 2,
      output: expect.stringContaining('endpoint: must be ADDRESS:PORT'),
    });
  });
});
