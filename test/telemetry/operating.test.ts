// `weir status`, `weir proxies` and `weir endpoint` at `weir up`, as processes.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import type { FleetStatus } from '../../controller/telemetry/status.ts';
import { Backend } from '../support/backend.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';

const closers: (() => unknown)[] = [];
let backends: readonly Backend[] = [];
let up: OperatedWeir;

beforeEach(async () => {
  backends = [await new Backend('one').start(), await new Backend('two').start()];
  for (const backend of backends) closers.push(() => backend.stop());
  up = await OperatedWeir.start(appAt(backends.map(({ port }) => port)));
  closers.push(() => up.stop());
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The names of the backends that answer. */
async function ask(times: number): Promise<readonly string[]> {
  return (await up.ask(times)).map(({ body }) => (JSON.parse(body) as { readonly backend: string }).backend);
}

describe('weir status', () => {
  test('shows proxies, listeners, backends, endpoints and routes with what they count', async () => {
    await ask(20);
    const shown = await up.statusWith(({ routes }) => (routes[0]?.requestsPerSecond ?? 0) > 0);
    expect(shown.proxies).toMatchObject([{ node: 'weir-up', state: 'reporting', workers: 2 }]);
    expect(shown.listeners).toMatchObject([{ listener: 'default/gw/http', protocol: 'HTTP', unserved: '' }]);
    expect(shown.routes).toMatchObject([{ route: 'HTTPRoute/default/app/0', failuresPerSecond: 0 }]);
    expect(shown.backends).toMatchObject([{ backend: 'Backend/default/app' }]);
    expect(shown.backends[0]?.endpoints.map(({ endpoint, state }) => [endpoint, state]).toSorted()).toEqual(
      backends.map(({ port }) => [`127.0.0.1:${port}`, 'ready']).toSorted(),
    );
    // On a busy machine the proxy may lag.
    expect(shown.problems.filter(({ message }) => !message.includes('event loop lags'))).toEqual([]);
    const { code, output } = await up.weir('status');
    expect(code).toBe(0);
    expect(output).toMatch(/(?:No problems\.|event loop lags)[^]*Proxies[^]*weir-up[^]*Listeners[^]*Backends[^]*2\/2 usable[^]*Routes/);
  });

  test('has an endpoint that fails among its problems, and ends with 1 if requests fail', async () => {
    await Promise.all(backends.map((backend) => backend.stop()));
    await up.ask(1);
    await up.statusWith(({ problems }) => problems[0]?.severity === 'critical');
    const { code, output } = await up.weir('status');
    expect(code).toBe(1);
    expect(output).toMatch(/Problems[^]*critical {3}/);
  });
});

describe('weir status, of more ejections than maxEjectionPercent', () => {
  /** A port that answers every request with 500. */
  async function failing(): Promise<number> {
    const server = http.createServer((_, response) => void response.writeHead(500).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => void (server.close(), server.closeAllConnections()));
    return (server.address() as net.AddressInfo).port;
  }

  test('shows the oldest as unusable and the others as usable, with the reason', async () => {
    await up.stop();
    const policy = {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'BackendTrafficPolicy', metadata: { name: 'app' } },
      spec: {
        targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }],
        healthCheck: { passive: { consecutive5xx: 1, maxEjectionPercent: 34, baseEjectionTime: '10m', maxEjectionTime: '10m' } },
      },
    };
    up = await OperatedWeir.start([...appAt([await failing(), await failing(), backends[0]?.port as number]), policy]);
    await up.ask(10);
    const reasonsIn = ({ backends: all }: FleetStatus): readonly string[] =>
      all.flatMap(({ endpoints }) => endpoints.flatMap(({ state, reasons }) => reasons.map(({ reason }) => `${reason}: ${state}`)));
    const shown = await up.statusWith((status) => reasonsIn(status).length === 2);
    expect(reasonsIn(shown).toSorted()).toEqual(['ejected: unusable', 'ejectedInUse: ready']);
    const { output } = await up.weir('status');
    expect(output).toContain('2/3 usable');
    expect(output).toMatch(/ready .* ejected beyond maxEjectionPercent, so still used, at 1 for \d+ s/);
  });
});

describe('weir proxies', () => {
  test('sets the log level, drains, and names what no proxy knows', async () => {
    expect(await up.weir('proxies', 'log-level', 'warn')).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    expect(await up.weir('proxies', 'log-level', 'loud', 'weir-up')).toMatchObject({
      code: 1,
      output: expect.stringContaining('"loud" is no log level'),
    });
    expect(await up.weir('proxies', 'log-level', 'debug', '--component', 'health')).toMatchObject({ code: 0 });
    expect(await up.weir('proxies', 'log-level', 'debug', '--component', 'heart')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/"heart" is no component; there are: health, [a-z, ]+/),
    });
    expect(await up.weir('proxies', 'drain', 'nowhere')).toMatchObject({ code: 2, output: expect.stringContaining('the name nowhere') });
    expect(await up.weir('proxies', 'drain', 'weir-up')).toMatchObject({ code: 0 });
    const { problems } = await up.statusWith(({ proxies }) => proxies[0]?.draining === true);
    expect(problems).toContainEqual(expect.objectContaining({ object: 'proxy weir-up', message: 'drains' }));
  });
});

describe('weir endpoint', () => {
  test('takes an endpoint out of use until it is withdrawn', async () => {
    const [out] = backends as [Backend, Backend];
    const address = `127.0.0.1:${out.port}`;
    expect(await up.weir('endpoint', 'out', address)).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    expect(new Set(await ask(20))).toEqual(new Set(['two']));
    const shown = await up.statusWith(
      ({ backends: all }) => all[0]?.endpoints.some(({ reasons }) => reasons[0]?.reason === 'forcedOut') === true,
    );
    expect(shown.overrides).toMatchObject([{ kind: 'endpoint', endpoint: address, state: 'out' }]);
    // A busy machine can be one more problem.
    expect(shown.problems.filter(({ object }) => object !== 'proxy weir-up')).toEqual([
      { severity: 'warning', object: `endpoint ${address} of Backend/default/app`, message: expect.stringContaining('weir endpoint auto') },
    ]);
    expect(await up.weir('endpoint', 'auto', address)).toMatchObject({ code: 0 });
    expect(new Set(await ask(20))).toEqual(new Set(['one', 'two']));
    expect((await up.status()).overrides).toEqual([]);
  });

  test('names an endpoint that no backend has, and text that is no address', async () => {
    expect(await up.weir('endpoint', 'out', '127.0.0.1:1')).toMatchObject({
      code: 2,
      output: expect.stringContaining('no backend has the endpoint 127.0.0.1:1'),
    });
    expect(await up.weir('endpoint', 'out', 'localhost')).toMatchObject({
      code: 2,
      output: expect.stringContaining('endpoint: must be ADDRESS:PORT'),
    });
  });
});
