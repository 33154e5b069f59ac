// The limits of the requests to a backend (circuitBreaker of a BackendTrafficPolicy), with a backend that answers when the test says so.
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, openProxy } from '../support/fixture.ts';
import { cluster, listener, pathMatch, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A backend that holds all answers until `release`. */
class HoldingBackend {
  readonly #server = http.createServer((_, response) => {
    this.held.push(response);
    this.onRequest();
  });
  readonly held: http.ServerResponse[] = [];
  onRequest = (): void => undefined;

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Answers the requests that are held, oldest first. */
  release(count = this.held.length): void {
    for (const response of this.held.splice(0, count)) response.end('ok');
  }

  /** From now on it holds no answer. */
  answersAtOnce(): void {
    this.onRequest = () => this.release();
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const backends: HoldingBackend[] = [];
afterEach(() => {
  for (const backend of backends.splice(0)) backend.stop();
});

async function openBackend(): Promise<HoldingBackend> {
  const backend = await new HoldingBackend().start();
  backends.push(backend);
  return backend;
}

function limited(circuitBreaker: object, more: object = {}): ir.Policy {
  const described = { kind: 'Policy', key: 'BackendTrafficPolicy/default/p', policyKind: 'BackendTrafficPolicy' } as const;
  const target = { kind: 'Service', namespace: 'default', name: 'app', section: '' };
  return { ...described, namespace: 'default', name: 'p', createdAt: 0, targets: [target], settings: { circuitBreaker, ...more } };
}

interface Asked {
  readonly answer: Promise<{ readonly status: number; readonly body: string }>;
  /** Leaves without the answer. */
  leave(): void;
}

function ask(proxy: Proxy, path = '/', agent: http.Agent | false = false): Asked {
  const request = http.get({ host: '127.0.0.1', port: proxy.port, path, agent });
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
  answer.catch(() => undefined);
  return { answer, leave: () => void request.destroy() };
}

async function statusOf({ answer }: Asked): Promise<number> {
  return (await answer).status;
}

describe('maxParallelRequests', () => {
  test('refuses further requests at once, and lets new ones pass as soon as one has ended', async () => {
    const backend = await openBackend();
    const proxy = await openProxy([...cluster('app', [backend.port]), limited({ maxParallelRequests: 2 }), listener(), route()]);
    const first = [ask(proxy), ask(proxy)];
    await until(() => backend.held.length === 2, 'two requests');
    const { status, body } = await ask(proxy).answer;
    expect([status, JSON.parse(body)]).toEqual([503, expect.objectContaining({ code: 'overloaded' })]);
    backend.release(1);
    await Promise.race(first.map(statusOf));
    const next = ask(proxy);
    await until(() => backend.held.length === 2, 'the next request');
    backend.release();
    expect(await Promise.all([...first, next].map(statusOf))).toEqual([200, 200, 200]);
  });

  test('counts the requests of all rules that use the backend', async () => {
    const backend = await openBackend();
    const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: 'limited' };
    const policy = { ...limited({ maxParallelRequests: 1 }), targets: [target] };
    const free = route({ key: 'HTTPRoute/default/free/0', name: 'free', matches: [pathMatch('PathPrefix', '/free')] });
    const proxy = await openProxy([...cluster('app', [backend.port]), policy, listener(), route({ ruleName: 'limited' }), free]);
    const other = ask(proxy, '/free');
    await until(() => backend.held.length === 1, 'the request of the other rule');
    expect(await statusOf(ask(proxy))).toBe(503);
    backend.release();
    expect(await statusOf(other)).toBe(200);
  });
});

describe('maxConnections', () => {
  const LIMITS = { maxConnections: 2, maxPendingRequests: 2 };

  test('makes further requests wait, up to maxPendingRequests; they go on as connections become free', async () => {
    const [one, two] = [await openBackend(), await openBackend()];
    const proxy = await openProxy([...cluster('app', [one.port, two.port]), limited(LIMITS), listener(), route()]);
    const asked = [ask(proxy), ask(proxy)];
    await until(() => one.held.length + two.held.length === 2, 'two requests');
    asked.push(ask(proxy), ask(proxy));
    const codes = await Promise.all([ask(proxy), ask(proxy)].map(statusOf));
    expect(codes).toEqual([503, 503]);
    one.release();
    two.release();
    await until(() => one.held.length + two.held.length === 2, 'the requests that waited');
    one.release();
    two.release();
    expect(await Promise.all(asked.map(statusOf))).toEqual([200, 200, 200, 200]);
  });

  test('a request whose client leaves while it waits gives its place to another', async () => {
    const backend = await openBackend();
    const limits = limited({ maxConnections: 1, maxPendingRequests: 1 });
    const proxy = await openProxy([...cluster('app', [backend.port]), limits, listener(), route()]);
    const first = ask(proxy);
    await until(() => backend.held.length === 1, 'the first request');
    const impatient = ask(proxy);
    expect(await statusOf(ask(proxy))).toBe(503);
    impatient.leave();
    await until(() => proxy.metric('weir_requests_active') === 1, 'the client has left');
    const patient = ask(proxy);
    backend.release();
    await until(() => backend.held.length === 1, 'the request that waited');
    backend.release();
    expect([await statusOf(first), await statusOf(patient)]).toEqual([200, 200]);
  });

  test('a request waits no longer than the queue allows', async () => {
    const backend = await openBackend();
    const limits = limited({ maxConnections: 1 }, { queue: { timeout: 100 } });
    const proxy = await openProxy([...cluster('app', [backend.port]), limits, listener(), route()]);
    const first = ask(proxy);
    await until(() => backend.held.length === 1, 'the first request');
    expect(await statusOf(ask(proxy))).toBe(503);
    backend.release();
    expect(await statusOf(first)).toBe(200);
  });
});

test('maxParallelRetries stops retries, not requests', async () => {
  const backend = await openBackend();
  const policy = limited({ maxParallelRetries: 1 }, { retry: { attempts: 1, codes: [503], backoff: 0 } });
  const proxy = await openProxy([...cluster('app', [backend.port]), policy, listener(), route()]);
  const asked = [ask(proxy), ask(proxy)];
  await until(() => backend.held.length === 2, 'two requests');
  for (const response of backend.held.splice(0)) response.writeHead(503).end();
  await until(() => backend.held.length === 1, 'one retry');
  backend.release();
  expect((await Promise.all(asked.map(statusOf))).toSorted()).toEqual([200, 503]);
});

test('perEndpoint.maxParallelRequests sends further requests to other endpoints, and refuses them if none has room', async () => {
  const [one, two] = [await openBackend(), await openBackend()];
  const limits = limited({ perEndpoint: { maxParallelRequests: 2 } });
  const proxy = await openProxy([...cluster('app', [one.port, two.port]), limits, listener(), route()]);
  const asked = [ask(proxy), ask(proxy), ask(proxy), ask(proxy)];
  await until(() => one.held.length === 2 && two.held.length === 2, 'four requests');
  expect(await statusOf(ask(proxy))).toBe(503);
  two.release();
  await Promise.race(asked.map(statusOf));
  const next = ask(proxy);
  await until(() => two.held.length === 1, 'the endpoint with room');
  one.release();
  two.release();
  expect(await Promise.all([...asked, next].map(statusOf))).toEqual([200, 200, 200, 200, 200]);
});

describe('adaptive', () => {
  test('makes requests beyond the limit wait, and refuses those for which there is no place', async () => {
    const backend = await openBackend();
    const adaptive = { minRequests: 2, maxRequests: 2 };
    const proxy = await openProxy([...cluster('app', [backend.port]), limited({ adaptive }), listener(), route()]);
    const asked = [ask(proxy), ask(proxy)];
    await until(() => backend.held.length === 2, 'two requests');
    asked.push(ask(proxy), ask(proxy));
    const refused = ask(proxy);
    // Any of the three may come last.
    const early = await Promise.race([...asked, refused].map(statusOf));
    expect(early).toBe(503);
    expect(backend.held.length).toBe(2);
    backend.release();
    await until(() => backend.held.length === 2, 'the requests that waited');
    backend.release();
    const codes = await Promise.all([...asked, refused].map(statusOf));
    expect(codes.toSorted()).toEqual([200, 200, 200, 200, 503]);
  });

  test('counts requests until the head of their answer, so that streams do not block others', async () => {
    const backend = await openBackend();
    const adaptive = { minRequests: 1, maxRequests: 1 };
    const proxy = await openProxy([...cluster('app', [backend.port]), limited({ adaptive }), listener(), route()]);
    const streams: Asked[] = [];
    for (const number of [1, 2, 3]) {
      streams.push(ask(proxy));
      await until(() => backend.held.length === number, `stream ${number}`);
      backend.held[number - 1]?.write('begun ');
    }
    backend.release();
    expect(await Promise.all(streams.map(({ answer }) => answer))).toEqual(Array(3).fill({ status: 200, body: 'begun ok' }));
  });

  test('keeps most requests of an overloaded backend out of it', async () => {
    const backend = await startBusyBackend();
    const adaptive = { minRequests: 4, maxRequests: 1_000 };
    const proxy = await openProxy([...cluster('app', [backend.port]), limited({ adaptive }), listener(), route()]);
    const clients = runClients(proxy, 150);
    await until(() => backend.answers >= 1_000, 'a thousand answers');
    backend.peak = 0;
    await until(() => backend.answers >= 1_500, 'further answers');
    expect(backend.peak).toBeGreaterThan(0);
    expect(backend.peak).toBeLessThan(75);
    expect(proxy.metric('weir_upstream_adaptive_limit')).toBeLessThan(75);
    expect((await clients.stop()).has(503)).toBe(true);
  });

  test('refuses no request of a backend that is not overloaded', async () => {
    const backend = await openBackend();
    const proxy = await openProxy([
      ...cluster('app', [backend.port]),
      limited({ adaptive: { tolerancePercent: 50 } }),
      listener(),
      route(),
    ]);
    backend.answersAtOnce();
    const clients = runClients(proxy, 30);
    await until(() => clients.answers >= 2_000, 'two thousand answers');
    expect(proxy.metric('weir_upstream_adaptive_limit')).toBeGreaterThanOrEqual(20);
    expect([...(await clients.stop())]).toEqual([200]);
  });
});

interface BusyBackend {
  readonly port: number;
  answers: number;
  /** The most requests at the same time. */
  peak: number;
}

/** A backend that works on four requests at a time, for 10 ms each; the others wait in it. */
async function startBusyBackend(): Promise<BusyBackend> {
  const backend = await openBackend();
  const state = { port: backend.port, answers: 0, peak: 0 };
  let working = 0;
  const work = (): void => {
    state.peak = Math.max(state.peak, working + backend.held.length);
    while (working < 4 && backend.held.length > 0) {
      const response = backend.held.shift();
      working++;
      setTimeout(() => {
        working--;
        state.answers++;
        response?.end('ok');
        work();
      }, 10);
    }
  };
  backend.onRequest = work;
  return state;
}

/** Clients that ask again and again, after a refusal with a pause, until `stop`, which returns the statuses that came. */
function runClients(proxy: Proxy, count: number): { readonly answers: number; stop(): Promise<ReadonlySet<number>> } {
  const agent = new http.Agent({ keepAlive: true });
  const statuses = new Set<number>();
  const state = { answers: 0, running: true };
  const client = async (): Promise<void> => {
    while (state.running) {
      const status = await statusOf(ask(proxy, '/', agent));
      statuses.add(status);
      state.answers++;
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const clients = Array.from({ length: count }, client);
  return {
    get answers() {
      return state.answers;
    },
    async stop() {
      state.running = false;
      await Promise.all(clients);
      agent.destroy();
      return statuses;
    },
  };
}
