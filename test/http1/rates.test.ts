// A client that sends or reads too slowly for too long counts as silent; waiting for a backend does not count.
import { expect, test } from '@jest/globals';
import { header, status } from '../support/message.ts';
import { closeAfterEach, closeLater, get, openChain, openClient } from '../support/fixture.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/raw-upstream.ts';
import type { UpstreamConnection } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const code = (body: string): string => (JSON.parse(body) as { code: string }).code;

/** Sends a piece at intervals until the connection is closed or the test ends. */
function trickle(client: RawClient, piece: string): void {
  const timer = setInterval(() => client.socket.writable && client.write(piece), 20);
  closeLater(() => clearInterval(timer));
}

test.each([
  ['with a length', 'Content-Length: 100000', 'x'],
  ['in chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
])('a body %s that trickles: 408', async (_, framing, piece) => {
  const { client, upstream } = await openChain(ok(), {}, { requestBodyIdleTimeout: 300, minRequestBodyRate: 10_000 });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  trickle(client, piece);
  const answer = await client.answer();
  expect([status(answer), code(answer.body), header(answer, 'connection')]).toEqual([408, 'request_body_timeout', 'close']);
  await until(() => upstream.open === 0, 'the end at the backend');
});

test('a body at the minimum rate has no time limit', async () => {
  const { client } = await openChain(({ body }) => ok(body), {}, { requestBodyIdleTimeout: 500, minRequestBodyRate: 100 });
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
  trickle(client, 'x'.repeat(20));
  expect((await client.answer()).body).toHaveLength(1_000);
});

test('where there is no least rate, only silence counts', async () => {
  const { client } = await openChain(({ body }) => ok(body), {}, { requestBodyIdleTimeout: 500, minRequestBodyRate: 0 });
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n');
  trickle(client, 'x');
  expect((await client.answer()).body).toHaveLength(40);
});

test('a backend that does not read does not count against its client', async () => {
  const { client, upstream, proxy } = await openChain({ keep: false }, {}, { requestBodyIdleTimeout: 100 });
  upstream.become({
    keep: false,
    connected: ({ socket }) => socket.pause(),
    data: ({ octets, socket }) => octets >= 20_000_000 && socket.write(ok()),
  });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n`);
  client.write('x'.repeat(20_000_000));
  await until(() => upstream.open === 1, 'the connection');
  // Other requests have started and timed out meanwhile.
  for (let i = 0; i < 2; i++) {
    const other = await openClient(proxy.port);
    expect(status(await other.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx'))).toBe(408);
  }
  upstream.connections[0]?.socket.resume();
  expect(status(await client.answer())).toBe(200);
});

test('a request that is answered already has no minimum rate', async () => {
  let answered = false;
  const answer = ({ socket }: UpstreamConnection): void => {
    if (!answered) socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    answered = true;
  };
  const limits = { requestBodyIdleTimeout: 1_000, minRequestBodyRate: 10_000 };
  const { client, upstream } = await openChain({ data: answer, keep: false }, {}, limits);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await until(() => client.received.endsWith('\r\n\r\n'), 'the head of the answer');
  trickle(client, '1\r\nx\r\n');
  const before = upstream.connections[0]?.octets ?? 0;
  await until(() => (upstream.connections[0]?.octets ?? 0) > before + 6 * 75, 'chunks for longer than the timeout');
  expect(client.closed).toBe(false);
});

test('a client that reads its answer too slowly is cut', async () => {
  const limits = { downstreamWriteTimeout: 300, minResponseRate: 1_000_000_000 };
  const { client, upstream, proxy } = await openChain(ok('x'.repeat(50_000_000)), {}, limits);
  client.socket.pause();
  const timer = setInterval(() => client.socket.read(), 20);
  closeLater(() => clearInterval(timer));
  client.write(get());
  await upstream.request();
  await until(() => proxy.metric('weir_requests_active') === 0, 'the cut');
  clearInterval(timer);
  client.socket.resume();
  await until(() => client.closed, 'the end');
  expect(client.error).toBe('ECONNRESET');
});
