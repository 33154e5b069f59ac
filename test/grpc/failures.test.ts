// Failing calls: the frames that the caller and the backend get.
import { describe, expect, test } from '@jest/globals';
import type http2 from 'node:http2';
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { closeAfterEach, openProxy, openUpstream } from '../support/fixture.ts';
import { answerOf, END_STREAM, frame, FrameClient, numbers, openSession, openStream, post, request, TYPE } from '../support/h2-client.ts';
import type { FramePeer } from '../support/h2-client.ts';
import { FrameServer, head, openH2Backend } from '../support/h2-upstream.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { freePorts } from '../support/free-port.ts';

closeAfterEach();

const CANCEL = 8;
const CALL = { ':method': 'POST', ':path': '/a.B/Go', 'content-type': 'application/grpc', te: 'trailers' };
const GRPC = ['content-type', 'application/grpc'] as const;
/** A message of three bytes. */
const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);

function resources(ports: readonly number[], fields: Partial<ir.Route> = {}): ir.Resource[] {
  return [listener(), ...cluster('app', ports), route({ http2: true, ...fields })];
}

/** Makes a call that fails in its head: returns status and message of the head, after which no frame may follow. */
async function told(proxy: Proxy, headers: Record<string, string> = {}): Promise<readonly [status: string, message: string]> {
  const answer = await request(openSession(proxy.port), { ...CALL, ...headers }, MESSAGE);
  expect([answer.status, answer.body.length, answer.headers['content-type'], answer.headers['content-length']]).toEqual([
    ...[200, 0],
    ...[headers['content-type'] ?? 'application/grpc', undefined],
  ]);
  return [String(answer.headers['grpc-status']), String(answer.headers['grpc-message'])];
}

interface Frames {
  readonly server: FrameServer;
  readonly proxy: Proxy;
  readonly client: FrameClient;
}

/** A call on stream 1 between a client and a backend of frames. */
async function openFrames(
  limits: Partial<Limits> = {},
  ...fields: (readonly [string, string])[]
): Promise<Frames & { readonly peer: FramePeer }> {
  const server = await FrameServer.start();
  const proxy = await openProxy(resources([server.port]), limits);
  const client = await FrameClient.connect(proxy.port);
  client.write(post(1, GRPC, ...fields), frame(TYPE.data, 0, 1, MESSAGE));
  return { server, proxy, client, peer: await server.asked() };
}

/** A field of the last header block of a stream: of the head, or of the trailers once they have arrived. */
function field(peer: FramePeer, name: string, stream = 1): string | undefined {
  const fields = peer.of(TYPE.headers, stream).at(-1)?.fields ?? [];
  return fields[fields.indexOf(name) + 1];
}

describe('failures of the proxy are answers with a status alone', () => {
  test('no route', async () => {
    const proxy = await openProxy(
      resources([], { matches: [{ path: { type: 'Exact', value: '/x' }, method: null, headers: [], queryParams: [] }] }),
    );
    expect(await told(proxy)).toEqual(['12', 'No route matches the request']);
    expect(await told(proxy, { 'content-type': 'application/grpc+proto' })).toEqual(['12', 'No route matches the request']);
  });

  test.each([
    ['application/grpc+json', 'application/grpc+json'],
    ['application/grpc+proto; a=b', 'application/grpc+proto'],
    ['application/grpc;a=b', 'application/grpc'],
    ['application/GRPC+Thrift', 'application/grpc+Thrift'],
    ['application/grpc+', 'application/grpc'],
    ['application/grpc+a"b', 'application/grpc'],
  ])('a call of the type %s is answered with %s, also where the backend speaks no gRPC', async (type, answered) => {
    const none = await openProxy(resources([]));
    const { port } = await openH2Backend((stream) => {
      stream.respond({ ':status': 503, 'content-type': 'text/html' });
      stream.end('<html>');
    });
    const foreign = await openProxy(resources([port]));
    for (const proxy of [none, foreign]) {
      const answer = await request(openSession(proxy.port), { ...CALL, 'content-type': type }, MESSAGE);
      expect([answer.headers['content-type'], answer.headers['grpc-status']]).toEqual([answered, '14']);
    }
  });

  test('no endpoints, no such backend, a backend that does not listen', async () => {
    expect(await told(await openProxy(resources([])))).toEqual(['14', 'The backend has no endpoint']);
    const invalid = { backends: [{ cluster: null, invalidReason: 'BackendNotFound', weight: 1, filters: [] }] };
    expect(await told(await openProxy(resources([], invalid)))).toEqual(['14', 'The backend of the route is not valid']);
    expect(await told(await openProxy(resources(await freePorts(1))))).toEqual(['14', 'The backend could not be reached']);
  });

  test.each(['1', '1s', '123456789S', '-1S'])('a grpc-timeout of %s', async (timeout) => {
    expect(await told(await openProxy(resources([])), { 'grpc-timeout': timeout })).toEqual([
      '13',
      'The deadline of the caller cannot be read',
    ]);
  });

  test('a message that is too large', async () => {
    const { proxy } = await openFrames({ maxRequestBodyBytes: 100 });
    const session = openSession(proxy.port);
    const answer = await request(session, CALL, Buffer.alloc(101));
    expect([answer.status, answer.headers['grpc-status']]).toEqual([200, '8']);
  });

  test('but not for requests that are no calls', async () => {
    const proxy = await openProxy(resources([]));
    for (const headers of [{ 'content-type': 'application/grpc-web' }, { ':method': 'PUT' }, { 'content-type': 'text/plain' }]) {
      const answer = await request(openSession(proxy.port), { ...CALL, ...headers }, MESSAGE);
      expect([answer.status, answer.headers['content-type']]).toEqual([503, 'application/problem+json']);
    }
  });
});

describe('answers that are none of gRPC', () => {
  test.each([
    [503, '14'],
    [404, '12'],
    [401, '16'],
    [500, '2'],
    [200, '2'],
  ])('status %d becomes %s', async (status, expected) => {
    const { port } = await openH2Backend((stream) => {
      stream.respond({ ':status': status, 'content-type': 'text/html' });
      stream.end('<html>');
    });
    expect(await told(await openProxy(resources([port])))).toEqual([
      expected,
      `The backend did not answer with gRPC, but with HTTP status ${status}`,
    ]);
  });

  test('of a backend of HTTP/1.1 too', async () => {
    const upstream = await openUpstream('HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno');
    const proxy = await openProxy([listener(), ...cluster('app', [upstream.port]), route()]);
    expect(await told(proxy)).toEqual(['14', 'The backend did not answer with gRPC, but with HTTP status 429']);
  });

  test('a status in the head is enough', async () => {
    const { port } = await openH2Backend((stream) =>
      stream.respond({ ':status': 200, 'grpc-status': '5', 'grpc-message': 'a%25b' }, { endStream: true }),
    );
    const answer = await request(openSession((await openProxy(resources([port]))).port), CALL, MESSAGE);
    expect([answer.headers['grpc-status'], answer.headers['grpc-message']]).toEqual(['5', 'a%25b']);
  });
});

describe('resets', () => {
  test.each([
    [8, '1'],
    [11, '8'],
    [2, '13'],
    [12, '7'],
    [5, '2'],
  ])('a reset by the backend with code %d becomes status %s', async (code, expected) => {
    const { client, peer } = await openFrames();
    peer.write(frame(TYPE.reset, 0, 1, numbers(code)));
    await client.answered(1);
    expect([client.status(1), field(client, 'grpc-status')]).toEqual(['200', expected]);
  });

  test('after the answer began the status comes in trailers', async () => {
    const { client, peer } = await openFrames();
    peer.write(head(1, '200', 0, GRPC), frame(TYPE.data, 0, 1, MESSAGE), frame(TYPE.reset, 0, 1, numbers(11)));
    await client.answered(1);
    expect(client.of(TYPE.data, 1).map(({ payload }) => payload)).toEqual([MESSAGE]);
    expect([field(client, 'grpc-status'), field(client, 'grpc-message')]).toEqual(['8', 'The answer of the backend ended too early']);
  });

  test('a backend that closes the connection is unavailable', async () => {
    const { client, peer } = await openFrames();
    peer.socket.destroy();
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('14');
  });

  test('a refused call is repeated with its message', async () => {
    const { server, client, peer } = await openFrames();
    await until(() => peer.of(TYPE.data, 1).length > 0, 'the message');
    peer.write(frame(TYPE.reset, 0, 1, numbers(7)));
    await server.asked(3);
    await until(() => peer.of(TYPE.data, 3).length > 0, 'the message again');
    expect(peer.of(TYPE.data, 3)[0]?.payload).toEqual(MESSAGE);
    peer.write(head(3, '200', END_STREAM, GRPC, ['grpc-status', '0']));
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('0');
  });

  test('a caller that resets the call resets it at the backend, with CANCEL', async () => {
    const { client, peer, proxy } = await openFrames();
    client.write(frame(TYPE.reset, 0, 1, numbers(CANCEL)));
    expect(await peer.reset(1)).toBe(CANCEL);
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end');
  });
});

describe('statuses that are worth another attempt', () => {
  const retry: ir.Policy = {
    ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/retry', policyKind: 'BackendTrafficPolicy' },
    ...{ namespace: 'default', name: 'retry', createdAt: 0 },
    targets: [{ kind: 'GRPCRoute', namespace: 'default', name: 'route', section: '' }],
    settings: { retry: { grpcStatuses: [14], backoff: 0 } },
  };

  /** A call to a backend that answers its attempts with these in turn. */
  async function answers(...steps: readonly http2.OutgoingHttpHeaders[]): Promise<readonly [status: unknown, attempts: number]> {
    let attempts = 0;
    const { port } = await openH2Backend((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...steps[attempts++] }, { endStream: true });
    });
    const proxy = await openProxy([retry, ...resources([port], { objectKind: 'GRPCRoute', key: 'GRPCRoute/default/route/0' })]);
    const answer = await request(openSession(proxy.port), CALL, MESSAGE);
    return [answer.headers['grpc-status'], attempts];
  }

  test('are retried, in an answer that is only a head', async () => {
    expect(await answers({ 'grpc-status': '14' }, { 'grpc-status': '0' })).toEqual(['0', 2]);
    expect(await answers({ ':status': 503, 'content-type': 'text/html' }, { 'grpc-status': '0' })).toEqual(['0', 2]);
  });

  test('as often as the policy allows, and no other calls are', async () => {
    expect(await answers({ 'grpc-status': '14' }, { 'grpc-status': '14' }, { 'grpc-status': '0' })).toEqual(['14', 2]);
    expect(await answers({ 'grpc-status': '5' }, { 'grpc-status': '0' })).toEqual(['5', 1]);
  });
});

describe('deadlines of the caller', () => {
  test('that end many calls at once are no flood', async () => {
    const { client, server, proxy } = await openFrames({ maxStreamResets: 5 });
    const streams = Array.from({ length: 20 }, (_, i) => 3 + i * 2);
    client.write(...streams.map((stream) => post(stream, GRPC)), post(101, GRPC, ['grpc-timeout', '1100m']));
    await client.answered(101);
    client.write(...streams.map((stream) => frame(TYPE.reset, 0, stream, numbers(CANCEL))), post(103, GRPC));
    const peer = await server.asked(45);
    peer.write(head(45, '200', END_STREAM, GRPC, ['grpc-status', '0']));
    await client.answered(103);
    expect(field(client, 'grpc-status', 103)).toBe('0');
    expect(proxy.metric('weir_requests_active')).toBe(1);
  });

  test('that expire end the call with a status, and reset it at the backend with CANCEL', async () => {
    const { client, peer } = await openFrames({}, ['grpc-timeout', '100m']);
    await client.answered(1);
    expect([field(client, 'grpc-status'), field(client, 'grpc-message')]).toEqual(['4', 'The deadline of the caller passed']);
    expect(await peer.reset(1)).toBe(CANCEL);
  });

  test('have the same status if the backend detects them first and sends CANCEL', async () => {
    // The timer wheel of the proxy may be late by up to two ticks.
    const { client, peer } = await openFrames({}, ['grpc-timeout', '60m']);
    const told = Number(/^(\d+)u$/.exec(field(peer, 'grpc-timeout') ?? '')?.[1]) / 1_000;
    const deadline = performance.now() + told;
    await until(() => performance.now() >= deadline, 'the deadline');
    peer.write(frame(TYPE.reset, 0, 1, numbers(CANCEL)));
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('4');
  });

  test('that are far away make no deadline of a CANCEL', async () => {
    const { client, peer } = await openFrames({}, ['grpc-timeout', '1H']);
    peer.write(frame(TYPE.reset, 0, 1, numbers(CANCEL)));
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('1');
  });

  test('that expire after the answer began end it with a status', async () => {
    const { client, peer } = await openFrames({}, ['grpc-timeout', '200m']);
    peer.write(head(1, '200', 0, GRPC), frame(TYPE.data, 0, 1, MESSAGE));
    await client.answered(1);
    expect([client.of(TYPE.data, 1).length, field(client, 'grpc-status')]).toEqual([1, '4']);
    expect(await peer.reset(1)).toBe(CANCEL);
  });

  test('that have passed on arrival are not waited for', async () => {
    const { client } = await openFrames({}, ['grpc-timeout', '0S']);
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('4');
  });

  test('that are just long enough for the answer do not fail the call', async () => {
    const { client, peer } = await openFrames({}, ['grpc-timeout', '1H']);
    expect(field(peer, 'grpc-timeout')).toMatch(/^3[56]\d{5}m$/);
    peer.write(head(1, '200', END_STREAM, GRPC, ['grpc-status', '0']));
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('0');
  });
});

describe('silence', () => {
  test('is no fault of a call, either way', async () => {
    const { client, peer } = await openFrames({ requestBodyIdleTimeout: 100, upstreamIdleTimeout: 150, downstreamIdleTimeout: 200 });
    // Both proxies are probed several times.
    const answer = (end: FramePeer) => {
      const asked = end.of(TYPE.ping).filter(({ flags }) => flags === 0);
      for (const { payload } of asked.slice(answered.get(end) ?? 0)) end.write(frame(TYPE.ping, 1, 0, payload));
      answered.set(end, asked.length);
      return asked.length;
    };
    const answered = new Map<FramePeer, number>();
    await until(() => Math.min(answer(client), answer(peer)) >= 3, 'three PINGs each way');
    peer.write(head(1, '200', END_STREAM, GRPC, ['grpc-status', '0']));
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('0');
  });

  test('is cut when the caller does not answer a PING', async () => {
    const { client, peer } = await openFrames({ requestBodyIdleTimeout: 100, downstreamIdleTimeout: 200 });
    await until(() => client.closed, 'the cut');
    expect(client.of(TYPE.ping)).toHaveLength(1);
    expect(await peer.reset(1)).toBe(CANCEL);
  });

  test('is cut at the maximum duration of a tunnel', async () => {
    const { client, peer } = await openFrames({ requestBodyIdleTimeout: 100, tunnelIdleTimeout: 300, downstreamIdleTimeout: 60_000 });
    await client.answered(1);
    expect(field(client, 'grpc-status')).toBe('4');
    expect(await peer.reset(1)).toBe(CANCEL);
  });
});

test('a call that node:http2 makes and answers passes with its trailers', async () => {
  const { port } = await openH2Backend((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-end-bin': 'AAE' }));
    stream.end(MESSAGE);
  });
  const stream = openStream(openSession((await openProxy(resources([port]))).port), CALL, false);
  stream.end(MESSAGE);
  const answer = await answerOf(stream);
  expect([answer.body, answer.trailers['grpc-status'], answer.trailers['x-end-bin']]).toEqual([MESSAGE, '0', 'AAE']);
});
