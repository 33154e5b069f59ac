// Clients that end their side before the answer: those that are gone, and those that still read.
import { describe, expect, test } from '@jest/globals';
import type net from 'node:net';
import { closeAfterEach, get, openChain, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** Answers when the test says so. */
function later(): {
  readonly respond: () => null;
  readonly answer: (upstream: { readonly connections: readonly { readonly socket: net.Socket }[] }) => void;
} {
  return { respond: () => null, answer: ({ connections }) => connections[0]?.socket.write(ok('late')) };
}

describe('a client that leaves while the backend works', () => {
  test('ends the attempt at once', async () => {
    const { client, upstream, proxy } = await openChain(() => null);
    client.write(get());
    await until(() => upstream.requests.length === 1, 'the request');
    client.destroy();
    await until(() => upstream.connections[0]?.socket.destroyed === true, 'the end of the attempt');
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the exchange');
    expect(await proxy.worker.registry.getSingleMetricAsString('weir_upstream_attempts_total')).toContain('outcome="abandoned"} 1');
    expect(await proxy.worker.registry.getSingleMetricAsString('weir_requests_total')).toContain('4xx');
  });

  test('and has pipelined another request is noticed too', async () => {
    const { client, upstream, proxy } = await openChain(() => null);
    client.write(get() + get());
    await until(() => upstream.requests.length === 1, 'the request');
    client.destroy();
    await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the exchange');
    expect(upstream.requests.length).toBe(1);
  });

  test('is tried for no more', async () => {
    const dead = await openUpstream(() => null);
    const proxy = await openProxy([
      listener(),
      ...cluster('app', [dead.port]),
      route({ retry: { codes: [503], attempts: 5, backoff: 0 }, timeouts: { request: 0, backendRequest: 400 } }),
    ]);
    const client = await openClient(proxy.port);
    client.write(get());
    await until(() => dead.requests.length === 1, 'the request');
    client.destroy();
    await proxy.quiet();
    expect(dead.requests.length).toBe(1);
  });
});

describe('a client that half-closes', () => {
  test('gets interim answers, then its answer', async () => {
    const { respond, answer } = later();
    const { client, upstream } = await openChain(respond);
    client.write(get());
    await until(() => upstream.requests.length === 1, 'the request');
    client.end();
    expect(status(await client.answer())).toBe(100);
    expect(status(await client.answer())).toBe(100);
    answer(upstream);
    let last = await client.answer();
    while (status(last) === 100) last = await client.answer();
    expect([status(last), last.body]).toEqual([200, 'late']);
  });

  test('of HTTP/1.0 gets its answer only', async () => {
    const { respond, answer } = later();
    const { client, upstream } = await openChain(respond);
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await until(() => upstream.requests.length === 1, 'the request');
    client.end();
    answer(upstream);
    expect(status(await client.answer())).toBe(200);
  });
});
