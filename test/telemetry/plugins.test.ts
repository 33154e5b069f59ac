// The plugins that operators see: of all workers, by version, where they run, with calls and failures.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { PluginList } from '../../controller/operations/plugins.ts';
import { Backend } from '../support/backend.ts';
import { backendWithRoute } from '../support/objects.ts';
import { OperatedWeir } from '../support/operated-weir.ts';

const GOOD = `import { definePlugin } from '@weir/sdk';
export default definePlugin({ onRequest(request) { if (request.headers.get('x-bad') === 'yes') throw new Error('bad'); } });`;
const WRONG = 'export default {';

let backend: Backend;
let up: OperatedWeir;

function plugin(name: string, source: string): readonly object[] {
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { 'plugin.ts': source } },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'ExtensionPolicy',
      metadata: { name, namespace: 'default' },
      spec: { targetRefs: [{ kind: 'HTTPRoute', name }], plugin: { module: { configMapRef: { name }, key: 'plugin.ts' } } },
    },
  ];
}

beforeAll(async () => {
  backend = await new Backend('app').start();
  const spec = { endpoints: [{ ip: '127.0.0.1', port: backend.port }] };
  const broken = backendWithRoute('broken', spec, { matches: [{ path: { value: '/broken' } }] });
  up = await OperatedWeir.start([...backendWithRoute('app', spec), ...broken, ...plugin('app', GOOD), ...plugin('broken', WRONG)]);
});

afterAll(async () => {
  await up.stop();
  await backend.stop();
});

async function statusOf(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${up.port}${path}`, { headers });
  await response.body?.cancel();
  return response.status;
}

test('lists plugins with their version, place, calls and failures', async () => {
  expect(await statusOf('/')).toBe(200);
  expect(await statusOf('/', { 'x-bad': 'yes' })).toBeGreaterThanOrEqual(500);
  expect(await statusOf('/broken')).toBeGreaterThanOrEqual(500);
  const { status, body } = await up.operate('GET', '/plugins');
  expect(status).toBe(200);
  const { plugins, more, missing } = body as PluginList;
  expect({ more, missing }).toEqual({ more: 0, missing: [] });
  const of = (name: string): PluginList['plugins'] => plugins.filter(({ policy }) => policy === `ExtensionPolicy/default/${name}`);
  const sum = (lines: PluginList['plugins'], field: 'workers' | 'calls' | 'failures'): number =>
    lines.reduce((all, line) => all + line[field], 0);
  const version = createHash('sha256').update(GOOD).digest('hex').slice(0, 16);
  const good = of('app');
  expect(good[0]).toMatchObject({ proxy: 'weir-up', language: 'typescript', version, reason: '' });
  for (const { place } of good) expect(['thread', 'starting']).toContain(place);
  expect(['workers', 'calls', 'failures'].map((field) => sum(good, field as 'calls'))).toEqual([2, 2, 1]);
  const stopped = of('broken').filter(({ place }) => place === 'stopped');
  expect(stopped[0]?.reason).not.toBe('');
  expect(sum(of('broken'), 'workers')).toBe(2);
});

test('refuses fields that it does not know', async () => {
  expect((await up.operate('GET', '/plugins?policy=a')).status).toBe(400);
});
