// The speed of bodies by a policy: at least the time that the limit asks for, with every byte in its place.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { toUpstream } from '../support/proxy.ts';
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
