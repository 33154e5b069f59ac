// Spans of the services that filters ask about a request, at an OpenTelemetry collector: what they say, and which context a service gets.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { FlagValues } from '#lib/flags.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import { SPAN_KIND, SPAN_STATUS } from '#lib/otlp/records.ts';
import { parseRedisUrl } from '#lib/redis.ts';
import { DOCUMENT_TIMES } from '../../proxy/outside/documents.ts';
import { manifest, SecurityRig, securityPolicy } from '../security/rig.ts';
import { GrpcAuthorization, HttpAuthorization } from '../support/authorization-services.ts';
import { describeWith } from '../support/describe-with.ts';
import { ExternalProcessor } from '../support/external-processor.ts';
import { closeAfterAll, closeLater, get } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { header, status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { RedisServer } from '../support/redis.ts';
import { freePorts } from '../support/free-port.ts';
import { Browser, NAVIGATION } from '../oidc/browser.ts';
import { CLIENT_SECRET, TestProvider } from '../oidc/provider.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector } from './collector.ts';
import type { Arrived, ReceivedSpan } from './collector.ts';

closeAfterAll();

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `${TRACE}-00f067aa0ba902b7`;
const SAMPLED = `traceparent: 00-${PARENT}-01\r\n`;
/** Requests load documents; failures cause no load. */
const DOCUMENTS = { ...DOCUMENT_TIMES, least: 0, retry: { minimum: 600_000, maximum: 600_000 } };
const LOOPBACK = { address: '127.0.0.0', bits: 8, version: 4 } as const;

let collector: OtelCollector;
let rig: SecurityRig;
const web = new HttpAuthorization();
const rpc = new GrpcAuthorization();
const processor = new ExternalProcessor();

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  collector = await OtelCollector.start();
  await Promise.all([web.start(), rpc.start(), processor.start()]);
  rig = await rigWith();
}, 600_000);
afterAll(async () => {
  await rig.proxy.close();
  web.stop();
  rpc.stop();
  processor.stop();
  await collector.stop();
});

function rigWith(options: Parameters<typeof SecurityRig.start>[2] = {}): Promise<SecurityRig> {
  const flags = new FlagValues([`--otlp-endpoint=${collector.http}`], OTLP_FLAGS, {});
  const otlp = readOtlp(flags, { OTEL_BSP_SCHEDULE_DELAY: '1' }, 'pod-1');
  const more = { otlp, allowedServices: [LOOPBACK], documentTimes: DOCUMENTS, ...options };
  return SecurityRig.start([serviceAt('web', web.port), serviceAt('rpc', rpc.port), serviceAt('ext', processor.port)], {}, more);
}

function serviceAt(name: string, port: number): Manifest {
  return manifest('Backend', name, { endpoints: [{ ip: '127.0.0.1', port }] });
}

function refTo(name: string): object {
  return { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name } };
}

/** The spans of a request with this policy, by their names; `count` in all. The policy goes afterwards. */
async function spansWith(policy: Manifest, count: number, headers = SAMPLED): Promise<ReadonlyMap<string, Arrived<ReceivedSpan>>> {
  await rig.change([policy]);
  await rig.ask(get('/items/7?key=sesame', headers));
  const spans = await take(count);
  await rig.change([], [policy]);
  return spans;
}

/** The next spans of the trace. */
async function take(count: number): Promise<ReadonlyMap<string, Arrived<ReceivedSpan>>> {
  const spans = new Map<string, Arrived<ReceivedSpan>>();
  while (spans.size < count) {
    const span = await collector.nextSpan();
    if (span.traceId !== TRACE) continue;
    spans.set(spans.has(span.name) ? `${span.name} ${spans.size}` : span.name, span);
  }
  return spans;
}

function expectChild(span: ReceivedSpan | undefined, of: ReceivedSpan | undefined): void {
  expect(span).toMatchObject({ traceId: TRACE, parentSpanId: of?.spanId, kind: SPAN_KIND.client });
  expect(BigInt(span!.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(of!.startTimeUnixNano));
  expect(BigInt(span!.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(of!.endTimeUnixNano) + 1_000_000n);
}

const external = (settings: object): Manifest => securityPolicy('own', { authentication: { external: settings } });

test('an authorisation service over HTTP gets the context of its span, which has no query and no secret', async () => {
  const spans = await spansWith(external({ ...refTo('web'), http: {}, headersToService: ['traceparent'] }), 4);
  const [request, call] = [spans.get('GET /*'), spans.get('GET')];
  expectChild(call, request);
  expect(web.last?.headers['traceparent']).toBe(`00-${TRACE}-${call?.spanId}-01`);
  expect(attributesOf(call?.attributes)).toEqual({
    ...{ 'http.request.method': 'GET', 'url.full': 'http://a/items/7', 'http.response.status_code': 200 },
    ...{ 'server.address': '127.0.0.1', 'server.port': web.port, 'weir.backend': 'Backend/default/web' },
  });
  expect(call?.status.code ?? SPAN_STATUS.unset).toBe(SPAN_STATUS.unset);
  expect([...spans.keys()].filter((name) => name.startsWith('filter '))).toHaveLength(1);
});

test('one that refuses is an error with the status, also for a request that its caller does not keep', async () => {
  web.answer = (_, response) => void response.writeHead(503).end();
  const spans = await spansWith(external({ ...refTo('web'), http: {} }), 3, `traceparent: 00-${PARENT}-00\r\n`);
  web.answer = (_, response) => void response.end();
  const call = spans.get('GET');
  expect(attributesOf(call?.attributes)).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' });
  expect(call?.status.code).toBe(SPAN_STATUS.error);
  expect(web.last?.headers['traceparent']).toBe(`00-${TRACE}-${call?.spanId}-00`);
});

test('one over gRPC has the conventions of RPC', async () => {
  const spans = await spansWith(external({ ...refTo('rpc'), protocol: 'GRPC' }), 4);
  const call = spans.get('envoy.service.auth.v3.Authorization/Check');
  expectChild(call, spans.get('GET /*'));
  expect(attributesOf(call?.attributes)).toEqual({
    ...{ 'rpc.system': 'grpc', 'rpc.service': 'envoy.service.auth.v3.Authorization', 'rpc.method': 'Check', 'rpc.grpc.status_code': 0 },
    ...{ 'server.address': '127.0.0.1', 'server.port': rpc.port, 'weir.backend': 'Backend/default/rpc' },
  });
  expect(rpc.questions.at(-1)?.attributes.request.http.path).toBe('/items/7?key=sesame');
});

test('one that is away has the reason', async () => {
  const gone = serviceAt('web', 1);
  await rig.change([gone]);
  const spans = await spansWith(external({ ...refTo('web'), http: {} }), 3);
  await rig.change([serviceAt('web', web.port)]);
  expect(attributesOf(spans.get('GET')?.attributes)).toMatchObject({ 'error.type': 'upstream_connect_failed', 'server.port': 1 });
});

test('an external processor has one span for its conversation', async () => {
  const policy = manifest('ExtensionPolicy', 'own', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], processor: refTo('ext') });
  const spans = await spansWith(policy, 5);
  const call = spans.get('envoy.service.ext_proc.v3.ExternalProcessor/Process');
  expect(call).toMatchObject({ traceId: TRACE, parentSpanId: spans.get('GET /*')?.spanId, kind: SPAN_KIND.client });
  expect(attributesOf(call?.attributes)).toMatchObject({ 'rpc.method': 'Process', 'weir.backend': 'Backend/default/ext' });
});

test('an endpoint that explains tokens, by URL, does not learn of the trace', async () => {
  web.answer = (_, response) => void response.end('{"active":true,"sub":"alice"}');
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'client' }, data: { secret: Buffer.from('s').toString('base64') } };
  await rig.change([secret]);
  const client = { clientID: 'weir', clientSecret: { secretRef: { name: 'client' }, key: 'secret' } };
  const introspection = { uri: `http://127.0.0.1:${web.port}/introspect`, ...client };
  const bearer = `${SAMPLED}authorization: Bearer sesame\r\n`;
  const spans = await spansWith(securityPolicy('own', { authentication: { introspection } }), 4, bearer);
  web.answer = (_, response) => void response.end();
  const call = spans.get('POST');
  expectChild(call, spans.get('GET /*'));
  expect(attributesOf(call?.attributes)).toEqual({
    ...{ 'http.request.method': 'POST', 'url.full': introspection.uri, 'http.response.status_code': 200 },
    ...{ 'server.address': '127.0.0.1', 'server.port': web.port },
  });
  expect([web.last?.url, web.last?.headers['traceparent']]).toEqual(['/introspect', undefined]);
  expect(JSON.stringify([...spans.values()])).not.toContain('sesame');
});

/** A token with a key that no document has. */
function tokenOf(issuer: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'new' })}.${part({ iss: issuer, sub: 'alice', exp: Math.floor(Date.now() / 1_000) + 600 })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
}

test('the keys of an issuer that a request waits for have a span, after the first load', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'old', alg: 'RS256' }];
  web.answer = (_, response) => void response.end(JSON.stringify({ keys }));
  const jwks = { uri: `http://127.0.0.1:${web.port}/keys` };
  const policy = securityPolicy('own', { authentication: { jwt: { providers: [{ issuer: 'https://issuer', jwks }] } } });
  const bearer = `authorization: Bearer ${tokenOf('https://issuer')}\r\n`;
  await rig.change([policy]);
  // Shares the first load if that is under way, and waits for it.
  expect(status(await rig.ask(get('/', `traceparent: 00-${PARENT}-00\r\n${bearer}`)))).toBe(401);
  const spans = await spansWith(policy, 3, SAMPLED + bearer);
  web.answer = (_, response) => void response.end();
  expectChild(spans.get('GET'), spans.get('GET /*'));
  expect(attributesOf(spans.get('GET')?.attributes)).toMatchObject({ 'url.full': jwks.uri, 'http.response.status_code': 200 });
});

test('a provider of OpenID Connect has spans for its metadata, its tokens and its keys', async () => {
  const [port = 0] = await freePorts(1);
  const secrets = Object.entries({ client: CLIENT_SECRET, cookies: 'key-0123456789-0123456789-0123456789' }).map(([name, text]) => {
    const data = { value: Buffer.from(text).toString('base64') };
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data };
  });
  const entry = (name: string): object => ({ secretRef: { name }, key: 'value' });
  const issuer = `http://127.0.0.1:${port}`;
  const oidc = { issuer, clientID: 'shop', clientSecret: entry('client'), cookieKeys: entry('cookies') };
  const policy = securityPolicy('own', { authentication: { oidc } });
  const origin = `http://127.0.0.1:${rig.proxy.port}`;
  const browser = new Browser();
  await rig.change([...secrets, policy]);
  // The load of the metadata at the beginning has failed.
  expect((await browser.get(`${origin}/shop`)).status).toBe(503);
  const provider = await TestProvider.start([`${origin}/oauth2/callback`], [], { port });
  closeLater(() => provider.stop());
  const traced = { headers: { ...NAVIGATION, traceparent: `00-${PARENT}-01` } };
  const first = await browser.get(`${origin}/shop`, traced);
  const metadata = await take(3);
  expectChild(metadata.get('GET'), metadata.get('GET /*'));
  expect(attributesOf(metadata.get('GET')?.attributes)).toMatchObject({ 'url.full': `${issuer}/.well-known/openid-configuration` });

  const callback = await browser.logIn(first.headers.location ?? '', 'alice', (next) => next.startsWith(`${origin}/oauth2/callback`));
  expect((await browser.get(callback, traced)).headers.location).toBe(`${origin}/shop`);
  const spans = await take(4);
  const [request, token, keys] = [spans.get('GET /*'), spans.get('POST'), spans.get('GET')];
  expectChild(token, request);
  expectChild(keys, request);
  const called = [token, keys].map((span) => attributesOf(span?.attributes)['url.full']);
  expect(called).toEqual([`${issuer}/token`, `${issuer}/jwks`]);
  expect(JSON.stringify([...spans.values()])).not.toMatch(new RegExp(`${CLIENT_SECRET}|${new URL(callback).searchParams.get('code')}`));
  await rig.change([], [policy]);
});

describeWith(['redis'], 'limits in Redis', () => {
  test('have a span of the command', async () => {
    const redis = await RedisServer.start();
    closeLater(() => redis.stop());
    const address = parseRedisUrl(`redis://127.0.0.1:${redis.port}`);
    if (!address.ok) throw new Error(address.error);
    const files = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
    const other = await rigWith({ redis: { address: address.value, ...files, timeoutMs: 10_000 } });
    const limits = [{ name: 'few', requests: 1_000, per: '1h', key: [{ header: 'X-Tenant' }], store: 'Redis' }];
    await other.change([manifest('RateLimitPolicy', 'own', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], limits })]);
    // The first requests may come before the connection to Redis.
    while (header(await other.ask(get('/', `traceparent: 00-${PARENT}-00\r\n`)), 'ratelimit') === undefined);
    await other.ask(get('/', `${SAMPLED}x-tenant: sesame\r\n`));
    const spans = await take(4);
    const call = spans.get('EVALSHA');
    expectChild(call, spans.get('GET /*'));
    expect(attributesOf(call?.attributes)).toEqual({ 'db.system.name': 'redis', 'db.operation.name': 'EVALSHA' });
    await other.proxy.close();
  });
});
