// The failures of a real worker in groups: what they tell, that they hold no secret, and their bounds.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, openClient, openUpstream } from '../../../test/support/fixture.ts';
import { cluster, listener, route, startProxy } from '../../../test/support/proxy.ts';
import type { Proxy } from '../../../test/support/proxy.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { Causes } from './cause.ts';
import { ErrorGroups } from './error-groups.ts';

closeAfterEach();

const SECRETS = ['hunter2-secret', 'abcdef0123456789abcdef', '4111 1111 1111 1111', 'alice@example.com', 'sid-of-a-session'];

async function ask(proxy: Proxy, lines: readonly string[]): Promise<void> {
  const client = await openClient(proxy.port);
  await client.ask(`${lines.join('\r\n')}\r\n\r\n`);
  client.destroy();
  await proxy.quiet();
}

describe('failures', () => {
  test('of a backend and of the proxy are groups with samples of the request', async () => {
    const upstream = await openUpstream('HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n');
    const proxy = await startProxy([listener(), ...cluster('app', [upstream.port]), route()]);
    closeLater(() => proxy.close());
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const head = ['GET /a?b=1 HTTP/1.1', 'Host: shop.example', `traceparent: 00-${trace}-b7ad6b7169203331-01`, 'x-request-id: r-1'];
    await ask(proxy, head);
    await ask(proxy, head);
    await proxy.worker.apply(cluster('app', [1]), []);
    await ask(proxy, head);
    const errors = proxy.worker.report().errors ?? [];
    expect(errors).toMatchObject([
      { code: 'status_5xx', route: 'HTTPRoute/default/route/0', backend: 'Service/default/app/80', cause: 'status 502', count: 2 },
      { code: 'upstream_connect_failed', route: 'HTTPRoute/default/route/0', cause: 'ECONNREFUSED', count: 1 },
    ]);
    expect(errors[0]?.samples).toHaveLength(2);
    expect(errors[0]?.samples[0]).toMatchObject({
      ...{ method: 'GET', authority: 'shop.example', path: '/a?b=1', status: 502, traceId: trace, requestId: 'r-1', client: '127.0.0.1' },
      ...{ endpoint: `127.0.0.1:${upstream.port}`, attempts: 1 },
    });
    expect(errors[1]?.samples[0]?.attempts).toBe(3);
    expect(proxy.worker.report().errors).toEqual([]);
  });

  test('show no secret of the request', async () => {
    const proxy = await startProxy([listener(), route()]);
    closeLater(() => proxy.close());
    const [password, token, card, mail, session] = SECRETS;
    await ask(proxy, [
      `GET /users/${mail}?password=${password}&access_token=${token}&card=${card?.replaceAll(' ', '-')} HTTP/1.1`,
      'Host: a.example',
      `Authorization: Bearer ${token}`,
      `Cookie: session=${session}`,
      `X-Api-Key: ${token}`,
      `X-Note: mail ${mail}, card ${card}`,
    ]);
    const errors = proxy.worker.report().errors ?? [];
    expect(errors).toHaveLength(1);
    const text = JSON.stringify(errors);
    for (const secret of [...SECRETS, card?.replaceAll(' ', '-') ?? '']) expect([secret, text.includes(secret)]).toEqual([secret, false]);
    expect(text).toContain('x-note');
  });
});

describe('bounds', () => {
  const exchange = (detail: string): Exchange =>
    ({
      ...{ error: withDetail(ERRORS.requestInvalid, detail), status: 400, route: null, backend: null, attempt: null, attempts: 0 },
      ...{ method: 'GET', requestedAuthority: 'a', requestedPath: `/${'x'.repeat(100_000)}`, hasQuery: false, query: '' },
      ...{ requestId: '', trace: null, requestHeaders: Array.from({ length: 400 }, (_, index) => `h${index}`), clientAddress: '' },
    }) as unknown as Exchange;

  test('many causes become one group, and few samples are taken', () => {
    const groups = new ErrorGroups();
    for (let index = 0; index < 5_000; index++) groups.ended(exchange(letters(index)), 1);
    const taken = groups.take();
    expect(taken).toHaveLength(201);
    expect(taken.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
    expect(taken.find(({ code }) => code === 'other')?.count).toBe(4_800);
    expect(taken.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(40);
    expect(JSON.stringify(taken).length).toBeLessThan(200_000);
  });

  test('a cause leaves out what differs each time, and is short', () => {
    const causes = new Causes((text) => text);
    const cause = causes.of(`10.0.0.17:8080 said "${'y'.repeat(500)}" to 0af7651916cd43dd8448eb211c80319c after 1234 ms`);
    expect(cause).toBe('N.0.0.N:N said "..." to ID after N ms');
    expect(causes.of('z'.repeat(1_000_000)).length).toBe(160);
  });
});

/** A text without digits for a number. */
function letters(number: number): string {
  return [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
}
