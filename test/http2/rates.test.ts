// Streams whose client sends or reads too slowly for too long; other streams of the connection continue.
import { expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, openProxy, openUpstream } from '../support/fixture.ts';
import { END_STREAM, frame, FrameClient, get, numbers, post, TYPE } from '../support/h2-client.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream, UpstreamBehaviour } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CANCEL = 8;

interface Opened {
  readonly proxy: Proxy;
  readonly upstream: RawUpstream;
  readonly client: FrameClient;
}

async function open(behaviour: string | UpstreamBehaviour, limits: Partial<Limits>): Promise<Opened> {
  const upstream = await openUpstream(behaviour);
  const proxy = await openProxy(toUpstream(upstream.port), limits);
  return { upstream, proxy, client: await FrameClient.connect(proxy.port) };
}

/** Sends a frame at intervals until the end of the test. */
function trickle(client: FrameClient, frames: Buffer): void {
  const timer = setInterval(() => client.socket.writable && client.write(frames), 20);
  closeLater(() => clearInterval(timer));
}

const DATA = frame(TYPE.data, 0, 1, Buffer.from('x'));

test.each([
  ['with a length', ['content-length', '100000'] as const],
  ['without one', ['x', 'y'] as const],
])('a body %s that trickles: 408', async (_, field) => {
  const { client, upstream } = await open(ok(), { requestBodyIdleTimeout: 300, minRequestBodyRate: 10_000 });
  client.write(post(1, field));
  trickle(client, DATA);
  await client.answered(1);
  expect(client.status(1)).toBe('408');
  client.write(get(3));
  await client.answered(3);
  expect(client.status(3)).toBe('200');
  await until(() => upstream.open <= 1, 'the end of the first request at the backend');
});

test('a body at the minimum rate has no time limit', async () => {
  const { client } = await open(ok(), { requestBodyIdleTimeout: 500, minRequestBodyRate: 100 });
  client.write(post(1, ['content-length', '1000']));
  let left = 50;
  const timer = setInterval(() => {
    if (left-- > 0) client.write(frame(TYPE.data, left === 0 ? END_STREAM : 0, 1, Buffer.alloc(20, 'x')));
  }, 20);
  closeLater(() => clearInterval(timer));
  await client.answered(1);
  expect(client.status(1)).toBe('200');
});

test('a request that is answered already has no minimum rate', async () => {
  let answered = false;
  const answer: UpstreamBehaviour['data'] = ({ socket }) => {
    if (!answered) socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    answered = true;
  };
  const { client, upstream } = await open({ data: answer, keep: false }, { requestBodyIdleTimeout: 200, minRequestBodyRate: 10_000 });
  client.write(post(1));
  await until(() => client.status(1) === '200', 'the head of the answer');
  const before = upstream.connections[0]?.octets ?? 0;
  trickle(client, DATA);
  await until(() => (upstream.connections[0]?.octets ?? 0) > before + 6 * 30, 'thirty chunks');
  expect(client.of(TYPE.reset)).toEqual([]);
});

test('a client that opens its window byte by byte: the stream is reset', async () => {
  const { client, proxy, upstream } = await open(ok('x'.repeat(1_000_000)), { downstreamWriteTimeout: 300, minResponseRate: 10_000 });
  client.write(get(1));
  trickle(client, frame(TYPE.windowUpdate, 0, 1, numbers(1)));
  expect(await client.reset(1)).toBe(CANCEL);
  await until(() => proxy.metric('weir_requests_active') === 0 && upstream.open === 0, 'the end of the exchange');
});
