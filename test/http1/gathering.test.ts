// Bodies are buffered before a connection is taken: small ones completely, the beginning of large ones; streams of messages are not.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get, openChain, openClient } from '../support/fixture.ts';
import type { Chain } from '../support/fixture.ts';
import { post as postStream, END_STREAM, frame, FrameClient, TYPE } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const GATHERED = 'weir_request_bodies_gathered_bytes';
const head = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;

/** Another client is served meanwhile. */
async function other({ proxy }: Chain): Promise<void> {
  expect(status(await (await openClient(proxy.port)).ask(get('/other')))).toBe(200);
}

test('a small body is sent at once when it is complete', async () => {
  const chain = await openChain(({ body }) => ok(body));
  const { client, proxy, upstream } = chain;
  client.write(`${head('Content-Length: 10')}hello`);
  await until(() => proxy.metric(GATHERED) > 0, 'the beginning of the body');
  await other(chain);
  expect(upstream.requests.map(({ startLine }) => startLine)).toEqual(['GET /other HTTP/1.1']);
  expect(proxy.metric('weir_upstream_connections_open')).toBe(1);
  expect((await client.ask('world')).body).toBe('helloworld');
  expect(proxy.metric(GATHERED)).toBe(0);
});

test('a large body is sent after its beginning has arrived, and streamed from there', async () => {
  const chain = await openChain(({ body }) => ok(`${body.length}`));
  const { client, upstream, proxy } = chain;
  client.write(`${head('Content-Length: 100000')}${'x'.repeat(10_000)}`);
  await until(() => proxy.metric(GATHERED) > 0, 'some of the body');
  await other(chain);
  expect(upstream.requests).toHaveLength(1);
  client.write('x'.repeat(10_000));
  await until(() => upstream.connections[0]?.received.endsWith('x'.repeat(20_000)) === true, 'the beginning');
  expect(proxy.metric(GATHERED)).toBe(0);
  expect((await client.ask('x'.repeat(80_000))).body).toBe('100000');
});

test('a stream of HTTP/2 with a small body likewise', async () => {
  const chain = await openChain(({ body }) => ok(body));
  const client = await FrameClient.connect(chain.proxy.port);
  client.write(postStream(1, ['content-length', '10']), frame(TYPE.data, 0, 1, Buffer.from('hello')));
  await until(() => chain.proxy.metric(GATHERED) > 0, 'the beginning of the body');
  await other(chain);
  expect(chain.upstream.requests).toHaveLength(1);
  client.write(frame(TYPE.data, END_STREAM, 1, Buffer.from('world')));
  await client.answered(1);
  expect(Buffer.concat(client.of(TYPE.data, 1).map(({ payload }) => payload)).toString()).toBe('helloworld');
});

describe('goes out at once', () => {
  test.each([
    ['in chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
    ['after a 100', 'Content-Length: 10\r\nExpect: 100-continue', ''],
    ['of a call', 'Content-Type: application/grpc\r\nContent-Length: 10', 'hello'],
  ])('a body %s', async (_, fields, beginning) => {
    const { client, upstream } = await openChain();
    client.write(head(fields) + beginning);
    await until(() => upstream.connections[0]?.received.includes('\r\n\r\n') === true, 'the head at the backend');
  });

  test('what the budget does not hold', async () => {
    const chain = await openChain(ok(), {}, { maxGatheredBytes: 5 });
    const { client, upstream } = chain;
    client.write(`${head('Content-Length: 10')}hell`);
    await until(() => chain.proxy.metric(GATHERED) === 4, 'the beginning of the first body');
    client.write('o');
    await until(() => upstream.connections[0]?.received.endsWith('hello') === true, 'the first body');
    expect(chain.proxy.metric(GATHERED)).toBe(0);
  });
});

test('a client that disconnects releases the buffers of its body', async () => {
  const { client, proxy, upstream } = await openChain();
  client.write(`${head('Content-Length: 10')}hello`);
  await until(() => proxy.metric(GATHERED) > 0, 'the beginning of the body');
  client.reset();
  await proxy.quiet();
  expect([proxy.metric(GATHERED), upstream.connections.length]).toEqual([0, 0]);
});
