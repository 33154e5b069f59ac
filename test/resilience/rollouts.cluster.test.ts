// Rolling updates and a killed leader, under traffic of every kind: no exchange fails. A draining proxy closes its WebSockets with 1001,
// and their clients open new ones.
import { afterAll, beforeAll, test } from '@jest/globals';
import { describeWith } from '../support/describe-with.ts';
import { unharmed } from '../support/traffic-backends.ts';
import { START_DEADLINE_MS, WeirPods } from './weir-pods.ts';

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'under constant traffic', () => {
  let weir: WeirPods;

  beforeAll(async () => {
    weir = await WeirPods.start();
  }, 2 * START_DEADLINE_MS);

  afterAll(() => weir?.stop());

  test('controllers are rolled', async () => {
    const result = await weir.traffic(async (enter) => {
      enter('rolling the controllers');
      await weir.rollOut('controller');
      enter('serving a change');
      await weir.serves('after-controllers');
    });
    unharmed(result);
  }, 180_000);

  test('proxies are rolled', async () => {
    const proxies = await weir.proxyDeployment();
    const result = await weir.traffic(async (enter) => {
      enter('rolling the proxies');
      await weir.rollOut(proxies);
      enter('serving a change');
      await weir.serves('after-proxies');
    });
    unharmed(result);
  }, 180_000);

  test('the leader is killed and another takes over', async () => {
    await weir.cluster.until('a leader', async () => (await weir.leader()) !== '');
    const killed = await weir.leader();
    const result = await weir.traffic(async (enter) => {
      enter(`without ${killed}`);
      weir.signal(killed, 'SIGKILL');
      await weir.serves('without-leader');
      enter('waiting for the successor');
      // The killed controller restarts in its Pod, and may lead again under another name.
      await weir.cluster.until('a status by the successor', () => weir.tells('without-leader'));
    });
    unharmed(result);
  }, 180_000);
});
