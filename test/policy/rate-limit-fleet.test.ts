// Limits of a fleet: ten proxies on real sockets borrow units of one controller over gRPC; one dies, one joins, the controller dies.
import { expect, test } from '@jest/globals';
import type { Backend } from '../support/backend.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { LimitController, limitedFleet, LimitedProxy, limitedStatuses, passed } from '../support/limited-fleet.ts';
import { until } from '../support/until.ts';

closeAfterEach();

test('ten proxies share a limit with at most 5 % error, while one dies and one joins', async () => {
  const limits = [{ name: 'all', requests: 2_000, per: 600_000, store: 'Lease' }];
  const controller = await LimitController.start();
  const [members, backend] = await limitedFleet(10, limits, controller);
  let allowed = passed(await limitedStatuses(members, 600));
  expect(allowed).toBe(600);
  await members.shift()?.stop();
  allowed += passed(await limitedStatuses(members, 600));
  members.push(await LimitedProxy.start('proxy-new', controller, backend, limits));
  allowed += passed(await limitedStatuses(members, 1_600));
  expect(allowed).toBeLessThanOrEqual(2_000);
  expect(allowed).toBeGreaterThanOrEqual(1_900);
  expect(members.reduce((sum, { lends }) => sum + lends, 0)).toBeGreaterThan(0);
});

test('a small limit is exact over the proxies, for each key', async () => {
  const controller = await LimitController.start();
  const limits = [{ name: 'few', key: [{ header: 'x-key' }], requests: 5, per: 600_000, store: 'Lease' }];
  const [members] = await limitedFleet(3, limits, controller);
  expect(passed(await limitedStatuses(members, 30, 30))).toBe(5);
  const [first] = members;
  expect((await first?.ask({ 'x-key': 'other' }))?.headers.ratelimit).toMatch(/^"few";r=4;t=/);
});

test('without the controller each proxy goes on with its share, and a new controller learns what was used', async () => {
  const limits = [{ name: 'all', requests: 100, per: 600_000, store: 'Lease' }];
  const controller = await LimitController.start();
  const [members] = await limitedFleet(2, limits, controller);
  expect(passed(await limitedStatuses(members, 20, 4))).toBe(20);
  await controller.stop();
  // Each used ten and may use fifty.
  expect(passed(await limitedStatuses(members, 40, 4))).toBe(40);
  const before = members.map(({ lends }) => lends);
  await LimitController.start(controller.port);
  await until(() => members.every(({ lends }, i) => lends > (before[i] ?? 0)), 'an answer for each proxy');
  // Its share is fifty, of which thirty are used: the new controller lends what the other has not used.
  const later = passed(await limitedStatuses(members.slice(0, 1), 80, 4));
  expect(later).toBeLessThanOrEqual(40);
  expect(later).toBeGreaterThanOrEqual(35);
});

test('workers in processes of their own share a limit of the fleet', async () => {
  const limits = [{ name: 'few', requests: 5, per: 600_000, store: 'Lease' }];
  const controller = await LimitController.start();
  const [members, backend] = await limitedFleet(1, limits, controller);
  members.push(await LimitedProxy.start('proxy-two', controller, backend, limits, 2));
  expect(passed(await limitedStatuses(members, 30, 30))).toBe(5);
});

test('without the controller requests are refused with 503 where the limit says so, once a lease has ended, also by workers', async () => {
  const limits = [{ name: 'all', requests: 1_000_000, per: 600_000, store: 'Lease', onError: 'Closed' }];
  const controller = await LimitController.start();
  const [[one], backend] = (await limitedFleet(1, limits, controller)) as unknown as [[LimitedProxy], Backend];
  const two = await LimitedProxy.start('workers', controller, backend, limits, 2);
  expect(new Set(await limitedStatuses([one, two], 8))).toEqual(new Set([200]));
  await controller.stop();
  expect(new Set(await limitedStatuses([one, two], 8))).toEqual(new Set([200]));
  for (const proxy of [one, two]) while (!(await limitedStatuses([proxy], 8)).every((status) => status === 503));
  await LimitController.start(controller.port);
  for (const proxy of [one, two]) while (!(await limitedStatuses([proxy], 8)).every((status) => status === 200));
});
