// The API server or every controller is away, under traffic of every kind: what is served goes on, and what was missed is made up for.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith } from '../support/describe-with.ts';
import { unharmed } from '../support/traffic-backends.ts';
import { START_DEADLINE_MS, WeirPods } from './weir-pods.ts';

/** Longer than anybody waits for the API server: leaders of their Lease 15 s, clients for an answer 30 s. */
const OUTAGE_MS = 35_000;

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'traffic goes on', () => {
  let weir: WeirPods;

  beforeAll(async () => {
    weir = await WeirPods.start();
  }, 2 * START_DEADLINE_MS);

  afterAll(() => weir?.stop());

  /** A change is served, and its status written: a controller watches again, and one leads. */
  async function recovered(route: string): Promise<void> {
    await weir.serves(route);
    await weir.cluster.until('a leader', () => weir.tells(route));
  }

  test('while the API server answers nothing', async () => {
    const result = await weir.traffic(async (enter) => {
      enter('the API server hangs');
      await weir.cluster.pauseApiServer();
      await delay(OUTAGE_MS);
      enter('the API server is back');
      weir.cluster.resumeApiServer();
      await recovered('after-hanging');
    });
    unharmed(result);
  }, 240_000);

  test('while the API server is gone, and after its restart', async () => {
    const result = await weir.traffic(async (enter) => {
      enter('the API server is gone');
      await weir.cluster.stopApiServer();
      await delay(OUTAGE_MS);
      enter('the API server is back');
      await weir.cluster.startApiServer();
      await recovered('after-restart');
    });
    unharmed(result);
  }, 240_000);

  test('while no controller is there: a proxy that starts anew serves what it served last, one without that is not ready', async () => {
    const proxies = await weir.proxyDeployment();
    const result = await weir.traffic(async (enter) => {
      enter('without controllers');
      await weir.cluster.kubectl(['scale', 'deployment/controller', '--replicas=0']);
      await weir.cluster.until('no controller', async () => (await weir.podsOf('controller')).length === 0);
      const [restarted = '', replaced = ''] = await weir.podsOf(proxies);
      enter('a proxy starts anew');
      weir.signal(restarted, 'SIGTERM');
      await weir.cluster.until(`${restarted} ends`, async () => !(await weir.isReady(restarted)));
      await weir.cluster.until(`${restarted} serves again`, () => weir.isReady(restarted));
      enter('a proxy is replaced by one without configuration');
      await weir.cluster.kubectl(['delete', 'pod', replaced, '--wait=true']);
      const fresh = (await weir.podsOf(proxies)).find((name) => name !== restarted) ?? '';
      await weir.cluster.until(`${fresh} waits`, async () => (await weir.readiness(fresh)).includes('no complete configuration yet'));
      expect(await weir.isReady(fresh)).toBe(false);
      enter('controllers come back');
      await weir.cluster.kubectl(['scale', 'deployment/controller', '--replicas=2']);
      await weir.cluster.until(`${fresh} serves`, () => weir.isReady(fresh));
      await recovered('with-controllers');
    });
    unharmed(result);
  }, 240_000);
});
