// The metrics that a proxy pushes to a collector are those that a scrape reads: names, types, labels and values.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import { FlagValues } from '#lib/flags.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { freePorts } from '../support/free-port.ts';
import { listener, route } from '../support/proxy.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector } from './collector.ts';
import type { ReceivedMetric, ReceivedPoint } from './collector.ts';

let collector: OtelCollector;

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  collector = await OtelCollector.start();
}, 600_000);
afterAll(() => collector.stop());

/** `name{labels} value` of each sample, as the text format has them. */
function linesOf(metric: ReceivedMetric): string[] {
  const { name, gauge, sum, histogram, summary } = metric;
  const plain = (gauge ?? sum)?.dataPoints.map((point) => line(name, point, point.asDouble ?? 0)) ?? [];
  return [
    ...plain,
    ...(histogram?.dataPoints.flatMap((point) => bucketLines(name, point)) ?? []),
    ...(summary === undefined ? [] : [name]),
  ];
}

function line(name: string, point: ReceivedPoint, value: number, more: Readonly<Record<string, string>> = {}): string {
  const labels = Object.entries({ ...attributesOf(point.attributes), ...more }).map(([label, text]) => `${label}="${String(text)}"`);
  return `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}`;
}

function bucketLines(name: string, point: ReceivedPoint): string[] {
  let total = 0;
  const bounds = [...(point.explicitBounds ?? []).map((bound) => (Number.isInteger(bound) ? `${bound}.0` : String(bound))), '+Inf'];
  const buckets = (point.bucketCounts ?? []).map((count, i) => line(`${name}_bucket`, point, (total += Number(count)), { le: bounds[i]! }));
  return [...buckets, line(`${name}_sum`, point, point.sum ?? 0), line(`${name}_count`, point, Number(point.count))];
}

function typeOf({ sum, gauge, histogram }: ReceivedMetric): string {
  if (sum !== undefined) return 'counter';
  if (gauge !== undefined) return 'gauge';
  return histogram === undefined ? 'summary' : 'histogram';
}

/** Those that do not change between two looks, and not by the stop. */
function isStill(text: string): boolean {
  return /^weir_(?!otlp_|overload_severity|event_loop_|downstream_connections_active)/.test(text);
}

function supervisorOf(protocol: string, interval: string, workers = 1): Supervisor {
  const endpoint = protocol === 'grpc' ? collector.grpc : collector.http;
  const args = ['--otlp-endpoint', endpoint, '--otlp-protocol', protocol, '--otlp-metrics-interval', interval];
  const otlp = readOtlp(new FlagValues(args, OTLP_FLAGS, {}), {}, 'pod-1');
  return new Supervisor({ workers, otlp, limits: DEFAULT_LIMITS, accessLog: 'off', drainTimeout: 1, log: createLog('silent') });
}

test.each([
  ['http/protobuf', 1],
  ['grpc', 2],
])('the last ones, over %s, with %i workers', async (protocol, workers) => {
  const supervisor = supervisorOf(protocol, '1h', workers);
  const [port] = await freePorts(1);
  await supervisor.apply([listener({ port: port! }), route()], []);
  // Without a backend: the proxy itself answers.
  expect((await fetch(`http://127.0.0.1:${port}/items`, { headers: { connection: 'close' } })).status).toBe(503);
  const scraped = (await supervisor.metrics('text')).split('\n').filter(isStill);
  const families = new Map(
    [...(await supervisor.metrics('text')).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const [flushed, pushed] = await Promise.all([supervisor.stop(1), collector.nextMetrics()]);
  expect(flushed).toBe(true);
  expect(pushed.flatMap(linesOf).filter(isStill).sort()).toEqual(scraped.sort());
  for (const metric of pushed) {
    expect([metric.name, families.get(metric.name)]).toEqual([metric.name, typeOf(metric)]);
    expect(metric.resource['service.instance.id']).toBe('pod-1');
  }
  expect(pushed.find(({ name }) => name === 'weir_requests_total')?.sum).toMatchObject({ isMonotonic: true, aggregationTemporality: 2 });
  expect(pushed.find(({ name }) => name === 'weir_request_duration_seconds')?.unit).toBe('s');
  const durations = pushed.find(({ name }) => name === 'weir_request_duration_seconds')?.histogram?.dataPoints;
  expect(durations?.map(({ count }) => count)).toEqual(['1']);
});

test('at the interval', async () => {
  const supervisor = supervisorOf('http/protobuf', '1s');
  expect((await collector.nextMetrics()).map(({ name }) => name)).toContain('weir_workers');
  await supervisor.stop(1);
});
