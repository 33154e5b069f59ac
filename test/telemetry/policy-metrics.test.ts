// `metrics` of TelemetryPolicies: counters and histograms by CEL, their limits, and what is refused.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { spell } from '#lib/exposition.ts';
import { readFamilies } from '#lib/metric.ts';
import { manifest, SecurityRig } from '../security/rig.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import type { Manifest } from '../support/objects.ts';

closeAfterAll();

let rig: SecurityRig;
beforeAll(async () => void (rig = await SecurityRig.start([])));

function policy(metrics: readonly object[]): Manifest {
  return manifest('TelemetryPolicy', 'metrics', { targetRefs: [{ kind: 'Gateway', name: 'gw' }], metrics });
}

/** Lines of the metrics that begin with a name. */
async function linesOf(name: string): Promise<string[]> {
  return (await spell(await readFamilies(rig.proxy.worker.registry), 'text'))
    .split('\n')
    .filter((line) => line.startsWith(name))
    .sort();
}

describe('a counter', () => {
  test('counts requests for which its condition holds, by its labels', async () => {
    const condition = 'response.status == 200 && request.headers["x-kind"] == "order"';
    const labels = [{ name: 'tenant', value: 'request.headers["x-tenant"]' }];
    await rig.change([policy([{ name: 'shop_orders_total', type: 'Counter', condition, labels, help: 'Orders' }])]);
    for (const tenant of ['a', 'a', 'b']) await rig.ask(get('/', `X-Kind: order\r\nX-Tenant: ${tenant}\r\n`));
    await rig.ask(get('/', 'X-Kind: order\r\n'));
    await rig.ask(get('/', 'X-Kind: other\r\n'));
    expect(await linesOf('shop_orders_total')).toEqual([
      'shop_orders_total{tenant=""} 1',
      'shop_orders_total{tenant="a"} 2',
      'shop_orders_total{tenant="b"} 1',
    ]);
    expect(await linesOf('# HELP shop_orders_total')).toEqual(['# HELP shop_orders_total Orders']);
  });

  test('has so many series, and one with the label other', async () => {
    const labels = [{ name: 'path', value: 'request.path' }];
    await rig.change([policy([{ name: 'shop_paths_total', type: 'Counter', labels, maxSeries: 2 }])]);
    for (const path of ['/1', '/2', '/3', '/4', '/1']) await rig.ask(get(path));
    expect(await linesOf('shop_paths_total')).toEqual([
      'shop_paths_total{path="/1"} 2',
      'shop_paths_total{path="/2"} 1',
      'shop_paths_total{path="other"} 2',
    ]);
  });

  test('never falls; what has no usable value is counted as such', async () => {
    const value = 'double(request.headers["x-amount"])';
    await rig.change([policy([{ name: 'shop_revenue_total', type: 'Counter', value }])]);
    for (const amount of ['2.5', '-1', 'none', 'NaN', '1e400', '4']) await rig.ask(get('/', `X-Amount: ${amount}\r\n`));
    await rig.ask(get());
    expect(await linesOf('shop_revenue_total')).toEqual(['shop_revenue_total 6.5']);
    expect(await linesOf('weir_policy_metric_failures_total{metric="shop_revenue')).toEqual([
      'weir_policy_metric_failures_total{metric="shop_revenue_total"} 5',
    ]);
  });

  test('has no secret in a label, and no label of any length', async () => {
    const labels = [{ name: 'agent', value: 'request.headers["user-agent"]' }];
    await rig.change([policy([{ name: 'shop_agents_total', type: 'Counter', labels }])]);
    await rig.ask(get('/', 'User-Agent: me 4111 1111 1111 1111 joe@example.com\r\n'));
    await rig.ask(get('/', `User-Agent: "\\${'x'.repeat(300)}\r\n`));
    const lines = await linesOf('shop_agents_total');
    expect(lines.join()).not.toMatch(/4111|joe@/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(180);
  });
});

test('a histogram has the buckets of its policy', async () => {
  const histogram = { name: 'shop_order_amount', type: 'Histogram', value: 'int(request.headers["x-amount"])', buckets: [1, 10] };
  await rig.change([policy([histogram])]);
  for (const amount of [1, 5, 50]) await rig.ask(get('/', `X-Amount: ${amount}\r\n`));
  expect(await linesOf('shop_order_amount')).toEqual([
    'shop_order_amount_bucket{le="+Inf"} 3',
    'shop_order_amount_bucket{le="1.0"} 1',
    'shop_order_amount_bucket{le="10.0"} 2',
    'shop_order_amount_count 3',
    'shop_order_amount_sum 56',
  ]);
});

test('a policy that is gone counts nothing more', async () => {
  await rig.change([policy([{ name: 'shop_gone_total', type: 'Counter' }])]);
  await rig.ask(get());
  await rig.change([], [policy([])]);
  await rig.ask(get());
  expect(await linesOf('shop_gone_total')).toEqual(['shop_gone_total 1']);
});

describe('a mistake is told with its field', () => {
  const counter = { name: 'shop_x_total', type: 'Counter' };
  test.each<[object, RegExp]>([
    [{ ...counter, name: 'weir_x_total' }, /metrics\[0\].name: begins like/],
    [{ ...counter, name: 'shop_x' }, /must end in _total/],
    [{ ...counter, name: 'Shop-x' }, /metrics\[0\].name/],
    [{ name: 'shop_x_count', type: 'Histogram', value: '1' }, /must not end in _count/],
    [{ name: 'shop_x', type: 'Histogram' }, /value: is required/],
    [{ name: 'shop_x', type: 'Histogram', value: '1', buckets: [2, 1] }, /buckets: must ascend/],
    [{ ...counter, buckets: [1] }, /buckets: is for a Histogram/],
    [{ ...counter, value: '"text"' }, /value: must be a number/],
    [{ ...counter, condition: '1' }, /condition: must be true or false/],
    [{ ...counter, labels: [{ name: 'le', value: '"a"' }] }, /labels\[0\].name: is a label/],
    [{ ...counter, labels: [{ name: 'a', value: '1' }] }, /labels\[0\].value: must be a text/],
    [{ ...counter, labels: [{ name: 'a', value: 'request.headers["Authorization"]' }] }, /which is secret/],
    [{ ...counter, labels: [{ name: 'a', value: 'nobody.there' }] }, /labels\[0\].value: is not valid/],
  ])('%j', (metric, reason) => {
    const result = validateObject(policy([metric]), { strict: true });
    expect(result.ok ? '' : result.error.map(describeError).join()).toMatch(reason);
  });
});
