// `weir up --workers 2`: saved changes reach both workers, and a killed worker affects only its own connections.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { newConnections } from '../support/flows.ts';
import { sendSignal } from '../support/send-signal.ts';
import { GONE, onlyLostWithTheKilled } from '../support/sudden-death.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow } from '../support/traffic.ts';
import { until } from '../support/until.ts';

const GATEWAY_API = 'apiVersion: gateway.networking.k8s.io/v1';
const backends: Backend[] = [];
let folder = '';
let port = 0;
let probe = 0;
let weir: Child;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-workers-'));
  for (const name of ['one', 'two']) backends.push(await new Backend(name).start());
  [port = 0, probe = 0] = await freePorts(2);
  const listener = `listeners: [{ name: http, protocol: HTTP, port: ${port} }]`;
  write(
    'gateway.yaml',
    `${GATEWAY_API}\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }`,
    `${GATEWAY_API}\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, ${listener} }`,
    ...backends.map(({ name, port: at }) => {
      const spec = `{ endpoints: [{ ip: 127.0.0.1, port: ${at} }] }`;
      return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: ${name} }\nspec: ${spec}`;
    }),
  );
  routeTo('one');
  weir = new Child(['up', folder, '--workers', '2', '--access-log', 'off', '--probe-port', String(probe)]);
  await weir.printed(/serving; stop/);
});

afterAll(async () => {
  await weir.stop('SIGKILL');
  await Promise.all(backends.map((backend) => backend.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function write(file: string, ...documents: readonly string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

function routeTo(backend: string): void {
  const rules = `rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: ${backend} }] }]`;
  write('route.yaml', `${GATEWAY_API}\nkind: HTTPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: gw }], ${rules} }`);
}

function workers(): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(weir.pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

function flow(judge: (body: string) => boolean): Flow {
  const failure = (status: number, body: string): string | null => (status === 200 && judge(body) ? null : `${status} ${body}`);
  return newConnections(`http://127.0.0.1:${port}/`, failure);
}

/** Metrics of all workers together. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${probe}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

async function untilVersion(version: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await metric('weir_config_changes_total')) < version) {
    if (performance.now() > deadline) throw new Error(`version ${version} was not applied`);
  }
}

test('changes and a killed worker under traffic', async () => {
  const [one, two] = backends as [Backend, Backend];
  expect(workers()).toHaveLength(2);
  // Both backends are right while routes change; the test checks that every request is answered.
  const anyone = flow(() => true);
  const { failures } = await traffic([anyone, anyone], async () => {
    for (const name of ['two', 'one', 'two']) {
      const version = await metric('weir_config_changes_total');
      routeTo(name);
      await untilVersion(version + 1);
    }
  });
  expect(failures).toEqual([]);
  await until(() => two.requests > 0, 'the change');
  const settled = await traffic([flow((body) => body.includes('"two"'))], () => until(() => two.requests > 100, 'requests'));
  expect(settled.failures).toEqual([]);

  const [killed] = workers();
  const from = weir.output.length;
  const flows = [anyone, anyone];
  const broken = await traffic(flows, async (enter) => {
    sendSignal(killed, 'SIGKILL');
    await weir.printed(/"msg":"a worker died"/, from);
    enter(GONE);
    await weir.printed(/"msg":"a worker serves"/, from);
  });
  onlyLostWithTheKilled(broken, flows.length);
  expect(workers()).not.toContain(killed);
  expect(await metric('weir_worker_restarts_total')).toBe(1);

  const version = await metric('weir_config_changes_total');
  routeTo('one');
  await untilVersion(version + 1);
  const before = one.requests;
  const last = await traffic([flow((body) => body.includes('"one"'))], () => until(() => one.requests > before + 100, 'requests'));
  expect(last.failures).toEqual([]);
  expect(await weir.stop()).toBe(0);
});
