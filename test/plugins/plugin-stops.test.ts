// Plugins that are stopped, and modules that are replaced under traffic: what the security log and clients see.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeAfterAll, closeLater, get, openClient } from '../support/fixture.ts';
import { status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { I32, onRequest, op } from '../support/wasm-module.ts';
import { SecurityRig, manifest } from '../security/rig.ts';

closeAfterAll();

const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const SOURCE = `import { definePlugin } from '@weir/sdk';
export default definePlugin({
  onRequest({ path }) {
    if (path === '/loop') for (;;);
    if (path === '/memory') new Uint8Array(1e9);
    if (path === '/throw') throw new Error('no');
  },
});`;
const CODE = configMap({ data: { 'plugin.ts': SOURCE } });

let folder: string;
let rig: SecurityRig;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'weir-security-log-'));
  closeLater(() => rmSync(folder, { recursive: true }));
  rig = await SecurityRig.start([CODE, plugin('Closed', 0)], {}, { securityLog: path.join(folder, 'log') });
});

function configMap(content: object): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'code', namespace: 'default' }, ...content };
}

/** Another `version` makes another filter, which has not crashed yet. */
function plugin(onError: 'Open' | 'Closed', version: number): Manifest {
  const module = { configMapRef: { name: 'code' }, key: 'plugin.ts' };
  return manifest('ExtensionPolicy', 'own', { ...TARGET, plugin: { module, onError, config: { version } } });
}

async function callCount(outcome: string): Promise<number> {
  const text = await rig.proxy.worker.registry.metrics();
  return Number(new RegExp(`^weir_plugin_calls_total\\{.*outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

describe('a plugin that is stopped', () => {
  test('is in the security log, with policy, plugin and reason', async () => {
    for (const attack of ['/loop', '/memory', '/throw']) await rig.ask(get(attack));
    const log = path.join(folder, 'log');
    await until(() => readFileSync(log, 'utf8').split('\n').length > 2, 'two lines');
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const told = { event: 'plugin_stopped', policy: 'ExtensionPolicy/default/own', rule: 'code/plugin.ts' };
    expect(lines).toEqual([
      expect.objectContaining({ ...told, reason: expect.stringMatching(/longer than 50 ms/) }),
      expect.objectContaining({ ...told, reason: expect.stringMatching(/more than \d+ bytes/) }),
    ]);
    expect(await rig.proxy.worker.registry.metrics()).toContain('weir_security_events_total{event="plugin_stopped"} 2\n');
  });

  test.each([
    ['pass with onError: Open', 'Open', 200, 'ok'],
    ['are refused with onError: Closed', 'Closed', 503, 'plugin_unavailable'],
  ] as const)('again and again starts later; meanwhile all requests %s', async (_, onError, code, body) => {
    await rig.change([plugin(onError, code)]);
    let paused: Message | null = null;
    while (paused === null) {
      // The pause begins with a crash.
      await rig.ask(get('/loop'));
      const before = await callCount('paused');
      const answer = await rig.ask(get());
      if ((await callCount('paused')) > before) paused = answer;
    }
    expect([status(paused), paused.body]).toEqual([code, expect.stringContaining(body)]);
  });
});

/** A module that answers all requests with this status. */
function answering(code: number): Buffer {
  const send = ['env', 'proxy_send_local_response', Array(8).fill(I32) as number[]] as const;
  const values = [code, 0, 0, 0, 0, 0, 0, -1].flatMap((value) => op.number(value));
  return onRequest([...values, ...op.call(0), ...op.drop], { imports: [send] });
}

test('a WebAssembly module is replaced again and again under constant traffic: no request is lost, and no version comes back', async () => {
  const module = { configMapRef: { name: 'code' }, key: 'own.wasm' };
  const version = (code: number): Manifest => configMap({ binaryData: { 'own.wasm': answering(code).toString('base64') } });
  const VERSIONS = [210, 211, 212];
  const swapped = await SecurityRig.start([
    version(210),
    manifest('ExtensionPolicy', 'own', { ...TARGET, wasm: { module, callTime: '2s' } }),
  ]);
  const answers: number[][] = [];
  let isOver = false;
  const traffic = Array.from({ length: 8 }, async (_, i) => {
    const seen: number[] = (answers[i] = []);
    const client = await openClient(swapped.proxy.port);
    while (!isOver) seen.push(status(await client.ask(get())));
  });
  for (const code of VERSIONS) {
    await swapped.change([version(code)]);
    await until(() => answers.length === 8 && answers.every((seen) => seen.at(-1) === code), `version ${code} at all clients`);
  }
  isOver = true;
  await Promise.all(traffic);
  for (const seen of answers) expect([...new Set(seen)]).toEqual(VERSIONS);
  expect(answers).toEqual(answers.map((seen) => seen.toSorted((a, b) => a - b)));
});
