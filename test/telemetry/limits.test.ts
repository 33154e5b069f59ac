// `weir limits` at `weir up` with two workers as processes, and the keys of limits over a fleet of two proxies.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LimitList } from '../../controller/telemetry/limit-book.ts';
import { keyDigest } from '#lib/limit/key-form.ts';
import { Backend } from '../support/backend.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { LimitController, limitedFleet } from '../support/limited-fleet.ts';
import type { LimitedProxy } from '../support/limited-fleet.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { until } from '../support/until.ts';

const SECRET = 'a-very-secret-token';
const DIGEST = `sha256:${keyDigest(SECRET).slice(0, 16)}`;

function policy(limits: readonly object[]): object {
  return {
    ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'RateLimitPolicy', metadata: { name: 'limits' } },
    spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], limits },
  };
}

describe('weir limits, with two workers', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-limits-'));
  const log = path.join(folder, 'security.log');
  const limits = [
    { name: 'few', key: [{ clientIP: {} }, { header: 'X-Token' }], requests: 3, per: '1h' },
    { name: 'fleet', key: [{ header: 'X-Token' }], requests: 100, per: '1h', store: 'Lease' },
    { name: 'open', algorithm: 'Concurrency', requests: 9 },
  ];
  let backend: Backend;
  let up: OperatedWeir;

  beforeAll(async () => {
    backend = await new Backend('one').start();
    up = await OperatedWeir.start([...appAt([backend.port]), policy(limits)], '--security-log', log);
  });
  afterAll(async () => {
    await up.stop();
    await backend.stop();
    rmSync(folder, { recursive: true });
  });

  const statuses = async (count: number): Promise<readonly number[]> =>
    (await up.ask(count, { 'x-token': SECRET, connection: 'close' })).map(({ status }) => status);

  const keys = async (): Promise<LimitList['keys']> => {
    const { output } = await up.weir('limits', 'list', '--output', 'json');
    return (JSON.parse(output) as LimitList).keys;
  };

  test('shows the keys that are limited, without credentials, and resets one key with one event', async () => {
    expect(await statuses(5)).toEqual([200, 200, 200, 429, 429]);
    const listed = await keys();
    const key = `clientIP=127.0.0.1, header.x-token=${DIGEST}`;
    expect(listed).toMatchObject([
      { limit: 'default/limits/few', key, limited: true, left: 0, of: 3, store: 'Local', at: 'weir-up' },
      { limit: 'default/limits/fleet', key: `header.x-token=${DIGEST}`, limited: false, of: 100, store: 'Lease', at: 'shared' },
    ]);
    expect(listed[0]?.resetMs).toBeGreaterThan(0);
    const table = await up.weir('limits', 'list', 'default/limits/few', '--top', '1');
    expect(table).toMatchObject({
      code: 0,
      output: expect.stringMatching(/LIMIT {3}.*\ndefault\/limits\/few {3}.* limited {3}0 {6}3 {4}\d+ s {3}Local/),
    });
    expect(JSON.stringify(listed) + table.output).not.toContain(SECRET);

    expect(await up.weir('limits', 'reset', 'default/limits/few', '--key', key)).toEqual({
      code: 0,
      output: 'reset 1 key of default/limits/few\n',
    });
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    await until(() => readFileSync(log, 'utf8').includes('"limit_reset"'), 'the event');
    const events = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"limit_reset"'));
    expect(events.map((line) => JSON.parse(line) as object)).toMatchObject([
      { reason: 'an operator resets a key', policy: 'RateLimitPolicy/default/limits', rule: 'few', source: key },
    ]);
    expect(readFileSync(log, 'utf8')).not.toContain(SECRET);
  });

  test('resets a whole limit', async () => {
    await statuses(4);
    expect(await up.weir('limits', 'reset', 'default/limits/few', '--all')).toMatchObject({ code: 0 });
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    expect(await up.weir('limits', 'reset', 'default/limits/fleet', '--all')).toEqual({
      code: 0,
      output: 'reset 1 key of default/limits/fleet\n',
    });
    expect((await keys()).filter(({ store }) => store === 'Lease')).toEqual([]);
  });

  test.each([
    [['list', 'default/limits/fe'], 2, 'no RateLimitPolicy in force has the limit "default/limits/fe"; did you mean default/limits/few?'],
    [['list', '--top', '1001'], 2, 'top: must be from 1 to 1000'],
    [['reset', 'default/limits/few', '--key', 'clientIP=::1'], 2, 'no proxy counts the key "clientIP=::1"'],
    [['reset', 'default/limits/few'], 2, 'weir limits reset takes one limit, and --key KEY or --all'],
    [['reset', 'default/limits/open', '--all'], 2, 'counts requests under way: it has nothing to reset'],
    [['show'], 2, 'weir limits takes one of list, reset'],
  ])('refuses %j', async (args, code, reason) => {
    expect(await up.weir('limits', ...args)).toMatchObject({ code, output: expect.stringContaining(reason) });
  });
});

describe('the keys of limits of two proxies', () => {
  closeAfterEach();
  const limits = [
    { name: 'own', key: [{ header: 'x-key' }], requests: 2, per: 600_000 },
    { name: 'all', key: [{ path: true }], requests: 4, per: 600_000, store: 'Lease' },
  ];

  const statuses = async (proxies: readonly LimitedProxy[], key: string): Promise<readonly (number | undefined)[]> => {
    const all: (number | undefined)[] = [];
    for (const proxy of proxies) all.push((await proxy.ask({ 'x-key': key })).statusCode);
    return all;
  };

  test('are those of each proxy, and those that the controller counts for both', async () => {
    const controller = await LimitController.start();
    const [[one, two]] = (await limitedFleet(2, limits, controller)) as unknown as [[LimitedProxy, LimitedProxy]];
    expect(await statuses([one, one, one, two], 'a')).toEqual([200, 200, 429, 200]);
    const book = controller.book(limits);
    const listed = await book.list('', 10);
    expect(listed).toMatchObject({ ok: true, value: { more: 0, missing: [], lease: 'known' } });
    const keys = listed.ok ? listed.value.keys : [];
    expect(keys.map(({ limit, at, left, limited }) => [limit, at, left, limited])).toEqual([
      ['default/limits/own', 'proxy-0', 0, true],
      ['default/limits/all', 'shared', 1, false],
      ['default/limits/own', 'proxy-1', 1, false],
    ]);
    expect(await book.list('default/limits', 1)).toMatchObject({ value: { keys: [{ at: 'proxy-0' }], more: 2 } });

    expect(await book.reset('default/limits/own', keys[0]?.key ?? '')).toMatchObject({ ok: true, value: { keys: 2 } });
    expect(await statuses([one, two], 'a')).toEqual([200, 429]);
    expect(await book.reset('default/limits/all', 'path=/')).toMatchObject({ ok: true, value: { keys: 1 } });
    expect(await statuses([one, two, two], 'b')).toEqual([200, 200, 200]);
  });
});
