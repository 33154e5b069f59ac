// An overloaded worker refuses requests by their priority, and connections at last.
import { describe, expect, test } from '@jest/globals';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import type { Signal } from '../../proxy/overload/signal.ts';
import { EchoClient, EchoServer, status as grpcStatus, UNARY } from '../grpc/echo.ts';
import { closeAfterEach, closeLater, get, openClient, openUpstream, post } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { cluster, listener, pathMatch, route, startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { UpstreamConnection } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

class Given implements Signal {
  readonly name = 'memory';
  severity = 0;
  #samples = 0;

  sample(): void {
    this.#samples++;
  }

  /** Resolves once the worker knows the severity. */
  async set(severity: number): Promise<void> {
    this.severity = severity;
    const after = this.#samples + 2;
    await until(() => this.#samples >= after, 'two samples');
  }
}

const LEVELS = ['Critical', 'Default', 'Sheddable'] as const;

function priority(name: string, settings: ir.Policy['settings']): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name, section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name, createdAt: 0 };
  return { kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, ...names, targets: [target], settings: { priority: settings } };
}

/** A proxy with a route for each priority, by its name as the path, and a route with a header at `/header`. */
async function openProxyWith(signal: Signal, port: number, protocol: ir.ClusterProtocol = 'http1'): Promise<Proxy> {
  const rule = (name: string): ir.Route => route({ name, matches: [pathMatch('PathPrefix', `/${name}`)] });
  const rules = LEVELS.flatMap((level) => [rule(level), priority(level, { level })]);
  const all = [listener(), ...cluster('app', [port], protocol), ...rules, rule('header'), priority('header', { header: 'X-Priority' })];
  const proxy = await startProxy([...all, route({ name: 'plain' })], {}, 'off', { overloadSignals: [signal] });
  closeLater(() => proxy.close());
  return proxy;
}

/** Resolves once a new connection has been reset. */
async function refusedConnection(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  await until(() => socket.closed, 'the end of a refused connection');
}

async function openOverloaded(): Promise<{
  readonly proxy: Proxy;
  readonly signal: Given;
  ask(path: string, headers?: string): Promise<number>;
}> {
  const upstream = await openUpstream(ok());
  const signal = new Given();
  const proxy = await openProxyWith(signal, upstream.port);
  const client = await openClient(proxy.port);
  return { proxy, signal, ask: async (path, headers = '') => status(await client.ask(get(path, headers))) };
}

test.each([
  [1, [200, 200, 200]],
  [2, [200, 200, 503]],
  [3, [200, 503, 503]],
  [4, [503, 503, 503]],
])('at severity %d the least important requests are refused', async (severity, expected) => {
  const { signal, ask } = await openOverloaded();
  // Opens the connection to the backend, which an overloaded worker might refuse to do.
  expect(await ask('/Critical')).toBe(200);
  await signal.set(severity);
  const statuses: number[] = [];
  for (const level of LEVELS) statuses.push(await ask(`/${level}`));
  expect(statuses).toEqual(expected);
  await signal.set(0);
  for (const level of LEVELS) expect(await ask(`/${level}`)).toBe(200);
});

test('between two severities a share of the requests is refused', async () => {
  const { proxy, signal, ask } = await openOverloaded();
  expect(await ask('/plain')).toBe(200);
  await signal.set(2.5);
  let refused = 0;
  for (let i = 0; i < 400; i++) if ((await ask('/plain')) === 503) refused++;
  // 10 standard deviations.
  expect(Math.abs(refused - 200)).toBeLessThan(100);
  expect(proxy.metric('weir_shed_total')).toBe(refused);
});

describe('a header', () => {
  test('decides where a policy names it', async () => {
    const { signal, ask } = await openOverloaded();
    expect(await ask('/header')).toBe(200);
    await signal.set(3);
    expect(await ask('/header', 'x-priority: Critical\r\n')).toBe(200);
    expect(await ask('/header', 'x-priority: highest\r\n')).toBe(503);
    await signal.set(2);
    expect(await ask('/header', 'x-priority: sheddable\r\n')).toBe(503);
    expect(await ask('/header')).toBe(200);
  });

  test('has no effect elsewhere', async () => {
    const { signal, ask } = await openOverloaded();
    await signal.set(3);
    expect(await ask('/Default', 'x-priority: critical\r\n')).toBe(503);
  });
});

test('a refusal says when to come again, and keeps the connection', async () => {
  const upstream = await openUpstream(ok());
  const signal = new Given();
  const proxy = await openProxyWith(signal, upstream.port);
  const client = await openClient(proxy.port);
  await signal.set(2);
  const answer = await client.ask(post('body', '/Sheddable'));
  expect(JSON.parse(answer.body)).toMatchObject({ status: 503, code: 'overloaded' });
  expect(header(answer, 'retry-after')).toBe('1');
  await signal.set(0);
  expect(status(await client.ask(get('/Sheddable')))).toBe(200);
  expect(upstream.requests).toHaveLength(1);
  expect(await proxy.worker.registry.metrics()).toContain('weir_shed_total{stage="head",cause="memory",priority="sheddable"} 1');
});

test('a call gets UNAVAILABLE', async () => {
  const server = await EchoServer.start();
  closeLater(() => server.close());
  const signal = new Given();
  const proxy = await openProxyWith(signal, server.port, 'http2');
  const client = new EchoClient(proxy.port);
  closeLater(() => client.close());
  expect((await client.call(UNARY, [])).code).toBe(grpcStatus.OK);
  await signal.set(3);
  expect((await client.call(UNARY, [])).code).toBe(grpcStatus.UNAVAILABLE);
});

test('from severity 3 on new connections are refused, and open ones go on', async () => {
  const { proxy, signal, ask } = await openOverloaded();
  expect(await ask('/Critical')).toBe(200);
  await signal.set(3);
  await refusedConnection(proxy.port);
  expect(await ask('/Critical')).toBe(200);
  expect(await proxy.worker.registry.metrics()).toContain('weir_shed_total{stage="accept",cause="memory",priority="none"} 1');
  // Not at once: the severity has to fall below 2.5.
  await signal.set(2.7);
  await refusedConnection(proxy.port);
  await signal.set(2.4);
  const client = await openClient(proxy.port);
  expect(status(await client.ask(get('/Critical')))).toBe(200);
});

test('a request that needs a new connection to its backend is drawn once more', async () => {
  const upstream = await openUpstream(ok('ok', 'connection: close\r\n'));
  const signal = new Given();
  const proxy = await openProxyWith(signal, upstream.port);
  const client = await openClient(proxy.port);
  await signal.set(1.5);
  let refused = 0;
  for (let i = 0; i < 200; i++) if (status(await client.ask(get('/Sheddable'))) === 503) refused++;
  expect(refused + upstream.requests.length).toBe(200);
  expect(await proxy.worker.registry.metrics()).toMatch(/weir_shed_total\{stage="connect",cause="memory",priority="sheddable"\} \d+/);
});

test('a request that would wait in the queue of its backend is drawn once more', async () => {
  const held: UpstreamConnection[] = [];
  const upstream = await openUpstream((_, connection) => {
    held.push(connection);
    return null;
  });
  const signal = new Given();
  const settings = { circuitBreaker: { maxConnections: 1 }, priority: { level: 'Sheddable' } };
  // The priority of a backend is unknown before the backend is chosen, so the first draw does not refuse the request.
  const policy = { ...priority('app', {}), targets: [{ kind: 'Service', namespace: 'default', name: 'app', section: '' }], settings };
  const proxy = await startProxy([listener(), ...cluster('app', [upstream.port]), policy, route()], {}, 'off', {
    overloadSignals: [signal],
  });
  closeLater(() => proxy.close());
  const [first, second, third] = [await openClient(proxy.port), await openClient(proxy.port), await openClient(proxy.port)];
  const answered = first.ask(get());
  await until(() => held.length === 1, 'the first request');
  const waiting = second.ask(get());
  await until(() => proxy.metric('weir_requests_active') === 2, 'the second request');
  await signal.set(2);
  const refused = await third.ask(get());
  expect([status(refused), header(refused, 'retry-after')]).toEqual([503, '1']);
  expect(await proxy.worker.registry.metrics()).toContain('weir_shed_total{stage="connect",cause="memory",priority="sheddable"} 1');
  await signal.set(0);
  held[0]?.socket.write(ok());
  expect(status(await answered)).toBe(200);
  await until(() => held.length === 2, 'the request that waited');
  held[1]?.socket.write(ok());
  expect(status(await waiting)).toBe(200);
});
