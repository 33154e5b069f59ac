// Traces from a request to an OpenTelemetry collector: what backends get in headers, what spans say, and which spans are kept.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { FlagValues } from '#lib/flags.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import { SPAN_KIND, SPAN_STATUS } from '#lib/otlp/records.ts';
import { DEFAULT_TRACING } from '../../proxy/exchange/tracing.ts';
import { manifest, SecurityRig, securityPolicy } from '../security/rig.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { header, status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector } from './collector.ts';
import type { Arrived, ReceivedSpan } from './collector.ts';

closeAfterAll();

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SAMPLED = `traceparent: 00-${TRACE}-${CALLER}-01\r\n`;
const UNSAMPLED = `traceparent: 00-${TRACE}-${CALLER}-00\r\n`;
const GATEWAY = { kind: 'Gateway', name: 'gw' };
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const FAILURE = 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n';

/** Spans go out at once. */
const BATCHES = { OTEL_BSP_SCHEDULE_DELAY: '1' };

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-tracing-'));
const file = path.join(folder, 'access.log');
let collector: OtelCollector;
let rig: SecurityRig;

function otlp(endpoint: string, protocol = 'http/protobuf'): OtlpSettings {
  const args = [`--otlp-endpoint=${endpoint}`, `--otlp-protocol=${protocol}`];
  return readOtlp(new FlagValues(args, OTLP_FLAGS, {}), BATCHES, 'pod-1') as OtlpSettings;
}

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  collector = await OtelCollector.start();
  rig = await SecurityRig.start([], {}, { accessLog: file, otlp: otlp(collector.http) });
}, 600_000);
beforeEach(async () => {
  truncateSync(file);
  rig.upstream.become(ANSWER);
  await rig.change([app()], [policy({}), manifest('TelemetryPolicy', 'route', {})]);
});
afterAll(async () => {
  await rig.proxy.close();
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

function policy(tracing: object, target: object = GATEWAY, name = 'traces'): Manifest {
  return manifest('TelemetryPolicy', name, { targetRefs: [target], tracing });
}

/** The route `app` with these fields in its rule. */
function app(rule: object = {}): Manifest {
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  return manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [{ name: 'all', ...rule, backendRefs }] });
}

/** Sends a request; the last one that the backend got. */
async function ask(request: string): Promise<{ readonly answer: Message; readonly sent: Message }> {
  const answer = await rig.ask(request);
  return { answer, sent: rig.upstream.requests.at(-1) as Message };
}

async function spans(count: number): Promise<readonly Arrived<ReceivedSpan>[]> {
  const arrived: Arrived<ReceivedSpan>[] = [];
  while (arrived.length < count) arrived.push(await collector.nextSpan());
  return arrived;
}

/** The spans of a request and its attempt. */
async function requestSpans(): Promise<[Arrived<ReceivedSpan>, Arrived<ReceivedSpan>]> {
  return (await spans(2)) as [Arrived<ReceivedSpan>, Arrived<ReceivedSpan>];
}

function attributes(span: ReceivedSpan | undefined): Readonly<Record<string, unknown>> {
  return attributesOf(span?.attributes);
}

async function logLine(): Promise<Record<string, unknown>> {
  await until(() => readFileSync(file, 'utf8').endsWith('\n'), 'a line');
  return JSON.parse(readFileSync(file, 'utf8').trim()) as Record<string, unknown>;
}

/** Sends a request that is kept in any case, to prove that the spans of earlier requests do not come. */
async function nextKept(): Promise<Arrived<ReceivedSpan>> {
  await rig.ask(get('/last', SAMPLED));
  const [first] = await spans(2);
  return first as Arrived<ReceivedSpan>;
}

describe('a request of a caller with a trace', () => {
  test('joins it: backend, spans and log agree', async () => {
    await rig.change([app({ matches: [{ path: { value: '/carts' } }] })]);
    const more = 'tracestate: a=1,b=2\r\nbaggage: tenant=red\r\nuser-agent: test/1\r\n';
    const { sent } = await ask(get('/carts/7?token=secret', SAMPLED + more));
    const [server, client] = await requestSpans();
    expect(server).toMatchObject({
      traceId: TRACE,
      parentSpanId: CALLER,
      name: 'GET /carts/*',
      kind: SPAN_KIND.server,
      traceState: 'a=1,b=2',
    });
    expect(client).toMatchObject({ traceId: TRACE, parentSpanId: server.spanId, name: 'GET', kind: SPAN_KIND.client });
    expect(header(sent, 'traceparent')).toBe(`00-${TRACE}-${client.spanId}-01`);
    expect([header(sent, 'tracestate'), header(sent, 'baggage')]).toEqual(['a=1,b=2', 'tenant=red']);
    expect(sent.raw.match(/^traceparent/gim)).toHaveLength(1);
    expect(await logLine()).toMatchObject({ traceId: TRACE, spanId: server.spanId });
    expect(BigInt(client.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(server.startTimeUnixNano));
    expect(BigInt(client.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(server.endTimeUnixNano) + 1_000_000n);
  });

  test('has the attributes of the conventions, and no query', async () => {
    await ask(get('/carts/7?token=secret', `${SAMPLED}user-agent: test/1\r\n`));
    const [server, client] = await spans(2);
    expect(attributes(server)).toEqual({
      ...{ 'http.request.method': 'GET', 'url.scheme': 'http', 'url.path': '/carts/7', 'http.route': '/*' },
      ...{ 'server.address': 'a', 'server.port': 80, 'network.protocol.version': '1.1', 'user_agent.original': 'test/1' },
      ...{ 'client.address': '127.0.0.1', 'network.peer.address': '127.0.0.1', 'network.peer.port': expect.any(Number) },
      ...{ 'weir.gateway': 'default/gw', 'weir.listener': 'default/gw/http', 'weir.route': 'HTTPRoute/default/app/0' },
      ...{ 'http.response.status_code': 200, 'http.response.body.size': 2 },
    });
    expect(attributes(client)).toMatchObject({
      ...{ 'http.request.method': 'GET', 'url.full': 'http://a/carts/7', 'network.protocol.version': '1.1' },
      ...{ 'server.address': '127.0.0.1', 'server.port': rig.upstream.port, 'http.response.status_code': 200 },
      ...{ 'weir.backend': 'Backend/default/app', 'weir.attempt.outcome': 'answered' },
    });
    expect(server?.resource).toMatchObject({ 'service.name': 'weir', 'service.instance.id': 'pod-1' });
  });

  test.each([
    ['an invalid context', `traceparent: 00-${TRACE}-${CALLER}-01-x\r\ntracestate: a=1\r\n`],
    ['two contexts', `${SAMPLED}${SAMPLED}`],
  ])('begins a trace with %s', async (_, headers) => {
    await rig.change([policy({ sampling: { percent: 100 } })]);
    const { sent } = await ask(get('/', headers));
    const [server, client] = await spans(2);
    expect(server?.traceId).not.toBe(TRACE);
    expect(server?.parentSpanId ?? '').toBe('');
    expect([header(sent, 'traceparent'), header(sent, 'tracestate')]).toEqual([`00-${server?.traceId}-${client?.spanId}-01`, undefined]);
    expect(sent.raw.match(/^traceparent/gim)).toHaveLength(1);
  });
});

describe('propagation', () => {
  test('reads and writes B3, in one header and in several', async () => {
    await rig.change([policy({ propagation: ['B3', 'B3Multi'] })]);
    const { sent } = await ask(get('/', `b3: ${TRACE}-${CALLER}-1\r\nx-b3-traceid: 1\r\n${UNSAMPLED}`));
    const [, client] = await spans(2);
    expect(client?.traceId).toBe(TRACE);
    expect([header(sent, 'b3'), header(sent, 'x-b3-traceid'), header(sent, 'x-b3-spanid'), header(sent, 'x-b3-sampled')]).toEqual([
      `${TRACE}-${client?.spanId}-1`,
      TRACE,
      client?.spanId,
      '1',
    ]);
    // Formats that the policy does not name pass as they are.
    expect(header(sent, 'traceparent')).toBe(UNSAMPLED.slice(13).trim());
  });

  test('over HTTP/2 has the context too', async () => {
    const seen: (string | string[] | undefined)[] = [];
    const backend = await openH2Backend((stream, headers) => {
      seen.push(headers['traceparent']);
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const http2 = manifest('BackendTrafficPolicy', 'http2', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], protocol: 'HTTP2' });
    const original = manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: rig.upstream.port }] });
    await rig.change([http2, manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: backend.port }] })]);
    expect(status(await rig.ask(get('/', SAMPLED)))).toBe(200);
    await rig.change([original], [http2]);
    const [, client] = await spans(2);
    expect(seen).toEqual([`00-${TRACE}-${client?.spanId}-01`]);
    expect(attributes(client)['network.protocol.version']).toBe('2');
  });

  test('keeps baggage from backends if the policy says so', async () => {
    await rig.change([policy({ baggage: false })]);
    const { sent } = await ask(get('/', `${UNSAMPLED}baggage: secret=1\r\n`));
    expect(header(sent, 'baggage')).toBeUndefined();
  });
});

describe('sampling', () => {
  test('drops what the caller drops, and passes its decision', async () => {
    const { sent } = await ask(get('/dropped', UNSAMPLED));
    expect(header(sent, 'traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(attributes(await nextKept())['url.path']).toBe('/last');
  });

  test('keeps failures that the caller drops, with their attempts', async () => {
    rig.upstream.become(FAILURE);
    await ask(get('/failed', UNSAMPLED));
    const [server, client] = await spans(2);
    expect(server).toMatchObject({ traceId: TRACE, status: { code: SPAN_STATUS.error } });
    expect([attributes(server)['error.type'], attributes(client)['error.type']]).toEqual(['503', '503']);
  });

  test('keeps errors of the proxy with their codes', async () => {
    rig.upstream.become('HTTP/1.1 200 OK\r\nbad header\r\n\r\n');
    await ask(get('/broken', UNSAMPLED));
    const [server, client] = await spans(2);
    expect(attributes(server)).toMatchObject({ 'error.type': 'upstream_malformed', 'weir.error': 'upstream_malformed' });
    expect(attributes(client)).toMatchObject({ 'error.type': 'upstream_malformed', 'weir.attempt.outcome': 'failed' });
  });

  test('keeps nothing of failures without errors, but what a condition names', async () => {
    rig.upstream.become(FAILURE);
    await rig.change([policy({ sampling: { errors: false, always: 'request.path == "/kept"' } })]);
    await ask(get('/failed', UNSAMPLED));
    await ask(get('/kept', UNSAMPLED));
    const [server] = await spans(2);
    expect(attributes(server)['url.path']).toBe('/kept');
  });

  test('decides by the share instead of the caller, and links the caller of a new trace', async () => {
    await rig.change([policy({ sampling: { percent: 0, parent: 'Ignore' } })]);
    await ask(get('/ignored', SAMPLED));
    await rig.change([policy({ sampling: { percent: 100, parent: 'Restart' } })]);
    await ask(get('/restarted', `${SAMPLED}tracestate: a=1\r\n`));
    const [server] = await spans(2);
    expect([attributes(server)['url.path'], server?.parentSpanId ?? '', server?.traceState ?? '']).toEqual(['/restarted', '', '']);
    expect(server?.links).toEqual([expect.objectContaining({ traceId: TRACE, spanId: CALLER })]);
    expect(server?.traceId).not.toBe(TRACE);
  });

  test('is off for a route, and on for its Gateway', async () => {
    await rig.change([policy({ sampling: { percent: 100 } }), policy({ enabled: false }, { kind: 'HTTPRoute', name: 'app' }, 'route')]);
    const { sent } = await ask(get('/off', SAMPLED));
    expect(header(sent, 'traceparent')).toBe(SAMPLED.slice(13).trim());
    await rig.change([], [manifest('TelemetryPolicy', 'route', {})]);
    expect(attributes(await nextKept())['url.path']).toBe('/last');
  });
});

describe('spans', () => {
  test('name the revision of the configuration that the supervisor told', async () => {
    rig.proxy.worker.notice({ topic: 'revision', key: '', value: '00c0ffee00c0ffee' });
    await ask(get('/', SAMPLED));
    rig.proxy.worker.notice({ topic: 'revision', key: '', value: null });
    await ask(get('/', SAMPLED));
    const [told, , untold] = await spans(4);
    const name = 'weir.config.revision';
    expect([attributes(told)[name], attributes(untold)[name]]).toEqual(['00c0ffee00c0ffee', undefined]);
  });

  test('of requests without a route, and of malformed ones', async () => {
    await rig.change([policy({ sampling: { percent: 100 } }), app({ matches: [{ path: { value: '/only' } }] })]);
    await rig.ask(get('/lost'));
    const [unrouted] = await spans(1);
    expect([unrouted?.name, attributes(unrouted)['http.response.status_code'], attributes(unrouted)['weir.error']]).toEqual([
      'GET',
      404,
      'route_not_found',
    ]);
    expect(unrouted?.status.code ?? SPAN_STATUS.unset).toBe(SPAN_STATUS.unset);
  });

  test('of every attempt, with the number of the repetition', async () => {
    rig.upstream.become(FAILURE);
    await rig.change([app({ retry: { attempts: 2, codes: [503], backoff: '1ms' } })]);
    await ask(get('/again', SAMPLED));
    const [server, ...clients] = await spans(4);
    expect(attributes(server)['weir.attempts']).toBe(3);
    expect(clients.map((client) => attributes(client)['http.request.resend_count'])).toEqual([undefined, 1, 2]);
    expect(new Set(clients.map(({ spanId }) => spanId)).size).toBe(3);
    const sent = rig.upstream.requests.slice(-3).map((request) => header(request, 'traceparent')?.split('-')[2]);
    expect(sent).toEqual(clients.map(({ spanId }) => spanId));
  });

  test('have attributes of the policy, and no secrets', async () => {
    const own = [
      { name: 'tenant', header: 'X-Tenant' },
      { name: 'app.tier', value: 'gold' },
      { name: 'contact', header: 'x-contact' },
    ];
    await rig.change([policy({ attributes: own })]);
    const secrets =
      'x-contact: ann@example.com\r\nuser-agent: bot (ann@example.com)\r\nauthorization: Bearer sesame\r\ncookie: a=sesame\r\n';
    await ask(get('/users/ann@example.com?key=sesame', `${SAMPLED}x-tenant: red\r\n${secrets}`));
    const arrived = await spans(2);
    expect(attributes(arrived[0])).toMatchObject({ tenant: 'red', 'app.tier': 'gold' });
    expect(JSON.stringify(arrived)).not.toMatch(/ann@|sesame/);
  });

  test('cut long texts of clients, and have no method that clients make up', async () => {
    await ask(`${'M'.repeat(20)} /${'p'.repeat(3_000)} HTTP/1.1\r\nhost: a\r\n${SAMPLED}user-agent: ${'u'.repeat(3_000)}\r\n\r\n`);
    const [server] = await spans(2);
    const found = attributes(server);
    expect(server?.name).toBe('HTTP /*');
    expect([found['http.request.method'], found['http.request.method_original']]).toEqual(['_OTHER', 'M'.repeat(20)]);
    expect([String(found['url.path']).length, String(found['user_agent.original']).length]).toEqual([1_024, 256]);
  });

  test('of waits for filters', async () => {
    const users = manifest('Secret', 'users', {});
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: users['metadata'], data: { '.htpasswd': HTPASSWD } };
    const basic = securityPolicy('basic', { authentication: { basic: { usersSecretRef: { name: 'users' } } } });
    await rig.change([secret as Manifest, basic]);
    await ask(get('/', `${SAMPLED}authorization: Basic ${Buffer.from('ann:wrong').toString('base64')}\r\n`));
    await rig.change([], [basic]);
    const [server, wait] = await spans(2);
    expect(attributes(server)['http.response.status_code']).toBe(401);
    expect(wait).toMatchObject({ parentSpanId: server?.spanId, kind: SPAN_KIND.internal, name: expect.stringMatching(/^filter /) });
  });
});

const HTPASSWD = Buffer.from('ann:$2y$05$N5VL3pHOzLhnPkLBxzzyYOxAyeUcRBlz0N0a8.7cBTpCoqVqzGcqK\n').toString('base64');

describe('a collector', () => {
  test.each([
    ['dead', 'http/protobuf'],
    ['silent', 'http/protobuf'],
    ['dead', 'grpc'],
    ['silent', 'grpc'],
  ])('that is %s costs no request, and no memory beyond the bound, over %s', async (kind, protocol) => {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => void sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    if (kind === 'dead') server.close();
    const maxOtlpQueueBytes = 8_192;
    const other = await SecurityRig.start(
      [],
      {},
      { otlp: otlp(`http://127.0.0.1:${port}`, protocol), tracing: { ...DEFAULT_TRACING, share: 1 }, limits: { maxOtlpQueueBytes } },
    );
    for (let i = 0; i < 60; i++) expect(status(await other.ask(get(`/${i}`)))).toBe(200);
    expect(other.proxy.metric('weir_otlp_queue_bytes')).toBeLessThanOrEqual(maxOtlpQueueBytes);
    expect(other.proxy.metric('weir_otlp_dropped_records_total')).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

test.each([
  [{ propagation: ['W3C', 'W3C'] }, 'spec.tracing.propagation[1]: is listed twice'],
  [{ attributes: [{ name: 'a' }] }, 'spec.tracing.attributes[0]: must have either header or value'],
  [{ attributes: [{ name: 'a', header: 'x', value: 'y' }] }, 'must have either header or value'],
  [{ attributes: [{ name: 'a', header: 'Authorization' }] }, 'is a header with credentials'],
  [{ attributes: [{ name: 'A b', value: 'y' }] }, 'must be a name like tenant or app.tier'],
  [{ sampling: { always: 'request.' } }, 'spec.tracing.sampling.always'],
  [{ sampling: { percent: 101 } }, 'spec.tracing.sampling.percent'],
])('%j is refused', (tracing, message) => {
  const validated = validateObject(policy(tracing), { strict: true });
  expect(validated.ok ? [] : validated.error.map(describeError)).toEqual([expect.stringContaining(message)]);
});
