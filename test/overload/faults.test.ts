// Faults that a policy injects: delays and errors, marked in the access log and in the metrics.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as ir from '#api/ir/ir.ts';
import { CHAT, EchoClient, EchoServer, status as grpcStatus, UNARY } from '../grpc/echo.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { cluster, listener, route, startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let folder: string;
let files = 0;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'weir-faults-'))));
afterAll(() => rm(folder, { recursive: true }));

function faults(faultInjection: ir.Policy['settings'], further: ir.Policy['settings'] = {}): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'faults', createdAt: 0 };
  const settings = { faultInjection, ...further };
  return { kind: 'Policy', key: 'BackendTrafficPolicy/default/faults', ...names, targets: [target], settings };
}

/** A proxy with these faults, and its backend. */
async function openFaulty(settings: ir.Policy['settings'], further: ir.Policy['settings'] = {}): Promise<[Proxy, RawUpstream]> {
  const upstream = await openUpstream(ok());
  return [await openProxy([faults(settings, further), ...toUpstream(upstream.port)]), upstream];
}

const LONG = 3_600_000;

describe('an error', () => {
  test('comes in place of the answer, and the backend sees nothing', async () => {
    const [proxy, upstream] = await openFaulty({ abort: { status: 429 } });
    const answer = await (await openClient(proxy.port)).ask(get());
    expect(JSON.parse(answer.body)).toMatchObject({ status: 429, code: 'fault_injected' });
    expect(status(answer)).toBe(429);
    expect(upstream.requests).toHaveLength(0);
    expect(await proxy.worker.registry.metrics()).toMatch(/weir_faults_injected_total\{.*fault="abort"\} 1/);
  });

  test('leaves the connection in order after a request with a body', async () => {
    const [proxy] = await openFaulty({ header: 'X-Fault', abort: { percent: 100 } });
    const client = await openClient(proxy.port);
    expect(status(await client.ask(post('body', '/', 'X-Fault: 1\r\n')))).toBe(503);
    expect(status(await client.ask(post('body')))).toBe(200);
  });

  test('comes to its share of the requests', async () => {
    const [proxy] = await openFaulty({ abort: { percent: 50 } });
    const client = await openClient(proxy.port);
    const counts = { 200: 0, 503: 0 };
    for (let i = 0; i < 400; i++) counts[status(await client.ask(get())) as 200 | 503]++;
    // 10 standard deviations.
    expect(Math.abs(counts[503] - 200)).toBeLessThan(100);
    expect(proxy.metric('weir_faults_injected_total')).toBe(counts[503]);
  });

  test('comes only to requests with the header, if there is one', async () => {
    const [proxy] = await openFaulty({ header: 'X-Fault', abort: { percent: 100 } });
    const client = await openClient(proxy.port);
    expect(status(await client.ask(get('/', 'x-fault: any\r\n')))).toBe(503);
    expect(status(await client.ask(get()))).toBe(200);
  });

  test.each([
    ['of a share of 0 comes to no request', { abort: { percent: 0 }, delay: { percent: 0, fixed: LONG } }],
    ['without a fault comes to no request', { header: 'x-fault' }],
  ])('%s', async (_, settings) => {
    const [proxy] = await openFaulty(settings);
    expect(status(await (await openClient(proxy.port)).ask(get('/', 'x-fault: any\r\n')))).toBe(200);
  });

  test('is not tried again', async () => {
    const [proxy] = await openFaulty({ abort: { status: 503 } }, { retry: { attempts: 3, codes: [503], backoff: 0 } });
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(503);
    expect(proxy.metric('weir_faults_injected_total')).toBe(1);
  });

  test('is not for the copies of a mirror', async () => {
    const [upstream, shadow] = [await openUpstream(ok()), await openUpstream(ok())];
    const mirror = { type: 'RequestMirror', cluster: 'Service/default/shadow/80', numerator: 1, denominator: 1 } as const;
    const clusters = [...cluster('app', [upstream.port]), ...cluster('shadow', [shadow.port])];
    const proxy = await openProxy([faults({ abort: { percent: 100 } }), ...clusters, listener(), route({ filters: [mirror] })]);
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(503);
    await shadow.request();
    expect(upstream.requests).toHaveLength(0);
  });
});

describe('a delay', () => {
  test('precedes the request to the backend', async () => {
    const [proxy, upstream] = await openFaulty({ delay: { fixed: 150 } });
    const client = await openClient(proxy.port);
    const started = performance.now();
    expect(status(await client.ask(post('body')))).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(150);
    expect(upstream.requests[0]?.body).toBe('body');
    expect(await proxy.worker.registry.metrics()).toMatch(/weir_faults_injected_total\{.*fault="delay"\} 1/);
  });

  test('holds back a long body', async () => {
    const [proxy, upstream] = await openFaulty({ delay: { fixed: 50 } });
    const client = await openClient(proxy.port);
    expect(status(await client.ask(post('x'.repeat(1_000_000))))).toBe(200);
    expect(upstream.requests[0]?.body).toHaveLength(1_000_000);
  });

  test('ends when the client leaves, and leaves nothing behind', async () => {
    const [proxy, upstream] = await openFaulty({ delay: { fixed: LONG } });
    const client = await openClient(proxy.port);
    client.write(get());
    await until(() => proxy.metric('weir_requests_active') === 1, 'the request');
    client.destroy();
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'the end of all timers');
    expect(upstream.requests).toHaveLength(0);
  });

  test('ends at the timeout of the request', async () => {
    const [proxy] = await openFaulty({ delay: { fixed: LONG } }, { timeouts: { request: 100 } });
    const answer = await (await openClient(proxy.port)).ask(get());
    expect(JSON.parse(answer.body)).toMatchObject({ status: 504, code: 'request_timeout' });
  });

  test('may precede an error', async () => {
    const [proxy] = await openFaulty({ delay: { fixed: 100 }, abort: { percent: 100 } });
    const started = performance.now();
    expect(status(await (await openClient(proxy.port)).ask(get()))).toBe(503);
    expect(performance.now() - started).toBeGreaterThanOrEqual(100);
    expect(proxy.metric('weir_faults_injected_total')).toBe(2);
  });
});

test('calls get their own status', async () => {
  const server = await EchoServer.start();
  closeLater(() => server.close());
  const all = [faults({ abort: { status: 404, grpcStatus: 8 } }), listener(), ...cluster('app', [server.port], 'http2'), route()];
  const proxy = await openProxy(all);
  const client = new EchoClient(proxy.port);
  closeLater(() => client.close());
  expect((await client.call(UNARY, [])).code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
  expect((await client.call(CHAT, [])).code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
});

test('the access log marks the requests', async () => {
  const upstream = await openUpstream(ok());
  const file = path.join(folder, `${++files}.log`);
  const policy = faults({ header: 'x-fault', delay: { fixed: 1 }, abort: { percent: 100 } });
  const proxy = await startProxy([policy, ...toUpstream(upstream.port)], {}, file);
  closeLater(() => proxy.close());
  const client = await openClient(proxy.port);
  await client.ask(get('/', 'x-fault: any\r\n'));
  await client.ask(get());
  await proxy.close();
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ status: 503, error: 'fault_injected', fault: 'delay,abort' }),
    expect.not.objectContaining({ fault: expect.anything() }),
  ]);
});
