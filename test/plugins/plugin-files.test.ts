// `weir up` with a plugin that is a file beside its YAML.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FolderWeir } from '../support/folder-weir.ts';
import { freePorts } from '../support/free-port.ts';
import { backendWithRoute, gateway, gatewayClass } from '../support/objects.ts';

const site = new FolderWeir((_, response) => void response.end('ok'));
let port = 0;

/** A plugin whose answers have this header. */
const plugin = (value: string): string =>
  `export default { onResponse(response: { headers: Headers }) { response.headers.set('x-own', '${value}'); } };`;

/** The header that the plugin sets. */
async function own(): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  await response.text();
  return response.headers.get('x-own');
}

beforeAll(async () => {
  const [listener = 0, backendPort = 0] = await freePorts(2);
  port = listener;
  const policy = {
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'ExtensionPolicy',
    metadata: { name: 'own' },
    spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], plugin: { module: { configMapRef: { name: 'code' }, key: 'own.ts' } } },
  };
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'code', annotations: { 'gateway.weir.dev/files': 'own.ts' } },
  };
  const app = backendWithRoute('app', { endpoints: [{ ip: '127.0.0.1', port: backendPort }] });
  const items = [gatewayClass(), gateway('gw', [{ name: 'http', port }]), ...app, configMap, policy];
  site.save('all.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  site.save('own.ts', plugin('one'));
  await site.serve(backendPort);
});
afterAll(() => site.close());

test('a saved plugin takes the place of the one before, which stays while the new one cannot be used', async () => {
  expect(await own()).toBe('one');
  site.save('own.ts', 'export default {');
  await site.weir.printed(/the new version of a plugin cannot be used/);
  expect(await own()).toBe('one');
  site.save('own.ts', plugin('two'));
  let seen = await own();
  while (seen === 'one') seen = await own();
  expect(seen).toBe('two');
});
