// The telemetry stream over real sockets: counts arrive once, whatever ends; and neither end suffers from the other.
import { afterEach, describe, expect, test } from '@jest/globals';
import { credentials, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { connectTelemetry } from '#api/wire/telemetry.ts';
import type { FromProxy, ToProxy } from '#api/wire/telemetry-messages.ts';
import { createLog } from '#lib/log.ts';
import { TestCa } from '../support/certificates.ts';
import { Relay } from '../support/push.ts';
import { FAST, GivenReports, reportTo, serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(...options: Parameters<typeof serveHub>): Promise<HubServer> {
  const served = await serveHub(...options);
  closers.push(() => served.server.stop());
  return served;
}

function report(...options: Parameters<typeof reportTo>): ReturnType<typeof reportTo> {
  const reporting = reportTo(...options);
  closers.push(() => reporting.stop());
  return reporting;
}

function requestsAt({ hub }: HubServer): number {
  const endpoints = hub.aggregate().backends.flatMap((backend) => backend.endpoints);
  return endpoints.reduce((sum, { requests }) => sum + requests, 0);
}

describe('reports', () => {
  test('arrive with their counts and the proxy', async () => {
    const served = await serve();
    const source = new GivenReports();
    source.count('Service/a/b/80', '10.0.0.1:80', 5, { upstream_reset: 2 });
    report(served.port, source);
    await until(() => requestsAt(served) === 5, 'the counts');
    const { proxies, backends } = served.hub.aggregate();
    expect(proxies).toEqual([expect.objectContaining({ node: 'proxy-1', scope: 'shared', state: 'reporting', revision: 'r' })]);
    expect(backends[0]?.endpoints).toEqual([
      expect.objectContaining({ endpoint: '10.0.0.1:80', requests: 5, failures: { upstream_reset: 2 }, requestsPerSecond: 5 }),
    ]);
  });

  test('are counted once, although streams end at any moment', async () => {
    const served = await serve();
    const relay = new Relay(served.port);
    closers.push(() => relay.close());
    const source = new GivenReports();
    const reporting = report(await relay.listen(), source);
    let sum = 0;
    for (let round = 1; round <= 10; round++) {
      sum += round;
      source.count('b', 'e', round);
      const { readings } = source;
      await until(() => source.readings > readings && reporting.state().streams >= round, 'a report');
      relay.cut();
    }
    await until(() => requestsAt(served) === sum && reporting.state().waiting === 0, 'all counts');
    expect(served.hub.aggregate().proxies).toHaveLength(1);
  });

  test('begin afresh with a controller that has started anew, and lose nothing that the former had not counted', async () => {
    const first = await serve();
    const source = new GivenReports();
    source.count('b', 'e', 3);
    report(first.port, source);
    await until(() => requestsAt(first) === 3, 'the counts');
    await first.server.stop();
    source.count('b', 'e', 4);
    const second = await serveHub({}, {}, first.port);
    closers.push(() => second.server.stop());
    await until(() => requestsAt(second) === 4, 'the counts since');
  });

  test('of a proxy that has gone away are not added up, and the proxy is shown as away', async () => {
    const served = await serve();
    const source = new GivenReports();
    source.count('b', 'e', 3);
    const reporting = report(served.port, source);
    await until(() => requestsAt(served) === 3, 'the counts');
    await reporting.stop();
    await until(() => requestsAt(served) === 0, 'a proxy away');
    expect(served.hub.aggregate().proxies).toMatchObject([{ state: 'away' }]);
    report(served.port, new GivenReports());
    await until(() => served.hub.aggregate().proxies[0]?.state === 'reporting', 'the proxy that has started anew');
    expect(served.hub.aggregate().proxies).toHaveLength(1);
  });

  test('belong to the scope of the certificate', async () => {
    const ca = await TestCa.create();
    closers.push(() => ca.remove());
    const served = await serve({ tls: await ca.issue('controller', 'DNS:localhost,IP:127.0.0.1') });
    report(served.port, new GivenReports(), { tls: await ca.issue('own', 'URI:spiffe://weir/ns/a/gateway/gw'), nodeId: 'own' });
    await until(() => served.hub.aggregate().proxies.length === 1, 'the dedicated proxy');
    expect(served.hub.aggregate().proxies).toMatchObject([{ node: 'own', scope: 'a/gw' }]);
    const lines: string[] = [];
    const log = createLog('debug', { write: (line: string) => void lines.push(line) });
    report(served.port, new GivenReports(), { tls: await ca.issue('odd', 'URI:spiffe://weir/ns/a/gateway'), nodeId: 'odd', log });
    await until(() => lines.some((line) => line.includes('PERMISSION_DENIED')), 'the refusal');
    expect(served.hub.aggregate().proxies).toHaveLength(1);
  });
});

test('a controller that stops ends the streams, and proxies connect again', async () => {
  const served = await serve();
  const reporting = report(served.port, new GivenReports());
  await until(() => reporting.state().connected, 'a stream');
  const { streams } = reporting.state();
  served.hub.stop();
  await until(() => reporting.state().streams > streams, 'another stream');
});

describe('a controller of an earlier release', () => {
  test('has no telemetry: the proxy says so once, and tries rarely', async () => {
    const served = await serve({ services: [] });
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => void lines.push(line) });
    const reporting = report(served.port, new GivenReports(), { log, times: { ...FAST, unsupported: 1 } });
    const relay = new Relay(served.port);
    closers.push(() => relay.close());
    const others: string[] = [];
    const patient = createLog('info', { write: (line: string) => void others.push(line) });
    const other = report(await relay.listen(), new GivenReports(), { nodeId: 'proxy-2', log: patient });
    await until(() => lines.length > 0 && others.length > 0, 'the refusals');
    const message = 'the controller is of a release without telemetry: it shows nothing of this proxy; upgrade the controller';
    expect([...lines, ...others].map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([message, message]);
    expect([reporting.state().connected, other.state().connected]).toEqual([false, false]);
    await served.server.stop();
    const upgraded = await serveHub({}, {}, served.port);
    closers.push(() => upgraded.server.stop());
    await until(() => upgraded.hub.aggregate().proxies.length === 1, 'the proxy that tries again');
    expect(relay.accepted).toBe(1);
  });
});

describe('a controller that takes nothing', () => {
  test('costs the proxy no memory, and is left after a while', async () => {
    const served = await serve();
    const relay = new Relay(served.port);
    closers.push(() => relay.close());
    const source = new GivenReports();
    source.count('b', 'e', 1);
    const reporting = report(await relay.listen(), source, { times: { ...FAST, patience: 300 } });
    await until(() => requestsAt(served) === 1, 'the first report');
    relay.freeze();
    const { readings } = source;
    const { accepted } = relay;
    // Each attempt ends after the patience of the proxy: meanwhile it reads its workers at most once.
    await until(() => relay.accepted >= accepted + 3, 'further attempts');
    expect(source.readings - readings).toBeLessThanOrEqual(1);
    expect(reporting.state().waiting).toBeLessThanOrEqual(1);
    source.count('b', 'e', 2);
    relay.thaw();
    relay.cut();
    await until(() => requestsAt(served) === 3, 'the counts of the meantime');
  });
});

describe('a proxy', () => {
  interface Raw {
    send(message: FromProxy): void;
    readonly received: ToProxy[];
    readonly ended: Promise<StatusObject>;
  }

  function open(port: number): Raw {
    const client = connectTelemetry(`127.0.0.1:${port}`, credentials.createInsecure(), {});
    closers.push(() => client.close());
    const stream = client.report();
    const received: ToProxy[] = [];
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    stream.on('data', (message: ToProxy) => received.push(message));
    stream.on('error', () => undefined);
    stream.on('status', resolve);
    return { send: (message) => void stream.write(message), received, ended: promise };
  }

  const hello: FromProxy = {
    message: 'hello',
    hello: { nodeId: 'raw', weirVersion: '1', instance: 'i', workers: 1, commands: ['drain'] },
  };
  const nothing = { backends: [], endpoints: [], routes: [], addresses: [], gone: [] };

  function reportOf(sequence: number, fields: object = {}): FromProxy {
    return { message: 'report', report: { sequence, fresh: false, revision: '', gauges: null, waiting: 0, ...nothing, ...fields } };
  }

  test('that reports without a pause is cut off', async () => {
    const served = await serve();
    const raw = open(served.port);
    raw.send(hello);
    for (let sequence = 1; sequence <= 100; sequence++) raw.send(reportOf(sequence));
    expect(await raw.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'too many reports' });
  });

  test('that sends what is out of bounds learns the field', async () => {
    const served = await serve();
    const raw = open(served.port);
    raw.send(hello);
    raw.send(reportOf(1, { routes: [{ route: '', requests: 1, classes: [], errors: [], duration: null }] }));
    expect(await raw.ended).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'report.routes[0].route: must not be empty' });
  });

  test('that reports without a hello is refused', async () => {
    const served = await serve();
    const raw = open(served.port);
    raw.send(reportOf(1));
    expect(await raw.ended).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'a hello must come first' });
  });

  test('that repeats a report is counted once', async () => {
    const served = await serve();
    const raw = open(served.port);
    raw.send(hello);
    const routes = [{ route: 'r', requests: 2, classes: [0, 2], errors: [], duration: null }];
    raw.send(reportOf(1, { routes }));
    raw.send(reportOf(1, { routes }));
    await until(() => raw.received.length === 3, 'a welcome and two confirmations');
    expect(served.hub.aggregate().routes).toMatchObject([{ route: 'r', requests: 2 }]);
  });

  test('that does not know a command is not sent the command', async () => {
    const served = await serve();
    const raw = open(served.port);
    raw.send(hello);
    await until(() => raw.received.length === 1, 'a welcome');
    const order = { deadlineMs: 1_000, proxies: null, chunk: () => undefined, signal: new AbortController().signal };
    const ends = await served.hub.command({ action: { action: 'heapSnapshot', heapSnapshot: { worker: '' } }, ...order });
    expect(ends).toEqual([
      expect.objectContaining({ proxy: 'raw', outcome: 'refused', reason: expect.stringContaining('does not know the command') }),
    ]);
    const drain = served.hub.command({ action: { action: 'drain', drain: {} }, ...order });
    await until(() => raw.received.length === 2, 'a command');
    const [, command] = raw.received;
    if (command?.message !== 'command') throw new Error('no command');
    raw.send({ message: 'answer', answer: { id: command.command.id, outcome: 'done', reason: '' } });
    expect(await drain).toEqual([{ proxy: 'raw', scope: 'shared', outcome: 'done', reason: '' }]);
  });
});
