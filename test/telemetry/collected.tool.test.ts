// What a running Weir tells a collector and a scraper about the same requests: each line of the access log arrives as one log record, and
// exemplars of metrics name traces that the collector has.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { SEVERITY } from '#lib/otlp/records.ts';
import { closeAfterAll } from '../support/fixture.ts';
import { FolderWeir } from '../support/folder-weir.ts';
import { freePorts } from '../support/free-port.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { gateway, gatewayClass } from '../support/objects.ts';
import { manifest } from '../security/rig.ts';
import { until } from '../support/until.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector, valueOf } from './collector.ts';
import type { Arrived, ReceivedLog, ReceivedSpan } from './collector.ts';

closeAfterAll();

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
/** More than a batch has, over both workers. */
const MANY = 1_100;

const site = new FolderWeir((request, response) => {
  response.statusCode = Number(request.url?.slice(-3)) || 200;
  response.end('ok');
});
const log = path.join(site.folder, '..', `${path.basename(site.folder)}.log`);
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
let collector: OtelCollector;
let ports: { readonly http: number; readonly tcp: number; readonly probe: number };

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  const [backend, web, tcp, probe] = (await freePorts(4)) as [number, number, number, number];
  ports = { http: web, tcp, probe };
  collector = await OtelCollector.start();
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  const parentRef = (sectionName: string): object => ({ parentRefs: [{ name: 'gw', sectionName }] });
  const items = [
    gatewayClass(),
    gateway('gw', [
      { name: 'http', port: web },
      { name: 'tcp', port: tcp, protocol: 'TCP' },
    ]),
    manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: backend }] }),
    manifest('HTTPRoute', 'app', { ...parentRef('http'), rules: [{ matches: [{ path: { value: '/items' } }], backendRefs }] }),
    manifest('TCPRoute', 'raw', { ...parentRef('tcp'), rules: [{ backendRefs }] }),
  ];
  site.save('all.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const otlp = ['--otlp-endpoint', collector.grpc, '--otlp-protocol', 'grpc', '--tracing-sampling', '100', '--access-log-otlp', 'on'];
  const own = ['--access-log', log, '--workers', '2', '--store', 'off', '--probe-port', String(probe)];
  await site.serve(backend, [...own, ...otlp], { OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_BLRP_SCHEDULE_DELAY: '20' });
}, 600_000);
afterAll(async () => {
  agent.destroy();
  await site.close();
  await collector.stop();
});

/** Sends a request and reads the answer; its status. */
async function get(target: string, headers: http.OutgoingHttpHeaders = {}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  http
    .get({ port: ports.http, path: target, headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
    .on('error', reject);
  return promise;
}

/** All that comes of a connection after these bytes. */
async function exchange(port: number, bytes: string): Promise<string> {
  let text = '';
  for await (const chunk of net.connect(port, '127.0.0.1').end(bytes)) text += String(chunk);
  return text;
}

interface Line {
  readonly time: string;
  readonly protocol: string;
  readonly method?: string;
  readonly status?: number;
  readonly route?: string;
  readonly listener: string;
  readonly error?: string;
  readonly traceId?: string;
  readonly spanId?: string;
}

async function linesOfLog(count: number): Promise<readonly string[]> {
  const read = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  await until(() => read().length >= count, `${count} lines`);
  return read();
}

async function take<T>(count: number, next: () => Promise<T>): Promise<readonly T[]> {
  const taken: T[] = [];
  while (taken.length < count) taken.push(await next());
  return taken;
}

/** The record that belongs to a line. */
function expectedOf(line: Line): object {
  const { method, status, route, listener, error, protocol, traceId, spanId } = line;
  const isRequest = protocol !== 'tcp';
  const failure = error === undefined ? {} : { 'error.type': error };
  const request = { 'http.request.method': method, 'http.response.status_code': status, 'weir.route': route };
  return {
    eventName: isRequest ? 'weir.access' : 'weir.connection',
    severityNumber: SEVERITY[severityOf(line)],
    traceId,
    spanId,
    attributes: { 'weir.listener': listener, ...failure, ...(isRequest ? request : { 'network.protocol.name': 'tcp' }) },
  };
}

function severityOf({ status = 200, error }: Line): 'info' | 'warn' | 'error' {
  if (status >= 500) return 'error';
  return status >= 400 || error !== undefined ? 'warn' : 'info';
}

function foundOf(record: Arrived<ReceivedLog>): object {
  const { eventName, severityNumber, traceId, spanId } = record;
  // The empty id is the absent one.
  return {
    eventName,
    severityNumber,
    traceId: traceId || undefined,
    spanId: spanId || undefined,
    attributes: attributesOf(record.attributes),
  };
}

test('each line of the access log is one record at the collector, with the trace and the severity of its request', async () => {
  const targets = ['/items/1', '/items/503', '/items/404', '/lost', '/items/%22%E2%82%AC?token=sesame'];
  const statuses = [];
  for (const target of targets) statuses.push(await get(target, { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }));
  expect(statuses).toEqual([200, 503, 404, 404, 200]);
  expect(await exchange(ports.http, 'GET / HTTP/1.1\r\nbad header\r\n\r\n')).toContain('400');
  expect(await exchange(ports.tcp, 'GET /items HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).toContain('200 OK');
  await Promise.all(Array.from({ length: MANY }, (_, i) => get(`/items/many/${i}x`)));
  const total = targets.length + 2 + MANY;
  const texts = await linesOfLog(total);
  const records = await take(total, () => collector.nextLog());
  const byText = new Map(records.map((record) => [valueOf(record.body!) as string, record]));
  // Texts differ by their times and ids, so that none stands for another.
  expect([byText.size, texts.length]).toEqual([total, total]);
  for (const text of texts) {
    const record = byText.get(text);
    const line = JSON.parse(text) as Line;
    expect([text, record && foundOf(record)]).toEqual([text, expectedOf(line)]);
    expect(Number(BigInt(record!.timeUnixNano) / 1_000_000n)).toBeGreaterThanOrEqual(Date.parse(line.time));
    expect(record!.resource).toMatchObject({ 'service.name': 'weir' });
  }
  expect(texts.filter((text) => text.includes(TRACE))).toHaveLength(targets.length);
  expect(JSON.stringify(records)).not.toContain('sesame');
});

/** The samples of a scrape with exemplars: labels, and the exemplar's trace, span and value. */
function exemplarsOf(
  text: string,
): readonly { readonly le: number; readonly traceId: string; readonly spanId: string; readonly value: number }[] {
  const form = /^weir_request_duration_seconds_bucket\{.*le="([^"]+)"\} \S+ # \{trace_id="(\w+)",span_id="(\w+)"\} (\S+) (\S+)$/gm;
  return [...text.matchAll(form)].map(([, le, traceId = '', spanId = '', value]) => {
    return { le: le === '+Inf' ? Infinity : Number(le), traceId, spanId, value: Number(value) };
  });
}

test('exemplars of a scrape name requests whose spans the collector has, in the bucket of their duration', async () => {
  const spans = new Map<string, ReceivedSpan>();
  const scrape = await fetch(`http://127.0.0.1:${ports.probe}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
  const found = exemplarsOf(await scrape.text());
  expect(found.length).toBeGreaterThan(1);
  while (!found.every(({ spanId }) => spans.has(spanId))) {
    const span = await collector.nextSpan();
    spans.set(span.spanId, span);
  }
  for (const { le, traceId, spanId, value } of found) {
    const { startTimeUnixNano, endTimeUnixNano, traceId: sent } = spans.get(spanId) as ReceivedSpan;
    const seconds = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e9;
    expect([sent, Math.abs(seconds - value) < 0.002, value <= le]).toEqual([traceId, true, true]);
  }
  const plain = await fetch(`http://127.0.0.1:${ports.probe}/metrics`, { headers: { accept: 'text/plain' } });
  expect(await plain.text()).not.toContain('trace_id');
});
