// `weir limits` about limits that count in a real Redis, at `weir up` with two workers.
import { afterEach, expect, test } from '@jest/globals';
import type { LimitList } from '../../controller/telemetry/limit-book.ts';
import { Backend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { RedisServer } from '../support/redis.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const LIMITS = {
  ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'RateLimitPolicy', metadata: { name: 'limits' } },
  spec: {
    targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
    limits: [
      { name: 'shared', key: [{ header: 'X-Tenant' }, { method: true }], requests: 2, per: '1h', store: 'Redis', onError: 'Closed' },
    ],
  },
};

describeWith(['redis'], 'weir limits with redis', () => {
  test('lists each key once with what was known last, and resets a key and the limit', async () => {
    const redis = await RedisServer.start();
    const backend = await new Backend('one').start();
    const url = `redis://127.0.0.1:${redis.port}`;
    const up = await OperatedWeir.start([...appAt([backend.port]), LIMITS], '--redis-url', url, '--redis-timeout', '5s');
    closers.push(
      () => redis.stop(),
      () => backend.stop(),
      () => up.stop(),
    );
    const ask = async (count: number, tenant: string): Promise<readonly number[]> =>
      (await up.ask(count, { 'x-tenant': tenant, connection: 'close' })).map(({ status }) => status);
    // Until each worker has its connection, requests are refused with 503.
    while ((await ask(4, 'first')).includes(503));
    expect((await ask(8, 'a')).filter((status) => status === 200).length).toBe(2);
    const listed = JSON.parse((await up.weir('limits', 'list', '--output', 'json')).output) as LimitList;
    expect(listed.keys.map(({ left, store, at }) => [left, store, at])).toEqual([
      [0, 'Redis', ''],
      [0, 'Redis', ''],
    ]);
    for (const { key } of listed.keys) {
      expect(key).toMatch(/^header\.x-tenant=sha256:[\w-]{16}, method=GET$/);
      expect(await up.weir('limits', 'reset', 'default/limits/shared', '--key', key)).toMatchObject({
        code: 0,
        output: expect.stringMatching(/^reset 1 key/),
      });
    }
    expect(await ask(3, 'a')).toEqual([200, 200, 429]);
    expect(await up.weir('limits', 'reset', 'default/limits/shared', '--all')).toMatchObject({ code: 0 });
    expect(await ask(3, 'a')).toEqual([200, 200, 429]);
    await redis.kill();
    expect(await up.weir('limits', 'reset', 'default/limits/shared', '--all')).toMatchObject({
      code: 1,
      output: expect.stringContaining('redis does not answer, repeat the reset later'),
    });
  });
});
