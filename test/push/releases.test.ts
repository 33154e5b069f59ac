// Two adjacent releases side by side, as in a rollout: the previous proxy with this controller, the previous controller with this proxy,
// and each with the last good file of the other. All are processes with real sockets.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { formerRelease, ROOT } from '../support/former-release.ts';
import { freePorts } from '../support/free-port.ts';
import { gateway, gatewayClass } from '../support/objects.ts';
import { askFor, gatewayOf, listenerFor, secretWith } from '../support/pairs.ts';
import { until } from '../support/until.ts';

const SCRIPT = path.join(ROOT, 'test', 'support', 'folder-controller.mjs');
const POLICY = 'Policy|ClientTrafficPolicy/default/limits';

let former = '';
let folder = '';
let backend: Backend;
let ports: readonly number[] = [];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  former = await formerRelease();
});

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-releases-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  backend = await new Backend('one').start();
  closers.push(() => backend.stop());
  ports = await freePorts(3);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The acks and nacks that a controller receives. */
interface Told {
  readonly event: 'acked' | 'nacked';
  readonly id: string;
  readonly version?: string;
  readonly errors?: readonly object[];
}

interface Controller {
  readonly pid: number;
  readonly address: string;
  /** Versions by id. */
  readonly versions: Readonly<Record<string, string>>;
  told(): readonly Told[];
  stop(): Promise<unknown>;
}

/** Serves the folder. `settings` of the policy: known to both releases, or newer. */
async function startController(release: string, settings: object): Promise<Controller> {
  writeObjects(settings);
  const child = new Child([folder], {}, release, SCRIPT);
  closers.push(() => child.stop('SIGKILL'));
  const [line] = await child.printed(/\{"event":"serving".*\}/);
  const { port, versions } = JSON.parse(line) as { port: number; versions: Record<string, string> };
  const told = () => [...child.output.matchAll(/\{"event":"n?acked".*\}/g)].map(([text]) => JSON.parse(text) as Told);
  return { pid: child.pid, address: `127.0.0.1:${port}`, versions, told, stop: () => child.stop('SIGKILL') };
}

function writeObjects(settings: object): void {
  const [http = 0, https = 0] = ports;
  const weir = { apiVersion: 'gateway.weir.dev/v1alpha1' };
  const tls = { certificateRefs: [{ name: 'missing' }] };
  const listeners = [
    { name: 'http', port: http },
    { name: 'https', port: https, protocol: 'HTTPS', hostname: 'one.test', tls },
  ];
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  const objects = [
    gatewayClass(),
    gateway('gw', listeners),
    { ...weir, kind: 'Backend', metadata: { name: 'app' }, spec: { endpoints: [{ ip: '127.0.0.1', port: backend.port }] } },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'app' },
      spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs }] },
    },
    {
      ...weir,
      kind: 'ClientTrafficPolicy',
      metadata: { name: 'limits' },
      spec: { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' }], ...settings },
    },
  ];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

async function startProxy(release: string, controller: string): Promise<Child> {
  const serving = ['--workers', '1', '--access-log', 'off', '--probe-port', 'off', '--admin-port', 'off', '--drain-delay', '0'];
  const child = new Child(['proxy', '--controller', controller, ...serving, '--last-good', path.join(folder, 'last-good')], {}, release);
  closers.push(() => child.stop('SIGKILL'));
  await child.printed(/"msg":"ready"/);
  return child;
}

async function ask(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${ports[0]}/x`);
  return `${response.status} ${((await response.json()) as { backend?: string }).backend}`;
}

describe('a rollout', () => {
  const known = { timeouts: { idle: '30s' } };

  test('the previous proxy serves the resources of this controller, and its missing features are reported', async () => {
    const controller = await startController(ROOT, { ...known, rates: { requestBody: 1 } });
    await startProxy(former, controller.address);
    expect(await ask()).toBe('200 one');
    const unserved = 'Listener|default/gw/https';
    const expected = Object.keys(controller.versions).filter((id) => id !== unserved);
    expect(expected).toHaveLength(Object.keys(controller.versions).length - 1);
    await until(() => expected.every((id) => controller.told().some((told) => told.id === id)), 'an answer for each');
    const errors = [{ field: 'settings.rates', reason: 'has no effect in this version of the proxy: upgrade the proxy' }];
    for (const told of controller.told()) {
      if (told.id === POLICY) expect(told).toEqual({ event: 'nacked', id: POLICY, errors });
      else expect(told).toEqual({ event: 'acked', id: told.id, version: controller.versions[told.id] });
    }
  });

  test('this proxy serves the resources of the previous controller', async () => {
    const controller = await startController(former, known);
    await startProxy(ROOT, controller.address);
    expect(await ask()).toBe('200 one');
    await until(() => controller.told().length >= Object.keys(controller.versions).length, 'an answer for each');
    expect(controller.told().map(({ event, id }) => [id, event])).toEqual(
      expect.arrayContaining(Object.keys(controller.versions).map((id) => [id, 'acked'])),
    );
    expect(controller.told().filter(({ event }) => event === 'nacked')).toEqual([]);
  });

  test('the proxy of the former release keeps the previous pair in use, and has a name without any refused', async () => {
    const ca = await TestCa.create();
    closers.push(() => ca.remove());
    const [one, next] = [await ca.issue('one', 'DNS:one.test'), await ca.issue('next', 'DNS:one.test')];
    const mismatch = { certificate: next.certificate, privateKey: one.privateKey };
    const port = ports[2] ?? 0;
    const listenerOf = (name: string) => ({ ...listenerFor(name, `${name}.test`, name), port });
    const write = (...secrets: readonly object[]) => {
      const items = [gatewayOf([listenerOf('one'), listenerOf('bad')]), ...secrets];
      writeFileSync(path.join(folder, 'secured.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    };
    write(secretWith('one', one), secretWith('bad', mismatch));
    const controller = await startController(ROOT, known);
    await startProxy(former, controller.address);
    const answers = async () => [await askFor(port, 'one.test'), await askFor(port, 'bad.test')];
    expect(await answers()).toEqual(['404 one', 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME']);
    const acks = () => controller.told().filter(({ event, id }) => event === 'acked' && id === 'Secret|default/one').length;
    write(secretWith('one', mismatch), secretWith('bad', mismatch));
    process.kill(controller.pid, 'SIGHUP');
    await until(() => acks() === 2, 'the Secret with its problem');
    expect(await answers()).toEqual(['404 one', 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME']);
    write(secretWith('one', next), secretWith('bad', next));
    process.kill(controller.pid, 'SIGHUP');
    await until(() => acks() === 3, 'the next pair');
    await until(() => controller.told().some(({ event, id }) => event === 'acked' && id === 'Listener|default/edge/bad'), 'the listener');
    expect(await answers()).toEqual(['404 next', '404 next']);
  });

  test.each([
    ['an upgrade', () => [former, ROOT] as const],
    ['a downgrade', () => [ROOT, former] as const],
  ])('after %s a proxy without controller serves from the file of the other release', async (_what, releases) => {
    const [before, after] = releases();
    const controller = await startController(ROOT, { ...known, rates: { requestBody: 1 } });
    const writer = await startProxy(before, controller.address);
    expect(await writer.stop()).toBe(0);
    await controller.stop();
    const reader = await startProxy(after, controller.address);
    expect(reader.output).toContain('"source":"last-good"');
    expect(await ask()).toBe('200 one');
  });

  test('an upgraded proxy gets the complete form of adapted resources', async () => {
    const controller = await startController(ROOT, { ...known, rates: { requestBody: 1 } });
    const old = await startProxy(former, controller.address);
    expect(await old.stop()).toBe(0);
    await startProxy(ROOT, controller.address);
    const version = controller.versions[POLICY];
    await until(
      () => controller.told().some((told) => told.event === 'acked' && told.id === POLICY && told.version === version),
      'the policy',
    );
    await until(() => controller.told().some(({ id }) => id === 'Listener|default/gw/https'), 'the listener');
  });
});
