// The speed of bodies by a policy: at least the time that the limit asks for, with every byte in its place.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { cluster, listener, streamRoute, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const BODY = Array.from({ length: 600_000 }, (_, index) => String(index % 10)).join('');
const RATE = 1_000_000;
/** Of 600 ms: a tenth of a second and the last reads pass at once. */
const LEAST_MS = 300;

function bandwidth(settings: ir.Policy['settings']): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'slow', createdAt: 0 };
  return { kind: 'Policy', key: 'BackendTrafficPolicy/default/slow', ...names, targets: [target], settings: { bandwidth: settings } };
}

async function openSlow(settings: ir.Policy['settings'], answer = ok()): Promise<[Proxy, RawUpstream]> {
  const upstream = await openUpstream(answer);
  return [await openProxy([bandwidth(settings), ...toUpstream(upstream.port)]), upstream];
}

/** The result, and how long it took. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  return [await work(), performance.now() - started];
}

describe('an answer takes its time', () => {
  test('over HTTP/1.1', async () => {
    const [proxy] = await openSlow({ response: RATE }, ok(BODY));
    const client = await openClient(proxy.port);
    const [answer, ms] = await timed(() => client.ask(get()));
    expect([answer.body === BODY, ms >= LEAST_MS]).toEqual([true, true]);
  });

  test('over HTTP/2', async () => {
    const [proxy] = await openSlow({ response: RATE }, ok(BODY));
    const session = openSession(proxy.port);
    const [{ body }, ms] = await timed(() => request(session));
    expect([body.toString() === BODY, ms >= LEAST_MS]).toEqual([true, true]);
  });
});

describe('a request takes its time', () => {
  test('over HTTP/1.1', async () => {
    const [proxy, upstream] = await openSlow({ request: RATE });
    const client = await openClient(proxy.port);
    const [answer, ms] = await timed(() => client.ask(post(BODY)));
    expect([status(answer), upstream.requests[0]?.body === BODY, ms >= LEAST_MS]).toEqual([200, true, true]);
  });

  test('over HTTP/2', async () => {
    const [proxy, upstream] = await openSlow({ request: RATE });
    const session = openSession(proxy.port);
    const [, ms] = await timed(() => request(session, { ':method': 'POST' }, Buffer.from(BODY)));
    expect([upstream.requests[0]?.body === BODY, ms >= LEAST_MS]).toEqual([true, true]);
  });

  test('and the connection goes on with the next one', async () => {
    const [proxy, upstream] = await openSlow({ request: RATE });
    const client = await openClient(proxy.port);
    await client.ask(post(BODY));
    expect(status(await client.ask(post('small')))).toBe(200);
    expect(upstream.requests[1]?.body).toBe('small');
  });
});

test('a client that leaves leaves nothing behind', async () => {
  const [proxy] = await openSlow({ response: 1_000 }, ok(BODY));
  const client = await openClient(proxy.port);
  client.write(get());
  await until(() => client.received.length > 0, 'the beginning of the answer');
  // A closed client may still read until the next write; a reset is noticed at once.
  client.socket.resetAndDestroy();
  await proxy.quiet();
  await until(() => proxy.worker.timers === 0, 'the end of all timers');
});

test('a slow client and a limit together lose no byte', async () => {
  const [proxy] = await openSlow({ response: 20_000_000 }, ok(BODY.repeat(20)));
  const client = await openClient(proxy.port);
  client.socket.pause();
  client.write(get());
  await until(() => proxy.metric('weir_requests_active') === 1, 'the request');
  client.socket.resume();
  expect((await client.answer()).body).toHaveLength(BODY.length * 20);
});

describe('all requests of a rule', () => {
  const PIECES = 6;

  test('have the speed together', async () => {
    const [proxy] = await openSlow({ response: RATE, scope: 'Rule' }, ok(BODY.slice(0, BODY.length / PIECES)));
    const ask = async () => (await openClient(proxy.port)).ask(get());
    const [answers, ms] = await timed(() => Promise.all(Array.from({ length: PIECES }, ask)));
    expect([answers.reduce((sum, { body }) => sum + body.length, 0), ms >= LEAST_MS]).toEqual([BODY.length, true]);
  });

  test('wait for the bytes of those before them, however small they are', async () => {
    const [proxy] = await openSlow({ response: 100_000, scope: 'Rule' }, ok('x'.repeat(10_000)));
    const client = await openClient(proxy.port);
    const [, ms] = await timed(async () => {
      for (let left = 5; left > 0; left--) await client.ask(get());
    });
    // The first answer is the burst, the second one leaves a debt, and the others wait for 100 ms each.
    expect(ms).toBeGreaterThanOrEqual(250);
  });

  test('wait so with bodies of requests too', async () => {
    const [proxy, upstream] = await openSlow({ request: 100_000, scope: 'Rule' });
    const client = await openClient(proxy.port);
    const [, ms] = await timed(async () => {
      for (let left = 5; left > 0; left--) await client.ask(post('x'.repeat(10_000)));
    });
    expect([upstream.requests.map(({ body }) => body.length), ms >= 250]).toEqual([Array.from({ length: 5 }, () => 10_000), true]);
  });

  test('wait so over HTTP/2, in both directions', async () => {
    const [proxy] = await openSlow({ request: 100_000, response: 100_000, scope: 'Rule' }, ok('x'.repeat(10_000)));
    const session = openSession(proxy.port);
    const ask = () => request(session, { ':method': 'POST' }, Buffer.alloc(10_000));
    const [answers, ms] = await timed(() => Promise.all(Array.from({ length: 5 }, ask)));
    expect([answers.map(({ body }) => body.length), ms >= 250]).toEqual([Array.from({ length: 5 }, () => 10_000), true]);
  });

  test('of which one leaves while it waits, leave nothing behind', async () => {
    const [proxy] = await openSlow({ response: 1_000, scope: 'Rule' }, ok('x'.repeat(10_000)));
    const clients = [await openClient(proxy.port), await openClient(proxy.port)];
    for (const client of clients) client.write(get());
    await until(() => clients.every(({ received }) => received.includes('content-length')), 'the heads of the answers');
    for (const client of clients) client.socket.resetAndDestroy();
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'the end of all timers');
  });
});

describe('connections of a TCPRoute', () => {
  const stream = streamRoute();

  async function openStream(settings: ir.Policy['settings'], upstream: RawUpstream): Promise<Proxy> {
    const target = { kind: 'TCPRoute', namespace: stream.namespace, name: stream.name, section: '' };
    const policy = { ...bandwidth(settings), targets: [target] };
    return openProxy([policy, ...cluster('app', [upstream.port]), listener({ protocol: 'TCP' }), stream]);
  }

  /** All bytes until the end of the connection. */
  async function read(proxy: Proxy): Promise<string> {
    const client = await openClient(proxy.port);
    await client.over();
    client.destroy();
    return client.received;
  }

  test('take their time from the backend', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.end(BODY) });
    const proxy = await openStream({ response: RATE }, upstream);
    const [received, ms] = await timed(() => read(proxy));
    expect([received === BODY, ms >= LEAST_MS]).toEqual([true, true]);
  });

  test('take their time from the client', async () => {
    const upstream = await openUpstream({ keep: false });
    const proxy = await openStream({ request: RATE }, upstream);
    const client = await openClient(proxy.port);
    const [, ms] = await timed(() => {
      client.write(BODY);
      return until(() => upstream.connections[0]?.octets === BODY.length, 'all bytes at the backend');
    });
    expect(ms).toBeGreaterThanOrEqual(LEAST_MS);
  });

  test('have the speed together with the scope of the rule', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.end(BODY.slice(0, BODY.length / 6)) });
    const proxy = await openStream({ response: RATE, scope: 'Rule' }, upstream);
    const [parts, ms] = await timed(() => Promise.all(Array.from({ length: 6 }, () => read(proxy))));
    expect([parts.join('').length, ms >= LEAST_MS]).toEqual([BODY.length, true]);
    await until(() => proxy.worker.timers === 0, 'the end of all timers');
  });
});
