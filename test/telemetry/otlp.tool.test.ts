// What the queues of OTLP send arrives at a collector of OpenTelemetry as it was handed in, over gRPC and HTTP, with TLS and without.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FlagValues } from '#lib/flags.ts';
import { Histogram } from '#lib/histogram.ts';
import { recordsOf } from '#lib/otlp/metric-records.ts';
import { Otlp } from '#lib/otlp/otlp.ts';
import { SEVERITY, SPAN_KIND, SPAN_STATUS } from '#lib/otlp/records.ts';
import type { LogRecord, SpanRecord } from '#lib/otlp/records.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { certified } from '../support/certified.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector, valueOf } from './collector.ts';

const tls = certified('DNS:localhost, IP:127.0.0.1');
let plain: OtelCollector;
let secure: OtelCollector;

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  [plain, secure] = await Promise.all([OtelCollector.start(), OtelCollector.start({ files: tls.files, clientCa: tls.files.ca })]);
}, 600_000);
afterAll(() => Promise.all([plain.stop(), secure.stop()]));

function otlpOf(args: readonly string[]): Otlp {
  const settings = readOtlp(new FlagValues(args, OTLP_FLAGS, {}), { OTEL_RESOURCE_ATTRIBUTES: 'weir.fleet=shop/web' }, 'pod-1')!;
  return new Otlp({ settings, maxBytes: 1_048_576 });
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN: SpanRecord = {
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  traceState: 'congo=t61rcWkgMzE',
  flags: 1,
  name: 'GET /items/{id}',
  kind: SPAN_KIND.server,
  startTime: 1_784_000_000_123.456,
  endTime: 1_784_000_000_130.5,
  attributes: ['http.request.method', 'GET', 'http.response.status_code', 502, 'ratio', 0.25, 'cached', false, 'far', -5_000_000_000],
  events: [{ time: 1_784_000_000_124, name: 'retry', attributes: ['reason', 'reset'] }],
  links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: ['kind', 'copy'] }],
  status: SPAN_STATUS.error,
  statusMessage: 'upstream_reset',
};
const LOG: LogRecord = {
  time: 1_784_000_000_123.456,
  severity: SEVERITY.warn,
  severityText: 'WARN',
  eventName: 'weir.access',
  body: { text: 'grüße', list: [1, 'two', null], nested: { deep: true } },
  attributes: ['url.path', '/items'],
  traceId: TRACE,
  spanId: SPAN.spanId,
};

async function expectArrival(collector: OtelCollector, args: readonly string[]): Promise<void> {
  const otlp = otlpOf(args);
  otlp.traces!.add(SPAN);
  otlp.traces!.add({ ...SPAN, parentSpanId: '', traceState: '', events: [], status: SPAN_STATUS.unset, statusMessage: '', attributes: [] });
  otlp.logs!.add(LOG);
  await otlp.close(10_000);
  expect([otlp.traces!.exported, otlp.logs!.exported]).toEqual([2, 1]);
  const [span, bare, log] = [await collector.nextSpan(), await collector.nextSpan(), await collector.nextLog()];
  expect(span).toMatchObject({
    traceId: TRACE,
    spanId: SPAN.spanId,
    parentSpanId: SPAN.parentSpanId,
    traceState: SPAN.traceState,
    flags: 1,
  });
  expect(span).toMatchObject({ name: SPAN.name, kind: 2, status: { code: 2, message: 'upstream_reset' } });
  expect([span.startTimeUnixNano, span.endTimeUnixNano]).toEqual(['1784000000123456000', '1784000000130500000']);
  expect(attributesOf(span.attributes)).toEqual(
    Object.fromEntries([0, 2, 4, 6, 8].map((i) => [SPAN.attributes[i], SPAN.attributes[i + 1]])),
  );
  expect(span.events).toMatchObject([{ name: 'retry', timeUnixNano: '1784000000124000000' }]);
  expect(span.links).toMatchObject([{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) }]);
  expect(span.resource).toMatchObject({ 'service.name': 'weir', 'service.instance.id': 'pod-1', 'weir.fleet': 'shop/web' });
  expect([bare.parentSpanId ?? '', bare.status]).toEqual(['', {}]);
  expect(log).toMatchObject({ timeUnixNano: '1784000000123456000', severityNumber: 13, severityText: 'WARN', eventName: 'weir.access' });
  expect([log.traceId, log.spanId, valueOf(log.body!), attributesOf(log.attributes)]).toEqual([
    TRACE,
    SPAN.spanId,
    LOG.body,
    { 'url.path': '/items' },
  ]);
}

describe('spans and log records arrive', () => {
  test('over HTTP', () => expectArrival(plain, ['--otlp-endpoint', plain.http]));
  test('over HTTP with gzip', () => expectArrival(plain, ['--otlp-endpoint', plain.http, '--otlp-compression', 'gzip']));
  test('over gRPC', () => expectArrival(plain, ['--otlp-endpoint', plain.grpc, '--otlp-protocol', 'grpc']));
  test('over gRPC with gzip', () =>
    expectArrival(plain, ['--otlp-endpoint', plain.grpc, '--otlp-protocol', 'grpc', '--otlp-compression', 'gzip']));
  test.each(['grpc', 'http/protobuf'])('over %s with TLS and a certificate of the proxy', async (protocol) => {
    const pair = ['--otlp-cert-file', tls.files.certificate, '--otlp-key-file', tls.files.privateKey];
    const endpoint = protocol === 'grpc' ? secure.grpc : secure.http;
    await expectArrival(secure, ['--otlp-endpoint', endpoint, '--otlp-protocol', protocol, '--otlp-ca-file', tls.files.ca, ...pair]);
  });
});

test.each(['grpc', 'http/protobuf'])('over %s nothing goes to a collector whose certificate is of another CA', async (protocol) => {
  const otlp = otlpOf(['--otlp-endpoint', protocol === 'grpc' ? secure.grpc : secure.http, '--otlp-protocol', protocol]);
  otlp.logs!.add(LOG);
  otlp.logs!.flush();
  while (otlp.logs!.requests.failed === 0) await new Promise(setImmediate);
  await otlp.close(0);
  expect([otlp.logs!.exported, otlp.logs!.dropped.stopped]).toEqual([0, 1]);
});

test('5,000 records arrive, in their order', async () => {
  const otlp = otlpOf(['--otlp-endpoint', plain.http]);
  for (let i = 0; i < 5_000; i++) otlp.logs!.add({ ...LOG, body: `line ${i}` });
  await otlp.close(10_000);
  const bodies = [];
  for (let i = 0; i < 5_000; i++) bodies.push((await plain.nextLog()).body?.stringValue);
  expect(bodies).toEqual(Array.from({ length: 5_000 }, (_, i) => `line ${i}`));
});

test('buckets of histograms arrive with their exemplars', async () => {
  const otlp = otlpOf(['--otlp-endpoint', plain.http]);
  const exemplar = { traceId: TRACE, spanId: SPAN.spanId, value: 0.75, time: 1_784_000_000_500 };
  const histogram = new Histogram();
  histogram.exemplify(histogram.observe(750), 750, exemplar);
  const values = histogram.samples('weir_time_seconds', { route: 'a' });
  const family = { name: 'weir_time_seconds', type: 'histogram', help: 'Time', values } as const;
  for (const record of recordsOf(family, 1_784_000_000_000, 1_784_000_001_000)) otlp.metrics!.add(record);
  await otlp.close(10_000);
  const [metric] = await plain.nextMetrics();
  expect(metric).toMatchObject({ name: 'weir_time_seconds', unit: 's', description: 'Time' });
  const [point] = metric!.histogram!.dataPoints;
  expect(point).toMatchObject({ count: '1', sum: 0.75, exemplars: [{ traceId: TRACE, spanId: SPAN.spanId, asDouble: 0.75 }] });
});
