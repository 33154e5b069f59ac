// Further attempts: when they are safe, when a route requests them (GEP-1731), and when they are not allowed.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { header, status } from '../support/message.ts';
import { closeAfterEach, get, openChain, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { Respond } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** Answers the first request of every connection and resets at the second, like a kept connection that has broken silently. */
const diesWhenReused: Respond = (request, connection) => {
  if (connection.requests.length === 1) return ok(request.body);
  connection.socket.resetAndDestroy();
  return null;
};

function retry(codes: number[], attempts: number, backoff = 0): { retry: ir.Retry } {
  return { retry: { codes, attempts, backoff } };
}

/** Answers with these statuses in turn, then 200 with the number of requests seen. */
function inTurn(...statuses: number[]): Respond {
  let seen = 0;
  return ({ body }) => {
    const code = statuses[seen++];
    return code === undefined ? ok(`${seen} ${body}`) : `HTTP/1.1 ${code} X\r\ncontent-length: 0\r\n\r\n`;
  };
}

describe('a reused connection that breaks before its answer', () => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('%s is sent again', async (method) => {
    const { client, upstream } = await openChain(diesWhenReused);
    await client.ask(get());
    expect(status(await client.ask(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`, method === 'HEAD'))).toBe(200);
    expect(upstream.connections.length).toBe(2);
  });

  test('PUT is sent again with its body, chunks and trailers included', async () => {
    const { client, upstream } = await openChain(diesWhenReused);
    await client.ask(get());
    client.write('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n');
    expect((await client.answer()).body).toBe('hello');
    expect(upstream.requests.at(-1)).toMatchObject({ body: 'hello', trailers: 'x-sum: 1' });
  });

  test.each(['POST', 'PATCH', 'BREW'])('%s is not sent again: the backend may have processed it', async (method) => {
    const { client, upstream } = await openChain(diesWhenReused);
    await client.ask(get());
    expect(status(await client.ask(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`))).toBe(502);
    expect(upstream.requests.length).toBe(2);
  });

  test('a body that is too large for the buffer is not sent again', async () => {
    const { client } = await openChain(diesWhenReused);
    await client.ask(get());
    client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`);
    expect(status(await client.answer())).toBe(502);
  });

  test('a request whose answer had begun is not sent again', async () => {
    const { client, upstream } = await openChain((_, { requests, socket }) => {
      if (requests.length === 1) return ok();
      socket.end('HTTP/1.1 200');
      return null;
    });
    await client.ask(get());
    expect(status(await client.ask(get()))).toBe(502);
    expect(upstream.requests.length).toBe(2);
  });

  test('a request on a new connection that breaks is not sent again: it may be the cause', async () => {
    const { client, upstream } = await openChain((_, { socket }) => (socket.resetAndDestroy(), null));
    expect(status(await client.ask(get()))).toBe(502);
    expect(upstream.requests.length).toBe(1);
  });

  test('a connection that ended before its use is not tried', async () => {
    const { client, upstream } = await openChain((_, { socket }) => (socket.end(ok()), null));
    for (let i = 0; i < 20; i++) expect(status(await client.ask(post('hello')))).toBe(200);
    expect(upstream.requests.length).toBe(20);
  });
});

describe('an endpoint that refuses connections', () => {
  test('is replaced by another, for any method', async () => {
    const dead = await openUpstream();
    const { port } = dead;
    await dead.close();
    const alive = await openUpstream(({ body }) => ok(body));
    const client = await openClient((await openProxy([listener(), ...cluster('app', [port, alive.port]), route()])).port);
    for (let i = 0; i < 10; i++) expect((await client.ask(post(`body ${i}`))).body).toBe(`body ${i}`);
    expect(alive.requests.length).toBe(10);
  });
});

describe('retries of a route', () => {
  test('happen for the statuses of the route, with the body', async () => {
    const { client } = await openChain(inTurn(503, 502), retry([502, 503], 2));
    expect((await client.ask(post('hello'))).body).toBe('3 hello');
  });

  test('stop after the number of attempts, with the last answer', async () => {
    const { client, upstream } = await openChain(inTurn(503, 503, 503, 503), retry([503], 2));
    expect(status(await client.ask(get()))).toBe(503);
    expect(upstream.requests.length).toBe(3);
  });

  test('do not happen for other statuses', async () => {
    const { client, upstream } = await openChain(inTurn(500), retry([503], 2));
    expect(status(await client.ask(get()))).toBe(500);
    expect(upstream.requests.length).toBe(1);
  });

  test('happen for connections that break, if the method is idempotent', async () => {
    const breaks = (_: unknown, { socket }: { socket: { resetAndDestroy(): unknown } }) => (socket.resetAndDestroy(), null);
    const { client, upstream } = await openChain(breaks, retry([], 2));
    expect(status(await client.ask(get()))).toBe(502);
    expect(upstream.requests.length).toBe(3);
    expect(status(await client.ask(post('hello')))).toBe(502);
    expect(upstream.requests.length).toBe(4);
  });

  test('without statuses happen for those of gateways, if the method is idempotent', async () => {
    const { client, upstream } = await openChain(inTurn(502, 503, 504), retry([], 3));
    expect((await client.ask(get())).body).toBe('4 ');
    upstream.become(inTurn(503));
    expect(status(await client.ask(post('hello')))).toBe(503);
  });

  test('do not happen once the answer has begun', async () => {
    const { client, upstream } = await openChain(
      (_, { socket }) => (socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel'), null),
      retry([502], 2),
    );
    client.write(get());
    await client.over();
    expect(upstream.requests.length).toBe(1);
  });

  test('go to other endpoints first', async () => {
    const bad = await openUpstream('HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n');
    const good = await openUpstream(ok());
    const resources = [listener(), ...cluster('app', [bad.port, good.port]), route(retry([503], 1))];
    const client = await openClient((await openProxy(resources)).port);
    for (let i = 0; i < 10; i++) expect(status(await client.ask(get()))).toBe(200);
  });

  test('wait for the backoff of the route, while the rest of the body is not read', async () => {
    let failedAt = 0;
    const { client, upstream } = await openChain(
      {
        data: ({ socket }) => {
          if (failedAt === 0) socket.write('HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n');
          failedAt ||= performance.now();
        },
        respond: ({ body }) => ok(body),
      },
      retry([503], 1, 150),
      { maxGatheredBytes: 0 },
    );
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    await until(() => failedAt > 0 && upstream.open === 0, 'the first failure');
    client.write('world');
    expect((await client.answer()).body).toBe('helloworld');
    expect(performance.now() - failedAt).toBeGreaterThanOrEqual(150);
  });

  test('are not made with a body that is too large to keep, and the log and a metric say so', async () => {
    const { client, proxy, upstream } = await openChain(inTurn(503), retry([503], 2));
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`);
    expect(status(await client.answer())).toBe(503);
    expect(upstream.requests.length).toBe(1);
    expect(await proxy.worker.registry.getSingleMetricAsString('weir_upstream_retries_withheld_total')).toContain('reason="body"} 1');
  });

  test('are counted by reason', async () => {
    const { client, proxy } = await openChain(inTurn(503, 502), retry([502, 503], 2));
    await client.ask(get());
    const text = await proxy.worker.registry.getSingleMetricAsString('weir_upstream_retries_total');
    expect([...text.matchAll(/reason="(\w+)"} 1/g)].map(([, reason]) => reason)).toEqual(['503', '502']);
  });

  test('wait as long as the backend asks for', async () => {
    let failedAt = 0;
    const { client } = await openChain(
      () => {
        if (failedAt > 0) return ok();
        failedAt = performance.now();
        return 'HTTP/1.1 503 X\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n';
      },
      retry([503], 1),
    );
    expect(status(await client.ask(get()))).toBe(200);
    expect(performance.now() - failedAt).toBeGreaterThanOrEqual(1_000);
  });

  test('are not made if the backend asks for a long pause, or the request has no time for it: its answer is passed on', async () => {
    const later = (seconds: number) => `HTTP/1.1 503 X\r\nretry-after: ${seconds}\r\ncontent-length: 0\r\n\r\n`;
    const { client, upstream } = await openChain(later(60), {
      ...retry([503], 1),
      timeouts: { request: 900, backendRequest: null },
    });
    expect(header(await client.ask(get()), 'retry-after')).toBe('60');
    upstream.become(later(1));
    expect(header(await client.ask(get()), 'retry-after')).toBe('1');
    expect(upstream.requests.length).toBe(2);
  });

  test('end with the deadline of the request, also in a pause', async () => {
    const { client, proxy, upstream } = await openChain(inTurn(503, 503), {
      ...retry([503], 5, 250),
      timeouts: { request: 300, backendRequest: null },
    });
    const answer = await client.ask(get());
    expect([503, 504]).toContain(status(answer));
    expect(upstream.requests.length).toBeLessThanOrEqual(2);
    client.destroy();
    await proxy.quiet();
  });

  test('do not outlive the request', async () => {
    const { client, proxy, upstream } = await openChain(inTurn(503), retry([503], 1, 60_000), { poolIdleTimeout: 1 });
    client.write(get());
    await until(() => upstream.requests.length === 1 && upstream.open === 0, 'the first failure');
    client.reset();
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'no timer');
  });
});
