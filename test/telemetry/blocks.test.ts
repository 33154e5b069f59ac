// `weir block`: at `weir up` with two workers, as processes; and at a controller with two proxies over real streams.
import { on } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Fleet, NO_PEERS } from '../../controller/telemetry/fleet.ts';
import { commandsOf } from '../../proxy/commands.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { BlockBook } from '../../proxy/reporting/block-book.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { Backend } from '../support/backend.ts';
import { protectedRoute, secret } from '../support/folder-site.ts';
import { freePorts } from '../support/free-port.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { GivenReports, LOG, reportTo, serveHub } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

/** `secret` as SHA, as `htpasswd -s` writes it. */
const USERS = ['bob', 'eve'].map((name) => `${name}:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=`).join('\n');

function basic(user: string, password = 'secret'): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

describe('weir block at weir up', () => {
  let up: OperatedWeir;
  let backend: Backend;

  beforeAll(async () => {
    backend = await new Backend('app').start();
    up = await OperatedWeir.start([
      ...appAt([backend.port]),
      secret('staff', { htpasswd: USERS }),
      ...protectedRoute('login', {
        authentication: { basic: { users: { secretRef: { name: 'staff' }, key: 'htpasswd' } } },
        threats: { authenticationFailures: 3, block: '1h' },
      }),
    ]);
  });
  afterAll(async () => {
    await up.stop();
    await backend.stop();
  });

  /** What ten requests get, 0 for a connection that is reset: the kernel spreads their connections over the workers. */
  async function answers(path = '/', headers: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const asked = Array.from({ length: 10 }, () => up.ask(1, { ...headers, connection: 'close' }, path).catch(() => null));
    const all = (await Promise.all(asked)).map((answer) => answer?.[0] ?? { status: 0, body: '' });
    return [...new Set(all.map(({ status, body }) => (body.includes('request_blocked') ? `${status} request_blocked` : `${status}`)))];
  }

  function events(pattern: RegExp): readonly object[] {
    const lines = up.output.split('\n').filter((line) => line.startsWith('{"log":"security"') && pattern.test(line));
    return lines.map((line) => JSON.parse(line) as object);
  }

  /** The statuses of two requests on one connection; `between` runs before the second. */
  async function twice(between: () => Promise<unknown>): Promise<readonly (string | undefined)[]> {
    const socket = net.connect(up.port, '127.0.0.1');
    const heads = on(socket, 'data')[Symbol.asyncIterator]() as AsyncIterator<[Buffer]>;
    const ask = async (): Promise<string | undefined> => {
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      const { value } = (await heads.next()) as IteratorYieldResult<[Buffer]>;
      return String(value[0]).split(' ')[1];
    };
    const first = await ask();
    await between();
    const second = await ask();
    socket.destroy();
    return [first, second];
  }

  test('refuses a range at all workers and routes until it is removed, with an event for each', async () => {
    const statuses = await twice(async () => {
      const added = await up.weir('block', 'add', '127.0.0.9/8', '--reason', 'too many scans');
      expect(added).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    });
    expect(statuses).toEqual(['200', '403']);
    expect(await answers()).toEqual(['0']);
    expect(await answers('/login', basic('bob'))).toEqual(['0']);
    expect((await up.weir('block', 'list')).output).toMatch(/127\.0\.0\.0\/8 +operator +too many scans +- +- +- +- +all/);
    expect((await up.status()).overrides).toEqual([]);
    expect(await up.weir('block', 'remove', '127.0.0.0/8')).toMatchObject({ code: 0 });
    expect(await answers()).toEqual(['200']);
    await up.printed(/source_released/);
    expect(events(/"source":"127\.0\.0\.0/)).toMatchObject([
      { event: 'source_blocked', reason: 'operator', note: 'too many scans' },
      { event: 'source_released', reason: 'removed' },
    ]);
    expect((await up.weir('block', 'list')).output).toContain('nothing is blocked');
  });

  test('ends a block by itself', async () => {
    expect(await up.weir('block', 'add', '127.0.0.1', '--ttl', '1s')).toMatchObject({ code: 0 });
    await up.printed(/source_released","reason":"expired","source":"127\.0\.0\.1"/);
    expect(await answers()).toEqual(['200']);
    expect(events(/"source":"127\.0\.0\.1"/)).toMatchObject([
      { event: 'source_blocked', until: expect.stringMatching(/Z$/) },
      { event: 'source_released', reason: 'expired' },
    ]);
  });

  test('refuses a caller with the right password, and no other', async () => {
    expect(await up.weir('block', 'add', 'principal:eve')).toMatchObject({ code: 0 });
    expect(await answers('/login', basic('eve'))).toEqual(['403 request_blocked']);
    expect(await answers('/login', basic('bob'))).toEqual(['200']);
    expect(await up.weir('block', 'remove', 'principal:eve')).toMatchObject({ code: 0 });
    expect(await answers('/login', basic('eve'))).toEqual(['200']);
  });

  test('lists the blocks of threat detection with their cause and score, and ends them', async () => {
    while (!(await answers('/login', basic('bob', 'wrong'))).includes('403 request_blocked'));
    expect((await up.weir('block', 'list')).output).toMatch(
      /127\.0\.0\.1 +threats +authenticationFailures +1\d\d +\S+Z +SecurityPolicy\/default\/login +weir-up +weir-up/,
    );
    expect(await up.weir('block', 'remove', '127.0.0.1')).toMatchObject({ code: 0 });
    expect(await answers('/login', basic('bob'))).toEqual(['200']);
    await up.printed(/source_released","reason":"removed","policy":"SecurityPolicy\/default\/login"/);
  });

  test('refuses what is no source', async () => {
    for (const source of ['0.0.0.0/0', 'alice', '10.0.0.300'])
      expect(await up.weir('block', 'add', source)).toMatchObject({ code: 2, output: expect.stringContaining('source: ') });
  });
});

describe('a controller with two proxies', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function proxy(name: string, controller: number, backend: number): Promise<number> {
    const [port] = (await freePorts(1)) as [number];
    const supervisor = new Supervisor({
      ...{ workers: 1, log: LOG, limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1, processMetrics: false },
    });
    closers.push(() => supervisor.stop(1));
    await supervisor.apply([...cluster('app', [backend]), listener({ port }), route()], []);
    const blocks = new BlockBook(supervisor.broadcast);
    const commands = commandsOf({ supervisor, retire: () => undefined }, blocks, LOG);
    const reporting = reportTo(controller, new GivenReports(), { nodeId: name, commands, blocks });
    closers.push(() => reporting.stop());
    return port;
  }

  /** 0: the connection is reset. */
  async function status(port: number): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).catch(() => null);
    return answer?.status ?? 0;
  }

  test('blocks at both, and at one that joins later', async () => {
    const { hub, server, port } = await serveHub();
    closers.push(() => server.stop());
    const backend = await new Backend('app').start();
    closers.push(() => backend.stop());
    const fleet = new Fleet({ hub, peers: NO_PEERS, resources: () => [], version: '1' });
    const ports = [await proxy('one', port, backend.port), await proxy('two', port, backend.port)];
    await until(() => hub.counts.connected === 2, 'both proxies');
    expect(await Promise.all(ports.map(status))).toEqual([200, 200]);
    const block = { kind: 'block', backend: '', endpoint: '127.0.0.1', reason: '', until: 0 };
    const set = await fleet.override({ ...block, state: 'on', at: Date.now() });
    expect(set.ok && set.value.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(await Promise.all(ports.map(status))).toEqual([0, 0]);
    const later = await proxy('later', port, backend.port);
    while ((await status(later)) !== 0);
    await fleet.override({ ...block, state: 'auto', at: Date.now() + 1 });
    expect(await Promise.all([...ports, later].map(status))).toEqual([200, 200, 200]);
  });
});
