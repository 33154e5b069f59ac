// Limits of which each proxy of a fleet lets its share pass, while proxies join and leave.
import { expect, test } from '@jest/globals';
import { closeAfterEach } from '../support/fixture.ts';
import { LimitController, limitedFleet, LimitedProxy, limitedStatuses, passed } from '../support/limited-fleet.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const LIMIT = { name: 'all', requests: 60, per: 600_000, share: 'Fleet' };

async function counted(members: readonly LimitedProxy[], proxies: number): Promise<void> {
  await until(() => members.every((member) => member.proxies === proxies), `a fleet of ${proxies}`);
}

test('each proxy lets its share pass, all together the limit, and says what is left of the share', async () => {
  const controller = await LimitController.start();
  const [members] = await limitedFleet(3, [LIMIT], controller);
  await counted(members, 3);
  const [first] = members;
  const { headers } = (await first?.ask()) ?? {};
  expect([headers?.['ratelimit-policy'], headers?.ratelimit]).toEqual(['"all";q=20;w=600', expect.stringMatching(/^"all";r=19;t=/)]);
  expect(passed(await limitedStatuses(members, 90))).toBe(59);
});

test('the share changes with the number of proxies, and nothing that was counted is lost', async () => {
  const controller = await LimitController.start();
  const [members, backend] = await limitedFleet(2, [LIMIT], controller);
  await counted(members, 2);
  const [one, two] = members as [LimitedProxy, LimitedProxy];
  // Its share is 30.
  expect(passed(await limitedStatuses([one], 15))).toBe(15);
  const three = await LimitedProxy.start('three', controller, backend, [LIMIT]);
  await counted([one, two, three], 3);
  // Half of the limit is left: a third of it for each.
  expect(passed(await limitedStatuses([one], 30))).toBe(10);
  expect(passed(await limitedStatuses([three], 30))).toBe(20);
  await three.stop();
  await counted([one, two], 2);
  expect(passed(await limitedStatuses([one], 30))).toBe(0);
  expect(passed(await limitedStatuses([two], 60))).toBe(30);
});

test('a share is at least one request, and workers of a proxy share it', async () => {
  const few = { ...LIMIT, requests: 2 };
  const controller = await LimitController.start();
  const [members, backend] = await limitedFleet(2, [few], controller);
  const workers = await LimitedProxy.start('workers', controller, backend, [few], 2);
  await counted([...members, workers], 3);
  expect(passed(await limitedStatuses([workers], 20, 20))).toBe(1);
  expect(await controller.book([few]).list('', 10)).toMatchObject({ value: { keys: [{ left: 0, of: 1, limited: true, at: 'workers' }] } });
});
