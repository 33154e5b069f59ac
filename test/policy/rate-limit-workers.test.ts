// Limits that several workers of one proxy count together: processes of their own, and any worker gets any connection.
import { afterEach, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { Backend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function policy(limits: readonly object[]): ir.Policy {
  const targets = [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }];
  const name = {
    kind: 'Policy',
    key: 'RateLimitPolicy/default/limits',
    policyKind: 'RateLimitPolicy',
    namespace: 'default',
    name: 'limits',
  } as const;
  return { ...name, createdAt: 0, targets, settings: { limits } };
}

/** A proxy with so many workers that serves these limits; the function sends one request on a connection of its own. */
async function limited(workers: number, limits: readonly object[]): Promise<() => Promise<number>> {
  const backend = await new Backend('one').start();
  closers.push(() => backend.stop());
  const [port = 0] = await freePorts(1);
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1_000, processMetrics: false };
  const supervisor = new Supervisor({ workers, log: createLog('silent'), ...settings });
  closers.push(() => supervisor.stop(1));
  await until(() => supervisor.serving === workers, 'all workers');
  const resources = [listener({ port }), ...cluster('app', [backend.port]), route(), policy(limits)];
  expect(await supervisor.apply(resources, [])).toEqual([]);
  return async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status;
  };
}

test('five of forty requests pass a limit of five, at whichever worker they arrive', async () => {
  const ask = await limited(3, [{ name: 'few', requests: 5, per: 600_000 }]);
  const statuses = [...(await Promise.all(Array.from({ length: 30 }, ask))), await ask(), await ask()];
  expect(statuses.filter((status) => status === 200).length).toBe(5);
  expect(statuses.filter((status) => status === 429).length).toBe(27);
});

test('a large limit loses at most 2 % to stocks of workers', async () => {
  const ask = await limited(3, [{ name: 'many', requests: 1_200, per: 600_000 }]);
  let allowed = 0;
  for (let i = 0; i < 70; i++) allowed += (await Promise.all(Array.from({ length: 20 }, ask))).filter((status) => status === 200).length;
  expect(allowed).toBeLessThanOrEqual(1_200);
  expect(allowed).toBeGreaterThanOrEqual(1_176);
});

test('a limit that only counts answers refuses after they are counted, at whichever worker', async () => {
  const ask = await limited(2, [{ name: 'answers', cost: 0, answer: { statuses: [200] }, requests: 2, per: 600_000 }]);
  expect(await ask()).toBe(200);
  const later: number[] = [];
  while (later.at(-1) !== 429) later.push(await ask());
  expect(later.length).toBeGreaterThanOrEqual(1);
});
