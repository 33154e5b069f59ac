// What a proxy counts by Consumer, plan, route with a cache, and plugin, out of requests on real sockets.
import { expect, test } from '@jest/globals';
import { spell } from '#lib/exposition.ts';
import { readFamilies } from '#lib/metric.ts';
import { SecurityRig, manifest, securityPolicy } from '../security/rig.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

const TARGETS = [{ kind: 'HTTPRoute', name: 'app' }];
const AUTHENTICATION = securityPolicy('keys', { authentication: { apiKey: { from: [{ header: 'x-api-key' }] } } });

function consumer(name: string, plan?: string): readonly Manifest[] {
  const credentials = [{ apiKey: { secretRef: { name }, key: 'key' } }];
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key: keyOf(name) }, data: {} },
    {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Consumer', metadata: { name } },
      spec: { groups: [], disabled: false, credentials, ...(plan === undefined ? {} : { plan }) },
    },
  ];
}

function keyOf(name: string): string {
  return `key-of-${name}-0123456789`;
}

/** Lines of the metrics that begin with one of the names, without buckets. */
async function linesOf(rig: SecurityRig, ...names: readonly string[]): Promise<string[]> {
  const lines = (await spell(await readFamilies(rig.proxy.worker.registry), 'text')).split('\n');
  return lines.filter((line) => names.some((name) => line.startsWith(name)) && !line.includes('_bucket{')).sort();
}

test('requests count by Consumer and plan, with their statuses, errors and bytes', async () => {
  const limits = manifest('RateLimitPolicy', 'limits', {
    targetRefs: TARGETS,
    limits: [{ name: 'calls', key: [{ consumer: true }], requests: 9, per: '1h', plans: [{ plan: 'free', requests: 1 }] }],
  });
  const objects = [...consumer('ann', 'free'), ...consumer('ben', 'gold'), ...consumer('cem')];
  const rig = await SecurityRig.start([AUTHENTICATION, limits, ...objects]);
  expect(await linesOf(rig, 'weir_consumer_', 'weir_plan_')).toEqual([]);
  const statuses = [];
  for (const name of ['ann', 'ann', 'ben', 'cem'])
    statuses.push(status(await rig.ask(`POST / HTTP/1.1\r\nHost: app\r\nX-Api-Key: ${keyOf(name)}\r\nContent-Length: 4\r\n\r\nbody`)));
  statuses.push(status(await rig.ask(get())));
  expect(statuses).toEqual([200, 429, 200, 200, 401]);
  expect(await linesOf(rig, 'weir_consumer_errors_total')).toEqual([
    'weir_consumer_errors_total{consumer="default/ann",plan="free",code="rate_limited"} 1',
  ]);
  expect(await linesOf(rig, 'weir_consumer_requests_total')).toEqual([
    'weir_consumer_requests_total{consumer="default/ann",plan="free",status_class="2xx"} 1',
    'weir_consumer_requests_total{consumer="default/ann",plan="free",status_class="4xx"} 1',
    'weir_consumer_requests_total{consumer="default/ben",plan="gold",status_class="2xx"} 1',
    'weir_consumer_requests_total{consumer="default/cem",plan="none",status_class="2xx"} 1',
  ]);
  expect(await linesOf(rig, 'weir_consumer_request_bytes_total{consumer="default/ben"')).toEqual([
    'weir_consumer_request_bytes_total{consumer="default/ben",plan="gold"} 4',
  ]);
  expect(await linesOf(rig, 'weir_consumer_response_bytes_total{consumer="default/ben"')).toEqual([
    'weir_consumer_response_bytes_total{consumer="default/ben",plan="gold"} 2',
  ]);
  expect(await linesOf(rig, 'weir_plan_request_duration_seconds_count')).toEqual([
    'weir_plan_request_duration_seconds_count{plan="free"} 2',
    'weir_plan_request_duration_seconds_count{plan="gold"} 1',
    'weir_plan_request_duration_seconds_count{plan="none"} 1',
  ]);
});

test('requests of routes with a cache count by route and outcome', async () => {
  const rig = await SecurityRig.start([manifest('HTTPPolicy', 'cached', { targetRefs: TARGETS, cache: { store: 'Memory' } })]);
  rig.upstream.become(ok('page', 'cache-control: max-age=60\r\n'));
  for (const path of ['/', '/', '/', '/other']) await rig.ask(get(path));
  await rig.ask('DELETE / HTTP/1.1\r\nHost: app\r\n\r\n');
  const labels = 'gateway="default/gw",listener="default/gw/http",route="HTTPRoute/default/app/0"';
  expect(await linesOf(rig, 'weir_route_cache_requests_total')).toEqual([
    `weir_route_cache_requests_total{${labels},outcome="bypass"} 1`,
    `weir_route_cache_requests_total{${labels},outcome="hit"} 2`,
    `weir_route_cache_requests_total{${labels},outcome="miss"} 2`,
  ]);
});

test('the time of the calls of a plugin counts by hook, on the event loop and in its thread', async () => {
  const source = 'export default { onRequest(request) { request.headers.set("x-a", "b"); }, async onResponse() {} };';
  const rig = await SecurityRig.start([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'code', namespace: 'default' }, data: { 'plugin.js': source } },
    manifest('ExtensionPolicy', 'own', { targetRefs: TARGETS, plugin: { module: { configMapRef: { name: 'code' }, key: 'plugin.js' } } }),
  ]);
  for (let i = 0; i < 3; i++) expect(status(await rig.ask(get()))).toBe(200);
  expect(await linesOf(rig, 'weir_plugin_call_duration_seconds_count')).toEqual(
    ['onRequest', 'onResponse'].map((hook) => expect.stringMatching(new RegExp(`policy=".*own",plugin=".+",hook="${hook}"} 3$`))),
  );
  const sums = (await linesOf(rig, 'weir_plugin_call_duration_seconds_sum')).map((line) => Number(line.split(' ').at(-1)));
  expect(sums.every((sum) => sum > 0)).toBe(true);
});
