// Calls of every kind with @grpc/grpc-js on both ends and Weir between them.
import { describe, expect, test } from '@jest/globals';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import type * as ir from '#api/ir/ir.ts';
import { TestCa, secretOf } from '../support/certificates.ts';
import { closeAfterEach, closeLater, openProxy } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, ORIGIN, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { CHAT, COLLECT, EchoClient, EchoServer, EXPAND, method, outcomeOf, status, UNARY } from './echo.ts';

closeAfterEach();

interface Chain {
  readonly server: EchoServer;
  readonly proxy: Proxy;
  readonly client: EchoClient;
}

async function openServer(...methods: ReturnType<typeof method>[]): Promise<EchoServer> {
  const server = await EchoServer.start('', methods);
  closeLater(() => server.close());
  return server;
}

async function openChain(fields: Partial<ir.Route> = {}, ...methods: ReturnType<typeof method>[]): Promise<Chain> {
  const server = await openServer(...methods);
  const proxy = await openProxy([listener(), ...cluster('app', [server.port]), route({ http2: true, ...fields })]);
  const client = new EchoClient(proxy.port);
  closeLater(() => client.close());
  return { server, proxy, client };
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

function texts(messages: readonly Buffer[]): string[] {
  return messages.map(String);
}

describe('calls pass', () => {
  test('of all four kinds', async () => {
    const { proxy, client } = await openChain();
    expect(texts((await client.call(UNARY, [bytes('one')])).messages)).toEqual(['one']);
    expect(texts((await client.call(COLLECT, [bytes('a'), bytes('b'), bytes('c')])).messages)).toEqual(['abc']);
    expect(texts((await client.call(EXPAND, [bytes('xyz')])).messages)).toEqual(['x', 'y', 'z']);
    expect(texts((await client.call(CHAT, [bytes('1'), bytes('2')])).messages)).toEqual(['1', '2']);
    expect(proxy.metric('weir_requests_active')).toBe(0);
    expect(await proxy.worker.registry.metrics()).toContain(`weir_grpc_requests_total{${ORIGIN},grpc_status="0"} 4\n`);
  });

  test('message by message, as a conversation', async () => {
    const { client } = await openChain();
    const stream = client.open(CHAT);
    const heard: string[] = [];
    stream.on('data', (message: Buffer) => heard.push(String(message)));
    for (const word of ['how', 'are', 'you']) {
      stream.write(bytes(word));
      await until(() => heard.at(-1) === word, word);
    }
    const outcome = outcomeOf(stream);
    stream.end();
    expect((await outcome).code).toBe(status.OK);
  });

  test('with messages of megabytes, many at once', async () => {
    const { client } = await openChain();
    const messages = Array.from({ length: 4 }, (_, i) => Buffer.alloc(1_000_000, i));
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => client.call(CHAT, messages)));
    for (const outcome of outcomes) expect(Buffer.concat(outcome.messages).equals(Buffer.concat(messages))).toBe(true);
  });

  test('with metadata in head and trailers, bytes among them', async () => {
    const { client } = await openChain();
    const raw = Buffer.from([0, 1, 2, 254, 255]);
    const { head, trailers } = await client.call(UNARY, [], { metadata: { 'x-echo': 'text', 'x-echo-bin': raw } });
    for (const metadata of [head, trailers]) {
      expect(metadata.get('x-echo')).toEqual(['text']);
      expect(metadata.get('x-echo-bin')).toEqual([raw]);
    }
  });

  test('with statuses, messages and trailers of failures', async () => {
    const { client, proxy } = await openChain();
    const outcome = await client.call(UNARY, [], { metadata: { 'x-fail': '5', 'x-echo': 'why' } });
    expect(outcome).toMatchObject({ code: status.NOT_FOUND, details: 'failed with 5: é%', messages: [] });
    expect(outcome.trailers.get('x-echo')).toEqual(['why']);
    expect(await proxy.worker.registry.metrics()).toContain(`weir_grpc_requests_total{${ORIGIN},grpc_status="5"} 1\n`);
  });

  test('to any service: health checks and reflection are calls like others', async () => {
    const check = method('grpc.health.v1.Health/Check', 'Unary');
    const watch = method('grpc.health.v1.Health/Watch', 'Expand');
    const reflect = method('grpc.reflection.v1.ServerReflection/ServerReflectionInfo', 'Chat');
    const { client } = await openChain({}, check, watch, reflect);
    // HealthCheckRequest { service: "a" }.
    const asked = Buffer.from([0x0a, 1, 0x61]);
    expect((await client.call(check, [asked])).messages).toEqual([asked]);
    expect((await client.call(watch, [asked])).messages).toHaveLength(3);
    expect((await client.call(reflect, [asked, asked])).messages).toEqual([asked, asked]);
  });

  test('over TLS', async () => {
    const ca = await TestCa.create();
    closeLater(() => ca.remove());
    const secret = secretOf('default/cert', await ca.issue('test', 'DNS:grpc.test'));
    const server = await openServer();
    const proxy = await openProxy([
      secret,
      listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } }),
      ...[...cluster('app', [server.port]), route({ http2: true })],
    ]);
    const client = new EchoClient(proxy.port, credentials.createSsl(readFileSync(ca.certificate)), {
      'grpc.ssl_target_name_override': 'grpc.test',
    });
    closeLater(() => client.close());
    for (const definition of [UNARY, COLLECT, EXPAND, CHAT]) {
      expect(await client.call(definition, [bytes('s')])).toMatchObject({ code: status.OK, details: 'OK', messages: [bytes('s')] });
    }
  });
});

test('calls pass to a backend that speaks TLS', async () => {
  const ca = await TestCa.create();
  closeLater(() => ca.remove());
  const { certificate, privateKey } = await ca.issue('app', 'DNS:app.test');
  const pair = { cert_chain: readFileSync(certificate), private_key: readFileSync(privateKey) };
  const server = await EchoServer.start('', [], ServerCredentials.createSsl(null, [pair]));
  closeLater(() => server.close());
  const subjectAltNames: ir.SubjectAltName[] = [{ type: 'Hostname', value: 'app.test' }];
  const secured = cluster('app', [server.port]).map((resource) =>
    resource.kind === 'Cluster' ? { ...resource, tls: { serverName: 'app.test', subjectAltNames, authorities: ['ca'] } } : resource,
  );
  const bundle: ir.TrustBundle = { kind: 'TrustBundle', key: 'ca', certificates: readFileSync(ca.certificate, 'utf8') };
  const proxy = await openProxy([bundle, listener(), ...secured, route({ http2: true })]);
  const client = new EchoClient(proxy.port);
  closeLater(() => client.close());
  expect(await client.call(CHAT, [bytes('sealed')])).toMatchObject({ code: status.OK, messages: [bytes('sealed')] });
});

describe('a GRPCRoute has the features of an HTTPRoute', () => {
  test('copies go to a mirror, whose answers are dropped', async () => {
    const mirror = await openServer();
    const server = await openServer();
    const filter: ir.Filter = { type: 'RequestMirror', cluster: 'Service/default/mirror/80', numerator: 1, denominator: 1 };
    const rest = [...cluster('app', [server.port]), ...cluster('mirror', [mirror.port]), route({ http2: true, filters: [filter] })];
    const client = new EchoClient((await openProxy([listener(), ...rest])).port);
    closeLater(() => client.close());
    expect(texts((await client.call(UNARY, [bytes('one')])).messages)).toEqual(['one']);
    await until(() => mirror.timeouts.length === 1, 'the copy');
  });

  test('a backend that does not listen is passed by', async () => {
    const server = await openServer();
    const [closed = 0] = await freePorts(1);
    const proxy = await openProxy([listener(), ...cluster('app', [closed, server.port]), route({ http2: true })]);
    const client = new EchoClient(proxy.port);
    closeLater(() => client.close());
    for (let i = 0; i < 6; i++) expect((await client.call(UNARY, [bytes('x')])).code).toBe(status.OK);
  });

  test('headers of the call and of its answer are modified', async () => {
    const change = (name: string): ir.HeaderModification => ({ set: [{ name, value: 'set' }], add: [], remove: [] });
    const filters: ir.Filter[] = [
      { type: 'RequestHeaderModifier', headers: change('x-echo-set') },
      { type: 'ResponseHeaderModifier', headers: change('x-answer') },
    ];
    const { client } = await openChain({ filters });
    const { head } = await client.call(UNARY, [bytes('x')]);
    expect([head.get('x-echo-set'), head.get('x-answer')]).toEqual([['set'], ['set']]);
  });
});

describe('deadlines', () => {
  test('are passed to the backend, reduced by the elapsed time', async () => {
    const { server, client } = await openChain();
    const outcome = await client.call(UNARY, [], { metadata: { 'x-hang': '1' }, deadline: 300 });
    expect(outcome.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => server.cancelled === 1, 'the cancellation');
    expect(server.timeouts).toHaveLength(1);
    expect(server.timeouts[0]).toBeLessThanOrEqual(300);
    expect(server.timeouts[0]).toBeGreaterThan(0);
  });

  test('are limited by the timeout of the route', async () => {
    const { server, client } = await openChain({ timeouts: { request: 200, backendRequest: null } });
    const outcome = await client.call(UNARY, [], { metadata: { 'x-hang': '1' }, deadline: 20_000 });
    expect(outcome.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => server.cancelled === 1, 'the cancellation');
    expect(server.timeouts[0]).toBeLessThanOrEqual(200);
  });

  test('of the route apply to calls without one, and after the answer began', async () => {
    const { server, client } = await openChain({ timeouts: { request: 300, backendRequest: null } });
    const stream = client.open(CHAT);
    const outcome = outcomeOf(stream);
    stream.write(bytes('heard'));
    const { code, messages } = await outcome;
    expect([code, ...texts(messages)]).toEqual([status.DEADLINE_EXCEEDED, 'heard']);
    await until(() => server.cancelled === 1, 'the cancellation');
  });
});

describe('cancellation', () => {
  test.each([
    ['before the answer', { 'x-hang': '1' }],
    ['after it began', {}],
  ])('%s reaches the backend', async (_, metadata: Record<string, string>) => {
    const { server, client, proxy } = await openChain();
    const stream = client.open(CHAT, { metadata });
    const outcome = outcomeOf(stream);
    stream.write(bytes('x'));
    await until(() => server.active === 1, 'the call');
    stream.cancel();
    expect((await outcome).code).toBe(status.CANCELLED);
    await until(() => server.cancelled === 1, 'the cancellation');
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end');
    expect(await proxy.worker.registry.metrics()).toContain(`weir_grpc_requests_total{${ORIGIN},grpc_status="1"} 1\n`);
  });
});
