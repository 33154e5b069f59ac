// Hedging: a request without an answer is sent to another endpoint too, and the first usable answer wins, in every order of events.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { MetricJson } from '#lib/metric.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream, Respond } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const UNAVAILABLE = 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n';

function policy(settings: ir.Policy['settings']): ir.Policy {
  return {
    ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/hedge', policyKind: 'BackendTrafficPolicy' },
    ...{ namespace: 'default', name: 'hedge', createdAt: 0 },
    targets: [{ kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' }],
    settings: { hedge: { delay: 1 }, ...settings },
  };
}

interface Rig {
  readonly proxy: Proxy;
  readonly client: RawClient;
  readonly upstreams: readonly RawUpstream[];
  /** The endpoints in the order in which they got their requests. */
  readonly asked: readonly RawUpstream[];
  /** Writes to the connection of an attempt, from 0. */
  write(attempt: number, text: string): void;
  reset(attempt: number): void;
  /** Resolves once the connection of an attempt is closed. */
  closed(attempt: number): Promise<void>;
  /** The values of a counter by its last label. */
  counts(name: string): readonly string[];
}

/** Backends that answer only as the test says. */
async function open(settings: ir.Policy['settings'] = {}, endpoints = 2, fields: Partial<ir.Route> = {}): Promise<Rig> {
  const asked: RawUpstream[] = [];
  const start = async (): Promise<RawUpstream> => {
    const upstream: RawUpstream = await openUpstream(() => (asked.push(upstream), null));
    return upstream;
  };
  const upstreams = await Promise.all(Array.from({ length: endpoints }, start));
  const resources = cluster(
    'app',
    upstreams.map(({ port }) => port),
  );
  const proxy = await openProxy([policy(settings), ...resources, listener(), route(fields)], { poolIdleTimeout: 1 });
  const connection = (attempt: number) => asked[attempt]?.connections.at(-1);
  return {
    ...{ proxy, upstreams, asked, client: await openClient(proxy.port) },
    write: (attempt, text) => void connection(attempt)?.socket.write(text, 'latin1'),
    reset: (attempt) => void connection(attempt)?.socket.resetAndDestroy(),
    closed: (attempt) => until(() => connection(attempt)?.closed === true, `the end of attempt ${attempt}`),
    counts: (name) => {
      const family = proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
      return family
        .get()
        .values.map(({ labels, value }) => `${Object.values(labels).at(-1)} ${value}`)
        .sort();
    },
  };
}

/** Sends a request and waits for its attempts. */
async function send(rig: Rig, message = get(), attempts = 2): Promise<void> {
  const before = rig.asked.length;
  rig.client.write(message);
  await until(() => rig.asked.length === before + attempts, `${attempts} attempts`);
}

describe('two attempts', () => {
  test('go to two endpoints; the second answers first, and the first is cancelled', async () => {
    const rig = await open();
    await send(rig);
    expect(new Set(rig.asked).size).toBe(2);
    rig.write(1, ok('second'));
    expect((await rig.client.answer()).body).toBe('second');
    await rig.closed(0);
    expect(rig.counts('weir_upstream_hedges_total')).toEqual(['won 1']);
    expect(rig.counts('weir_upstream_attempts_total')).toEqual(['abandoned 1', 'answered 1']);
  });

  test('of which the first answers first', async () => {
    const rig = await open();
    await send(rig);
    rig.write(0, ok('first'));
    expect((await rig.client.answer()).body).toBe('first');
    await rig.closed(1);
    expect(rig.counts('weir_upstream_hedges_total')).toEqual(['lost 1']);
  });

  test('that both answer make one answer, request after request', async () => {
    const rig = await open();
    for (let i = 0; i < 10; i++) {
      await send(rig);
      rig.write(2 * i, ok('one of two'));
      rig.write(2 * i + 1, ok('one of two'));
      expect((await rig.client.answer()).body).toBe('one of two');
    }
    expect(rig.counts('weir_upstream_attempts_total')).toEqual(expect.arrayContaining(['abandoned 5']));
    rig.client.destroy();
    await rig.proxy.quiet();
    await until(() => rig.proxy.worker.timers === 0, 'no timer');
  });

  test.each([
    ['first', 0, 1],
    ['second', 1, 0],
  ])('of which the %s fails leave the answer to the other', async (_, failing, other) => {
    const rig = await open();
    await send(rig);
    rig.reset(failing);
    await until(() => rig.counts('weir_upstream_attempts_total').includes('failed 1'), 'the failure');
    rig.write(other, ok('other'));
    expect((await rig.client.answer()).body).toBe('other');
    expect(rig.counts('weir_upstream_attempts_total')).toEqual(['answered 1', 'failed 1']);
  });

  test('that both fail make one failure, or another attempt where the policy retries', async () => {
    const rig = await open();
    await send(rig);
    rig.reset(0);
    rig.reset(1);
    expect(status(await rig.client.answer())).toBe(502);

    const retrying = await open({ retry: { attempts: 2, backoff: 0 } });
    await send(retrying);
    retrying.reset(0);
    retrying.reset(1);
    await until(() => retrying.asked.length >= 3, 'another attempt');
    retrying.write(2, ok('third'));
    expect((await retrying.client.answer()).body).toBe('third');
  });

  test('of which one answers with a server error wait for the other', async () => {
    const rig = await open();
    await send(rig);
    rig.write(1, UNAVAILABLE);
    await until(() => rig.counts('weir_upstream_attempts_total').includes('declined 1'), 'the refusal');
    rig.write(0, ok('first'));
    expect((await rig.client.answer()).body).toBe('first');
    expect(rig.counts('weir_upstream_hedges_total')).toEqual(['failed 1']);
  });

  test('of which the winner breaks after its head are not replaced: the answer is cut', async () => {
    const rig = await open();
    await send(rig);
    rig.write(1, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
    await rig.closed(0);
    rig.reset(1);
    await rig.client.over();
    expect(rig.client.received).toMatch(/half$/);
    expect(rig.asked.length).toBe(2);
  });

  test('end with a client that leaves', async () => {
    const rig = await open();
    await send(rig);
    rig.client.destroy();
    await Promise.all([rig.closed(0), rig.closed(1)]);
    await rig.proxy.quiet();
    expect(rig.counts('weir_upstream_attempts_total')).toEqual(['abandoned 1', 'abandoned 1']);
    await until(() => rig.proxy.worker.timers === 0, 'no timer');
  });

  test('end with the deadline of the request', async () => {
    const rig = await open({ timeouts: { request: 500 } });
    await send(rig);
    expect(status(await rig.client.answer())).toBe(504);
    await Promise.all([rig.closed(0), rig.closed(1)]);
  });

  test('have a deadline each', async () => {
    const rig = await open({ timeouts: { backendRequest: 500 } });
    await send(rig);
    await rig.closed(0);
    await rig.closed(1);
    expect((await rig.client.answer()).body).toContain('upstream_timeout');
  });

  test('have the whole body each', async () => {
    const rig = await open();
    await send(rig, 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    expect(rig.upstreams.map(({ requests }) => requests[0]?.body)).toEqual(['hello', 'hello']);
    rig.write(1, ok());
    expect(status(await rig.client.answer())).toBe(200);
  });

  test('pass on the answer with its trailers', async () => {
    const rig = await open();
    await send(rig, 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
    rig.write(1, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n');
    expect(await rig.client.answer()).toMatchObject({ body: 'ok', trailers: 'x-sum: 1' });
  });

  test('are not passed on with interim answers, since either may win', async () => {
    const rig = await open();
    await send(rig);
    rig.write(0, 'HTTP/1.1 103 Early Hints\r\nlink: </first>\r\n\r\n');
    rig.write(1, ok('second'));
    await rig.client.answer();
    expect(rig.client.received).not.toContain('103');
  });
});

test('the third attempt starts after the second if the policy allows three', async () => {
  const rig = await open({ hedge: { delay: 1, maxAttempts: 3 } }, 4);
  await send(rig, get(), 3);
  rig.write(2, ok('third'));
  expect((await rig.client.answer()).body).toBe('third');
  await Promise.all([rig.closed(0), rig.closed(1)]);
});

describe('a second attempt does not start', () => {
  /** Waits until the delay of an earlier request has passed for sure: a later request has two attempts. */
  async function outlast(rig: Rig): Promise<void> {
    const later = await openClient(rig.proxy.port);
    later.write(get('/later'));
    const isLater = ({ received }: { readonly received: string }): boolean => received.startsWith('GET /later');
    await until(() => rig.upstreams.every(({ connections }) => connections.some(isLater)), 'two attempts of another request');
  }

  test.each([
    ['with a method that is not idempotent', post('hello')],
    ['with a body that is not kept', `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`],
    ['with a body that is not complete', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    [
      'to switch protocols',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    ],
  ])('%s', async (_, message) => {
    const rig = await open();
    rig.client.write(message);
    await until(() => rig.upstreams.some(({ open: connections }) => connections > 0), 'the attempt');
    await outlast(rig);
    expect(rig.upstreams.reduce((sum, { connections }) => sum + connections.length, 0)).toBe(3);
  });

  test('without another endpoint, or without budget, which is counted', async () => {
    const single = await open({}, 1);
    const poor = await open({ retry: { budget: { percent: 0, minRetriesPerSecond: 0 } } });
    for (const rig of [single, poor]) rig.client.write(get());
    await until(() => poor.counts('weir_upstream_retries_withheld_total').length > 0, 'the obstacle');
    expect(poor.counts('weir_upstream_retries_withheld_total')).toEqual(['budget 1']);
    await outlast(await open());
    expect([single.asked.length, poor.asked.length]).toEqual([1, 1]);
  });
});

test('by percentile: no request is hedged before the answer times are known, and slow ones are from then on', async () => {
  const held: string[] = [];
  const respond: Respond = ({ startLine }) => {
    if (startLine.includes('/fast')) return ok();
    held.push(startLine);
    return held.filter((each) => each === startLine).length === 2 ? ok('second') : null;
  };
  const backends = [await openUpstream(respond), await openUpstream(respond)];
  const hedge = { percentile: 90, maxDelay: 50 };
  const resources = cluster(
    'app',
    backends.map(({ port }) => port),
  );
  const proxy = await openProxy([policy({ hedge }), ...resources, listener(), route()]);
  const [early, client] = [await openClient(proxy.port), await openClient(proxy.port)];
  early.write(get('/early'));
  await until(() => held.length === 1, 'the early request is with a backend');
  for (let left = 100; left > 0; left--) await client.ask(get('/fast'));
  expect((await client.ask(get('/slow'))).body).toBe('second');
  expect(held.map((line) => line.split(' ')[1])).toEqual(['/early', '/slow', '/slow']);
});
