// Every phase has a deadline: a slow peer gets an error or is cut, and no resources are left.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { blackhole } from '../support/blackhole.ts';
import { header, status } from '../support/message.ts';
import { closeAfterEach, closeLater, get, openChain, openClient, openProxy, post } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const code = (body: string): string => (JSON.parse(body) as { code: string }).code;

describe('downstream', () => {
  test('a head that does not end: 408', async () => {
    const { client, upstream } = await openChain(ok(), {}, { requestHeadTimeout: 50 });
    const answer = await client.ask('GET / HTTP/1.1\r\nHost: a\r\n');
    expect([status(answer), code(answer.body)]).toEqual([408, 'request_head_timeout']);
    await client.over();
    expect(upstream.connections).toEqual([]);
  });

  test('a head that arrives byte by byte has the same deadline', async () => {
    const { client } = await openChain(ok(), {}, { requestHeadTimeout: 100 });
    const timer = setInterval(() => client.write('x'), 10);
    closeLater(() => clearInterval(timer));
    expect(status(await client.ask('GET / HTTP/1.1\r\nHost: a\r\nX: '))).toBe(408);
  });

  test('a body that stops: 408', async () => {
    const { client, upstream } = await openChain(ok(), {}, { requestBodyIdleTimeout: 50 });
    const answer = await client.ask(post('hello').slice(0, -1));
    expect([status(answer), code(answer.body), header(answer, 'connection')]).toEqual([408, 'request_body_timeout', 'close']);
    await until(() => upstream.open === 0, 'the end at the backend');
  });

  test('a slow body does not count as silence, on either side', async () => {
    const { client } = await openChain(
      ({ body }) => ok(body),
      {},
      { requestBodyIdleTimeout: 100, minRequestBodyRate: 0, upstreamIdleTimeout: 100 },
    );
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
    let sent = 0;
    const timer = setInterval(() => sent++ < 10 && client.write('x'), 40);
    closeLater(() => clearInterval(timer));
    expect((await client.answer()).body).toBe('xxxxxxxxxx');
  });

  test('a client that does not read its answer is cut', async () => {
    const { client, upstream, proxy } = await openChain(ok('x'.repeat(20_000_000)), {}, { downstreamWriteTimeout: 100 });
    client.socket.pause();
    client.write(get());
    await upstream.request();
    await until(() => proxy.metric('weir_requests_active') === 0, 'the cut');
    client.socket.resume();
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('ECONNRESET');
  });

  test('a client that was slow before is not cut while it is idle', async () => {
    const { client, upstream, proxy } = await openChain(ok('x'.repeat(12_000_000)), {}, { downstreamWriteTimeout: 100 });
    client.socket.pause();
    client.write(get());
    await upstream.request();
    client.socket.resume();
    await client.answer();
    // Other unread answers have started and been cut meanwhile.
    for (let i = 0; i < 2; i++) {
      const other = await openClient(proxy.port);
      other.socket.pause();
      other.write(get());
      await upstream.request(i + 2);
      await until(() => proxy.metric('weir_requests_active') === 0, 'the cut');
      other.destroy();
    }
    expect(client.closed).toBe(false);
    expect(status(await client.ask(get()))).toBe(200);
  });
});

describe('upstream', () => {
  test('a backend that does not answer: 504', async () => {
    const { client, upstream } = await openChain({ respond: () => null }, {}, { upstreamIdleTimeout: 50 });
    const answer = await client.ask(get());
    expect([status(answer), code(answer.body)]).toEqual([504, 'upstream_timeout']);
    await until(() => upstream.open === 0, 'the end at the backend');
    upstream.become(ok());
    expect(status(await client.ask(get()))).toBe(200);
  });

  test('an answer that stops is cut', async () => {
    const { client } = await openChain('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello', {}, { upstreamIdleTimeout: 50 });
    client.write(get());
    await client.over();
    expect(client.received).toMatch(/hello$/);
  });

  test('a slow answer does not count as silence', async () => {
    const { client } = await openChain(
      (_, { socket }) => {
        let sent = 0;
        const timer = setInterval(() => (++sent > 10 ? clearInterval(timer) : socket.write('x')), 40);
        return 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n';
      },
      {},
      { upstreamIdleTimeout: 100 },
    );
    expect((await client.ask(get())).body).toBe('xxxxxxxxxx');
  });

  test('a backend that does not read the body: 504', async () => {
    const { client } = await openChain({ connected: ({ socket }) => void socket.pause() }, {}, { upstreamIdleTimeout: 100 });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
    client.write('x'.repeat(20_000_000));
    expect(status(await client.answer())).toBe(504);
  });

  test('a backend that refuses connections: 502', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    const proxy = await openProxy([listener(), ...cluster('app', [port]), route()]);
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), code(answer.body)]).toEqual([502, 'upstream_connect_failed']);
  });

  test('a backend that does not complete connections: 504', async () => {
    const blocked = await blackhole();
    const proxy = await openProxy([listener(), ...cluster('app', [blocked]), route()], { connectTimeout: 50 });
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), code(answer.body)]).toEqual([504, 'upstream_connect_timeout']);
  });
});

describe('of the route (GEP-1742)', () => {
  const timeouts = (request: number | null, backendRequest: number | null): object => ({ timeouts: { request, backendRequest } });

  test('request: 504 over the whole, waiting and trying again included', async () => {
    const { client } = await openChain({ respond: () => null }, timeouts(60, null));
    const answer = await client.ask(get());
    expect([status(answer), code(answer.body)]).toEqual([504, 'request_timeout']);
  });

  test('backendRequest: 504 for one attempt', async () => {
    const { client, upstream, proxy } = await openChain({ respond: () => null }, timeouts(null, 60));
    expect(code((await client.ask(get())).body)).toBe('upstream_timeout');
    expect(upstream.requests.length).toBe(1);
    expect(proxy.metric('weir_upstream_failures_total')).toBe(1);
  });

  test('backendRequest leaves time for another attempt within request', async () => {
    const { client, upstream } = await openChain(() => (upstream.requests.length === 1 ? null : ok('second')), {
      ...timeouts(5_000, 60),
      retry: { codes: [], attempts: 1, backoff: 0 },
    });
    expect((await client.ask(get())).body).toBe('second');
    expect(upstream.connections.length).toBe(2);
  });

  test('an answer that began before the deadline is cut at the deadline', async () => {
    const { client } = await openChain('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello', timeouts(60, null));
    client.write(get());
    await client.over();
    expect(client.received).toMatch(/hello$/);
  });

  test('an answer in time leaves no timer', async () => {
    const { client, proxy } = await openChain(ok(), timeouts(5_000, 5_000), { poolIdleTimeout: 1 });
    await client.ask(get());
    client.destroy();
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'no timer');
  });
});
