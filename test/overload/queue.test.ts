// Requests that wait for a connection: important ones first, callers in turns, and a limit for number and time.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

function policy(settings: ir.Policy['settings']): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'queue', createdAt: 0 };
  return { kind: 'Policy', key: 'BackendTrafficPolicy/default/queue', ...names, targets: [target], settings };
}

/** A backend with one connection, which holds the request `/held`; the others wait for it. */
class Busy {
  readonly proxy: Proxy;
  readonly upstream: RawUpstream;
  readonly #statuses = new Map<string, number>();
  readonly #clients: RawClient[] = [];
  #sent = 0;

  private constructor(proxy: Proxy, upstream: RawUpstream) {
    this.proxy = proxy;
    this.upstream = upstream;
  }

  static async open(settings: ir.Policy['settings'], limits: Partial<Limits> = {}): Promise<Busy> {
    const upstream = await openUpstream((request) => (request.startLine.includes('/held') ? null : ok()));
    const resources = [policy({ priority: { header: 'x-priority' }, ...settings }), ...toUpstream(upstream.port)];
    const busy = new Busy(await openProxy(resources, { maxConnectionsPerEndpoint: 1, ...limits }), upstream);
    await busy.send('held');
    await upstream.request();
    return busy;
  }

  /** Sends a request on a new connection. Resolves once it waits or is answered. */
  async send(name: string, headers = '', from?: string): Promise<void> {
    const client = await openClient(this.proxy.port, true, from);
    this.#clients.push(client);
    const before = this.proxy.metric('weir_requests_active') + this.#statuses.size;
    const answered = client.ask(get(`/${name}`, headers)).then((answer) => this.#statuses.set(name, status(answer)));
    // The held request of a test may have no answer at its end.
    answered.catch(() => undefined);
    this.#sent++;
    await until(() => this.proxy.metric('weir_requests_active') + this.#statuses.size > before, `the request ${name}`);
  }

  /** Disconnects all clients. */
  leave(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Answers the held request, and resolves to the others in the order in which the backend gets them. */
  async release(): Promise<string> {
    this.upstream.connections[0]?.socket.write(ok());
    await until(() => this.#statuses.size === this.#sent, 'all answers');
    return this.upstream.requests
      .slice(1)
      .map(({ startLine }) => startLine.split(' ')[1]?.slice(1))
      .join(' ');
  }

  /** The status of a request; undefined before its answer. */
  status(name: string): number | undefined {
    return this.#statuses.get(name);
  }

  answered(name: string): Promise<void> {
    return until(() => this.#statuses.has(name), `the answer to ${name}`);
  }
}

const as = (priority: string): string => `x-priority: ${priority}\r\n`;

test('the most important request is served first', async () => {
  const busy = await Busy.open({});
  for (const [name, priority] of Object.entries({ a: 'sheddable', b: 'default', c: 'critical', d: 'default' }))
    await busy.send(name, as(priority));
  expect(await busy.release()).toBe('c b d a');
});

describe('callers take turns', () => {
  test('by their addresses', async () => {
    const busy = await Busy.open({});
    for (const name of ['a', 'b', 'c']) await busy.send(name);
    await busy.send('d', '', '127.0.0.2');
    expect(await busy.release()).toBe('a d b c');
  });

  test('by the header of a policy', async () => {
    const busy = await Busy.open({ queue: { fairBy: { header: 'X-Tenant' } } });
    for (const name of ['a', 'b', 'c']) await busy.send(name, 'x-tenant: red\r\n');
    await busy.send('d', 'x-tenant: blue\r\n');
    await busy.send('e');
    expect(await busy.release()).toBe('a d e b c');
  });
});

describe('a full queue', () => {
  test('refuses the newest request', async () => {
    const busy = await Busy.open({}, { maxPendingPerEndpoint: 2 });
    for (const name of ['a', 'b', 'c']) await busy.send(name);
    await busy.answered('c');
    expect(busy.status('c')).toBe(503);
    expect(await busy.release()).toBe('a b');
    expect(await busy.proxy.worker.registry.metrics()).toMatch(/weir_upstream_queue_refusals_total\{.*cause="full",priority="default"\} 1/);
  });

  test('gives up the newest request of the lowest priority for a more important one', async () => {
    const busy = await Busy.open({}, { maxPendingPerEndpoint: 3 });
    await busy.send('a', as('sheddable'));
    await busy.send('b', as('sheddable'));
    await busy.send('c', as('default'));
    await busy.send('d', as('critical'));
    await busy.answered('b');
    expect([busy.status('b'), await busy.release()]).toEqual([503, 'd c a']);
  });

  test('gives up a request of the caller with the most', async () => {
    const busy = await Busy.open({}, { maxPendingPerEndpoint: 3 });
    for (const name of ['a', 'b', 'c']) await busy.send(name);
    await busy.send('d', '', '127.0.0.2');
    await busy.answered('c');
    expect([busy.status('c'), await busy.release()]).toEqual([503, 'a d b']);
  });
});

describe('the longest wait', () => {
  test('of a policy wins over that of the proxy', async () => {
    const busy = await Busy.open({ queue: { timeout: 100 } }, { pendingTimeout: 3_600_000 });
    await busy.send('a');
    await busy.answered('a');
    expect(busy.status('a')).toBe(503);
    expect(await busy.proxy.worker.registry.metrics()).toMatch(/queue_refusals_total\{.*cause="timeout",priority="default"\} 1/);
  });

  test('of 0 is no limit', async () => {
    const busy = await Busy.open({ queue: { timeout: 0 } }, { pendingTimeout: 1 });
    await busy.send('a');
    expect(await busy.release()).toBe('a');
  });
});

test('a request whose client leaves gives up its place', async () => {
  const busy = await Busy.open({}, { maxPendingPerEndpoint: 1 });
  const leaving = await openClient(busy.proxy.port);
  leaving.write(get('/gone'));
  await until(() => busy.proxy.metric('weir_upstream_requests_pending') === 1, 'the waiting request');
  leaving.destroy();
  await until(() => busy.proxy.metric('weir_upstream_requests_pending') === 0, 'its departure');
  await busy.send('a');
  expect(await busy.release()).toBe('a');
});

test('nothing is left of requests that waited, were displaced or gave up', async () => {
  const busy = await Busy.open({ queue: { timeout: 100 } }, { maxPendingPerEndpoint: 2, poolIdleTimeout: 1 });
  for (const name of ['a', 'b', 'c']) await busy.send(name, as('sheddable'));
  await busy.send('d', as('critical'));
  for (const name of ['a', 'b', 'c', 'd']) await busy.answered(name);
  await busy.release();
  expect(busy.proxy.metric('weir_upstream_queue_refusals_total')).toBe(4);
  busy.leave();
  await busy.proxy.quiet();
  await until(() => busy.proxy.worker.timers === 0, 'the end of all timers');
});
