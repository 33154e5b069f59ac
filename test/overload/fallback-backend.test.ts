// The fallback backend of a policy on real sockets: which requests change over to it, with which settings, and where that ends.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type * as ir from '#api/ir/ir.ts';
import { EchoClient, EchoServer, status as grpcStatus, UNARY } from '../grpc/echo.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { backend, cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { openEcho, openWebSocket, portOf } from '../support/websocket.ts';

closeAfterEach();

const SPARE = { backendRef: { cluster: 'Service/default/spare/80' } };
const STATIC = { response: { status: 200, body: 'static' } };

type Settings = ir.Policy['settings'];

/** A policy of the Service of that name, or of the route `route`. */
function policy(name: string, settings: Settings): ir.Policy {
  const target = { kind: name === 'route' ? 'HTTPRoute' : 'Service', namespace: 'default', name, section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name, createdAt: 0 };
  const references = JSON.stringify(settings).includes('spare') ? ['Cluster|Service/default/spare/80'] : [];
  return { kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, ...names, targets: [target], settings, references };
}

/** A proxy with a route to `app`, whose policy has the fallback `spare`. */
function openPair(app: readonly number[], spare: readonly number[], further: Settings = {}, ...more: ir.Resource[]): Promise<Proxy> {
  const own = policy('route', { fallback: SPARE, ...further });
  return openProxy([own, listener(), ...cluster('app', app), ...cluster('spare', spare), route(), ...more]);
}

function openResetting(): Promise<RawUpstream> {
  return openUpstream((_, { socket }) => {
    socket.resetAndDestroy();
    return null;
  });
}

async function ask(proxy: Proxy, request = get()): Promise<readonly [number, string]> {
  const answer = await (await openClient(proxy.port)).ask(request);
  return [status(answer), answer.body];
}

const FROM_SPARE = [200, 'spare'];

describe('a request changes over', () => {
  test('without endpoints', async () => {
    const spare = await openUpstream(ok('spare'));
    const proxy = await openPair([], [spare.port]);
    expect(await ask(proxy)).toEqual(FROM_SPARE);
    expect(await ask(proxy, post('kept'))).toEqual(FROM_SPARE);
    expect(spare.requests[1]?.body).toBe('kept');
    expect(await proxy.worker.registry.metrics()).toMatch(
      /weir_upstream_retries_total\{backend="Service\/default\/app\/80",reason="fallback"\} 2/,
    );
    expect(proxy.metric('weir_errors_total')).toBe(0);
  });

  test('from an open breaker', async () => {
    const app = await openUpstream('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n');
    const spare = await openUpstream(ok('spare'));
    const breaker = {
      circuitBreaker: { consecutiveFailures: 1, openFor: 60_000 },
      healthCheck: { passive: { maxEjectionPercent: 0 } },
    };
    const proxy = await openPair([app.port], [spare.port], breaker);
    expect((await ask(proxy))[0]).toBe(500);
    expect(await ask(proxy, post('body'))).toEqual(FROM_SPARE);
    expect(app.requests.length).toBe(1);
  });

  test('after a refused connection, with any method', async () => {
    const closed = await openUpstream();
    const { port } = closed;
    await closed.close();
    const spare = await openUpstream(ok('spare'));
    const proxy = await openPair([port], [spare.port]);
    expect(await ask(proxy, post('body'))).toEqual(FROM_SPARE);
  });

  test('after a reset if its method is idempotent', async () => {
    const [app, spare] = [await openResetting(), await openUpstream(ok('spare'))];
    const proxy = await openPair([app.port], [spare.port]);
    expect(await ask(proxy)).toEqual(FROM_SPARE);
    const put = post('whole').replace('POST', 'PUT');
    expect(await ask(proxy, put)).toEqual(FROM_SPARE);
    expect(spare.requests[1]?.body).toBe('whole');
    expect((await ask(proxy, post('body')))[0]).toBe(502);
    expect(spare.requests.length).toBe(2);
  });

  test('after a reset if the rule repeats its method too, and after the last attempt', async () => {
    const [app, spare] = [await openResetting(), await openUpstream(ok('spare'))];
    const retry = { retry: { attempts: 1, backoff: 0, triggers: ['reset'] } };
    const proxy = await openPair([app.port], [spare.port], retry);
    expect(await ask(proxy, post('body'))).toEqual(FROM_SPARE);
    expect(app.requests.length).toBe(2);
  });

  test('when its backend is late, and the late attempt ends', async () => {
    const [app, spare] = [await openUpstream(() => null), await openUpstream(ok('spare'))];
    const proxy = await openPair([app.port], [spare.port], { timeouts: { backendRequest: 50 } });
    expect(await ask(proxy)).toEqual(FROM_SPARE);
    await until(() => app.open === 0, 'the end of the late attempt');
  });

  test('when all hedged attempts have failed', async () => {
    const apps = [await openResetting(), await openResetting()];
    const spare = await openUpstream(ok('spare'));
    const proxy = await openPair(
      apps.map(({ port }) => port),
      [spare.port],
      { hedge: { delay: 10 } },
    );
    expect(await ask(proxy)).toEqual(FROM_SPARE);
  });

  test('as a WebSocket whose backend refuses connections', async () => {
    const closed = await openUpstream();
    const { port } = closed;
    await closed.close();
    const socket = await openWebSocket((await openPair([port], [portOf(await openEcho())])).port);
    socket.send('hello');
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe('hello');
  });

  test('as a call whose backend has no endpoint', async () => {
    const spare = await EchoServer.start('spare');
    closeLater(() => spare.close());
    const own = policy('route', { fallback: SPARE });
    const proxy = await openProxy([own, listener(), ...cluster('app', []), ...cluster('spare', [spare.port], 'http2'), route()]);
    const client = new EchoClient(proxy.port);
    closeLater(() => client.close());
    const { code, messages } = await client.call(UNARY, [Buffer.from('!')]);
    expect([code, messages.map(String)]).toEqual([grpcStatus.OK, ['spare!']]);
  });
});

describe('a request stays', () => {
  test('with the answer of its backend, whatever its status', async () => {
    const app = await openUpstream('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\napp');
    const spare = await openUpstream(ok('spare'));
    expect(await ask(await openPair([app.port], [spare.port]))).toEqual([503, 'app']);
  });

  test('with a body that the proxy does not keep', async () => {
    const [app, spare] = [await openResetting(), await openUpstream(ok('spare'))];
    const resources = [policy('route', { fallback: SPARE }), listener(), ...cluster('app', [app.port]), ...cluster('spare', [spare.port])];
    const proxy = await openProxy([...resources, route()], { maxReplayBytes: 4 });
    expect((await ask(proxy, post('too large').replace('POST', 'PUT')))[0]).toBe(502);
    expect(spare.requests.length).toBe(0);
  });

  test('if it is a mirrored copy', async () => {
    const [app, spare] = [await openUpstream(ok('app')), await openUpstream(ok('spare'))];
    const mirror: ir.Filter = { type: 'RequestMirror', cluster: 'Service/default/shadow/80', numerator: 1, denominator: 1 };
    const resources = [policy('route', { fallback: SPARE }), listener(), ...cluster('app', [app.port]), ...cluster('spare', [spare.port])];
    const proxy = await openProxy([...resources, ...cluster('shadow', []), route({ filters: [mirror] })]);
    // The copy of a request without a body is sent, and fails, before the original is sent.
    expect(await ask(proxy)).toEqual([200, 'app']);
    expect(proxy.metric('weir_upstream_retries_total')).toBe(0);
    expect(spare.connections.length).toBe(0);
  });

  test('if its backend is the fallback itself', async () => {
    const spare = await openResetting();
    const proxy = await openPair([], [spare.port], {}, route({ backends: [backend('spare')] }));
    expect((await ask(proxy))[0]).toBe(502);
    expect(spare.requests.length).toBe(1);
  });
});

describe('the fallback', () => {
  test('that gives no answer either leaves the fixed answer', async () => {
    const spare = await openResetting();
    const proxy = await openPair([], [spare.port], { fallback: { ...SPARE, ...STATIC } });
    expect(await ask(proxy)).toEqual([200, 'static']);
    expect(await ask(await openPair([], [], { fallback: { ...SPARE, ...STATIC } }))).toEqual([200, 'static']);
  });

  test('has no fallback of its own: a circle ends', async () => {
    const [app, spare] = [await openResetting(), await openResetting()];
    const back = { backendRef: { cluster: 'Service/default/app/80' } };
    const circle = [policy('app', { fallback: SPARE }), policy('spare', { fallback: back })];
    const proxy = await openProxy([...circle, listener(), ...cluster('app', [app.port]), ...cluster('spare', [spare.port]), route()]);
    expect((await ask(proxy))[0]).toBe(502);
    expect([app.requests.length, spare.requests.length]).toEqual([1, 1]);
  });

  test('has the policy of its Service, also a later one', async () => {
    let failures = 0;
    const spare = await openUpstream(() =>
      failures-- > 0 ? 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' : ok('spare'),
    );
    const proxy = await openPair([], [spare.port]);
    failures = 1;
    expect((await ask(proxy))[0]).toBe(503);
    await proxy.worker.apply([policy('spare', { retry: { attempts: 1, backoff: 0, codes: [503] } })], []);
    failures = 1;
    expect(await ask(proxy)).toEqual(FROM_SPARE);
  });

  test('counts the request as one of its own, not as a retry', async () => {
    let failures = 1;
    const app = await openResetting();
    const spare = await openUpstream(() =>
      failures-- > 0 ? 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' : ok('spare'),
    );
    const retry = { attempts: 9, backoff: 0, codes: [503], budget: { percent: 100, minRetriesPerSecond: 0 } };
    const proxy = await openPair([app.port], [spare.port], { retry });
    expect(await ask(proxy)).toEqual(FROM_SPARE);
    expect(spare.requests.length).toBe(2);
  });

  test('leaves the request its deadline', async () => {
    const spare = await openUpstream(() => null);
    const patient = policy('spare', { timeouts: { request: 3_600_000 } });
    const proxy = await openPair([], [spare.port], { timeouts: { request: 50 } }, patient);
    const [code, body] = await ask(proxy);
    expect([code, body]).toEqual([504, expect.stringContaining('request_timeout')]);
  });

  test('answers through the filters of the first backend', async () => {
    const spare = await openUpstream(ok('spare'));
    const headers = { set: [{ name: 'x-from', value: 'filter' }], add: [], remove: [] };
    const filtered = backend('app', 1, [{ type: 'ResponseHeaderModifier', headers }]);
    const resources = [policy('route', { fallback: SPARE }), listener(), ...cluster('app', []), ...cluster('spare', [spare.port])];
    const proxy = await openProxy([...resources, route({ backends: [filtered] })]);
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([answer.body, header(answer, 'x-from')]).toEqual(['spare', 'filter']);
  });

  test('of one Service concerns only its requests', async () => {
    const spare = await openUpstream(ok('spare'));
    const parts = [policy('app', { fallback: SPARE }), ...cluster('app', []), ...cluster('other', []), ...cluster('spare', [spare.port])];
    const other = route({ name: 'other', key: 'HTTPRoute/default/other/0', backends: [backend('other')] });
    const both = await openProxy([...parts, listener(), route()]);
    expect(await ask(both)).toEqual(FROM_SPARE);
    expect((await ask(await openProxy([...parts, listener(), other])))[0]).toBe(503);
  });
});
