import { describe, expect, test } from '@jest/globals';
import { AggregatorRegistry, Registry } from 'prom-client';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import { registerFamilies } from '#lib/metric.ts';
import { RequestMetrics } from './request-metrics.ts';

const LISTENER = 'infra/gw/http';
const LABELS = 'gateway="infra/gw",listener="infra/gw/http"';

function finish(metrics: RequestMetrics, key: string | null, fields: Partial<Exchange> = {}): void {
  metrics.started();
  const route = key === null ? null : ({ key } as Exchange['route']);
  const exchange = { status: 200, listener: LISTENER, route, error: null, requestBytes: 1, responseBytes: 2, attempts: 1, grpcStatus: -1 };
  metrics.ended({ ...exchange, trace: null, principal: null, cacheOutcome: '', ...fields } as Exchange, 3);
}

function registryOf(metrics: RequestMetrics): Registry {
  const registry = new Registry();
  registerFamilies(registry, metrics.families());
  return registry;
}

describe('request metrics', () => {
  test('count by route, status class and code', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    finish(metrics, 'a/b');
    finish(metrics, 'a/b', { status: 503, attempts: 3, error: ERRORS.noEndpoints });
    finish(metrics, null, { status: 404, error: ERRORS.routeNotFound });
    finish(metrics, null, { status: 400, listener: '', error: ERRORS.requestMalformed });
    const text = await registryOf(metrics).metrics();
    expect(text).toContain(`weir_requests_total{${LABELS},route="a/b",status="200",status_class="2xx"} 1\n`);
    expect(text).toContain(`weir_requests_total{${LABELS},route="a/b",status="503",status_class="5xx"} 1\n`);
    expect(text).toContain(`weir_requests_total{${LABELS},route="none",status="404",status_class="4xx"} 1\n`);
    expect(text).toContain('weir_requests_total{gateway="none",listener="none",route="none",status="400",status_class="4xx"} 1\n');
    expect(text).toContain(`weir_request_retries_total{${LABELS},route="a/b"} 2\n`);
    expect(text).toContain(`weir_errors_total{${LABELS},route="a/b",code="no_endpoints"} 1\n`);
    expect(text).toContain(`weir_request_duration_seconds_bucket{${LABELS},route="a/b",le="0.0025"} 0\n`);
    expect(text).toContain(`weir_request_duration_seconds_bucket{${LABELS},route="a/b",le="0.005"} 2\n`);
    expect(text).toContain(`weir_request_duration_seconds_sum{${LABELS},route="a/b"} 0.006\n`);
    expect(text).toContain('weir_requests_active 0\n');
  });

  test('count calls by gRPC status, and nothing for routes without calls', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    finish(metrics, 'a/b', { grpcStatus: 0 });
    finish(metrics, 'a/b', { grpcStatus: 14 });
    finish(metrics, 'a/b', { grpcStatus: 14 });
    finish(metrics, 'c/d', { grpcStatus: -1 });
    const text = await registryOf(metrics).metrics();
    expect(text.match(/^weir_grpc_requests_total.*$/gm)).toEqual([
      `weir_grpc_requests_total{${LABELS},route="a/b",grpc_status="0"} 1`,
      `weir_grpc_requests_total{${LABELS},route="a/b",grpc_status="14"} 2`,
    ]);
  });

  test('count made-up statuses of a backend by class', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    for (let status = 200; status < 300; status++) finish(metrics, 'a/b', { status });
    finish(metrics, 'a/b', { status: 200 });
    const text = await registryOf(metrics).metrics();
    expect(text.match(/^weir_requests_total\{/gm)).toHaveLength(17);
    expect(text).toContain(`weir_requests_total{${LABELS},route="a/b",status="200",status_class="2xx"} 2\n`);
    expect(text).toContain(`weir_requests_total{${LABELS},route="a/b",status="2xx",status_class="2xx"} 84\n`);
  });

  test('escape a hostile name', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    finish(metrics, 'a"} 1\nweir_forged_total 9\\');
    const text = await registryOf(metrics).metrics();
    expect(text).not.toMatch(/^weir_forged_total/m);
    expect(text).toContain('route="a\\"} 1\\nweir_forged_total 9\\\\"');
  });

  test('have a limited number of series', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    for (let i = 0; i < 3_000; i++) finish(metrics, `ns/route-${i}`);
    const text = await registryOf(metrics).metrics();
    expect(text.match(/^weir_requests_total\{/gm)).toHaveLength(2_001);
    expect(text).toContain('weir_requests_total{gateway="other",listener="other",route="other",status="200",status_class="2xx"} 1000\n');
  });

  test('drop a route without requests', async () => {
    const metrics = new RequestMetrics(DEFAULT_LIMITS);
    const registry = registryOf(metrics);
    finish(metrics, 'ns/gone');
    for (let i = 0; i < 121; i++) await registry.metrics();
    expect(await registry.metrics()).not.toContain('ns/gone');
  });

  test('of several workers add up', async () => {
    const [one, two] = [new RequestMetrics(DEFAULT_LIMITS), new RequestMetrics(DEFAULT_LIMITS)];
    finish(one, 'a/b');
    finish(two, 'a/b');
    finish(two, 'c/d');
    const parts = await Promise.all([one, two].map((metrics) => registryOf(metrics).getMetricsAsJSON()));
    const text = await AggregatorRegistry.aggregate(parts).metrics();
    expect(text).toContain(`weir_requests_total{${LABELS},route="a/b",status="200",status_class="2xx"} 2\n`);
    expect(text).toContain(`weir_requests_total{${LABELS},route="c/d",status="200",status_class="2xx"} 1\n`);
    expect(text).toContain(`weir_request_duration_seconds_count{${LABELS},route="a/b"} 2\n`);
  });
});
