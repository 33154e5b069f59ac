// The header in which callers ask for a shorter timeout, and backends get the remaining time.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/raw-upstream.ts';
import type { Respond, RawUpstream } from '../support/raw-upstream.ts';

closeAfterEach();

async function open(
  timeouts: Readonly<Record<string, unknown>>,
  respond: Respond = () => ok(),
  kind: 'HTTPRoute' | 'Service' = 'HTTPRoute',
): Promise<{ client: RawClient; upstream: RawUpstream }> {
  const policy: ir.Policy = {
    ...{ kind: 'Policy', key: 'BackendTrafficPolicy/default/timeouts', policyKind: 'BackendTrafficPolicy' },
    ...{ namespace: 'default', name: 'timeouts', createdAt: 0 },
    targets: [{ kind, namespace: 'default', name: kind === 'Service' ? 'app' : 'route', section: '' }],
    settings: { timeouts: { requestHeader: 'X-Timeout', ...timeouts }, retry: { attempts: 1, backoff: 0 } },
  };
  const upstream = await openUpstream(respond);
  const proxy = await openProxy([policy, ...cluster('app', [upstream.port]), listener(), route()]);
  return { upstream, client: await openClient(proxy.port) };
}

const get = (...timeouts: readonly string[]): string =>
  `GET / HTTP/1.1\r\nHost: a\r\n${timeouts.map((timeout) => `X-Timeout: ${timeout}\r\n`).join('')}\r\n`;

/** The header that a backend got; NaN without one. */
function left(request: Message | undefined): number {
  return Number(/x-timeout: ([^\r]*)\r\n/i.exec(request?.raw ?? '')?.[1]);
}

describe('the timeout of a caller', () => {
  test.each([
    ['shorter than that of the route', '50', 60_000, 'deadline_exceeded'],
    ['as a duration', '50ms', 0, 'deadline_exceeded'],
    ['longer than that of the route', '1h', 50, 'request_timeout'],
  ])('%s: the shorter one applies', async (_, asked, request, code) => {
    const { client } = await open({ request }, () => null);
    const answer = await client.ask(get(asked));
    expect([status(answer), answer.body.includes(code)]).toEqual([504, true]);
  });

  test('also applies if only the backend has the policy', async () => {
    const { client } = await open({}, () => null, 'Service');
    expect(status(await client.ask(get('50')))).toBe(504);
    expect(status(await client.ask(get('soon')))).toBe(400);
  });

  test.each([['soon'], ['-1'], ['0'], ['0s'], ['1.5'], ['99999999999']])('%s is refused', async (asked) => {
    const { client, upstream } = await open({});
    const answer = await client.ask(get(asked));
    expect([status(answer), answer.body.includes('deadline_malformed'), upstream.requests.length]).toEqual([400, true, 0]);
  });

  test('that comes twice is refused', async () => {
    const { client } = await open({});
    expect(status(await client.ask(get('50', '60')))).toBe(400);
  });
});

describe('a backend gets', () => {
  test('the remaining time in milliseconds, less with each attempt', async () => {
    const { client, upstream } = await open({}, () =>
      upstream.requests.length === 1 ? 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n' : ok(),
    );
    await client.ask(get('1m'));
    const [first, second] = upstream.requests.map(left);
    expect(first).toBeLessThanOrEqual(60_000);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(first as number);
  });

  test('the time of the attempt, if that is less, also without a header of the caller', async () => {
    const { client, upstream } = await open({ request: 60_000, backendRequest: 30_000 });
    await client.ask(get());
    await client.ask(get('1h'));
    expect(upstream.requests.map(left)).toEqual([30_000, 30_000]);
  });

  test('nothing without any timeout', async () => {
    const { client, upstream } = await open({});
    await client.ask(get());
    expect(left(upstream.requests[0])).toBeNaN();
  });
});
