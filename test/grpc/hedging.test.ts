// Hedging over HTTP/2: the loser's stream is reset, and calls are hedged only if the policy says so.
import { expect, test } from '@jest/globals';
import type http2 from 'node:http2';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, openProxy } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CANCEL = 8;
const CALL = { ':method': 'POST', ':path': '/a.B/Go', 'content-type': 'application/grpc', te: 'trailers' };
const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);

async function open(
  hedge: Readonly<Record<string, unknown>>,
): Promise<{ proxy: Proxy; streams: http2.ServerHttp2Stream[]; sessions: http2.ServerHttp2Session[] }> {
  const streams: http2.ServerHttp2Stream[] = [];
  const sessions: http2.ServerHttp2Session[] = [];
  const backends = await Promise.all(
    [0, 1].map(() =>
      openH2Backend((stream) => {
        streams.push(stream);
        if (stream.session !== undefined) sessions.push(stream.session as http2.ServerHttp2Session);
      }),
    ),
  );
  const policy: ir.Policy = {
    ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/hedge', policyKind: 'BackendTrafficPolicy' },
    ...{ namespace: 'default', name: 'hedge', createdAt: 0 },
    targets: [{ kind: 'Service', namespace: 'default', name: 'app', section: '' }],
    settings: { hedge: { delay: 1, ...hedge } },
  };
  const ports = backends.map(({ port }) => port);
  return { proxy: await openProxy([policy, ...cluster('app', ports, 'http2'), listener(), route()]), streams, sessions };
}

test('the stream of the loser is cancelled, and its connection stays', async () => {
  const { proxy, streams, sessions } = await open({});
  const answer = request(openSession(proxy.port), { ':path': '/' });
  await until(() => streams.length === 2, 'two attempts');
  const [first, second] = streams as [http2.ServerHttp2Stream, http2.ServerHttp2Stream];
  second.respond({ ':status': 200 });
  second.end('second');
  expect((await answer).body.toString()).toBe('second');
  await until(() => first.destroyed, 'the end of the loser');
  expect([first.rstCode, sessions.map(({ destroyed }) => destroyed)]).toEqual([CANCEL, [false, false]]);
});

test('a call is hedged if the policy says so, with its messages, and ends with the trailers of the winner', async () => {
  const { proxy, streams } = await open({ grpc: true });
  const answer = request(openSession(proxy.port), CALL, MESSAGE);
  await until(() => streams.length === 2, 'two attempts');
  const [first, second] = streams as [http2.ServerHttp2Stream, http2.ServerHttp2Stream];
  const received: Buffer[] = [];
  second.on('data', (chunk: Buffer) => received.push(chunk));
  second.on('end', () => {
    second.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    second.on('wantTrailers', () => second.sendTrailers({ 'grpc-status': '0' }));
    second.end(MESSAGE);
  });
  const { status, body } = await answer;
  expect([status, body, Buffer.concat(received)]).toEqual([200, MESSAGE, MESSAGE]);
  await until(() => first.destroyed, 'the end of the loser');
});

test('a caller that leaves cancels both streams', async () => {
  const { proxy, streams } = await open({ grpc: true });
  const call = openSession(proxy.port).request(CALL);
  call.on('error', () => undefined);
  call.end(MESSAGE);
  await until(() => streams.length === 2, 'two attempts');
  call.close(CANCEL);
  await until(() => streams.every(({ destroyed }) => destroyed), 'the end of both attempts');
  expect(streams.map(({ rstCode }) => rstCode)).toEqual([CANCEL, CANCEL]);
  await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the call');
});

test('a call is not hedged otherwise', async () => {
  const { proxy, streams } = await open({});
  const session = openSession(proxy.port);
  void request(session, CALL, MESSAGE).catch(() => undefined);
  await until(() => streams.length === 1, 'the call');
  void request(session, { ':path': '/' }).catch(() => undefined);
  await until(() => streams.length === 3, 'two attempts of another request');
});
