// The API server or all controllers are down, under traffic of every kind: the configuration stays served, and missed changes are applied
// later. The API server stays down until the controllers have given up, so that all timeouts are covered.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/describe-with.ts';
import { unharmed } from '../support/traffic-backends.ts';
import { START_DEADLINE_MS, WeirPods } from './weir-pods.ts';

/** Metrics of a controller without an API server. */
const NO_LEADER = 'weir_leader 0\n';
const NO_WATCH = 'weir_watch_trouble{kind="Gateway",reason="failing"} 1\n';

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'traffic continues', () => {
  let weir: WeirPods;

  beforeAll(async () => {
    weir = await WeirPods.start();
  }, 2 * START_DEADLINE_MS);

  afterAll(() => weir?.stop());

  /** A change is served and its status written: a controller watches again, and one leads. */
  async function recovered(route: string): Promise<void> {
    await weir.serves(route);
    await weir.cluster.until('a leader', () => weir.tells(route));
  }

  test('while the API server does not answer', async () => {
    const metric = await weir.metricOfControllers();
    const result = await weir.traffic(async (enter) => {
      enter('the API server hangs');
      await weir.cluster.pauseApiServer();
      await metric(NO_LEADER);
      enter('the API server is back');
      weir.cluster.resumeApiServer();
      await recovered('after-hanging');
    });
    unharmed(result);
  }, 240_000);

  test('while the API server is down, and after its restart', async () => {
    const metric = await weir.metricOfControllers();
    const result = await weir.traffic(async (enter) => {
      enter('the API server is gone');
      await weir.cluster.stopApiServer();
      await metric(NO_LEADER);
      await metric(NO_WATCH);
      enter('the API server is back');
      await weir.cluster.startApiServer();
      await recovered('after-restart');
    });
    unharmed(result);
  }, 240_000);

  test('without a controller: a restarted proxy serves its last good configuration, one without it is not ready', async () => {
    const proxies = await weir.proxyDeployment();
    const result = await weir.traffic(async (enter) => {
      enter('without controllers');
      await weir.cluster.kubectl(['scale', 'deployment/controller', '--replicas=0']);
      await weir.cluster.until('no controller', async () => (await weir.podsOf('controller')).length === 0);
      const [restarted = '', replaced = ''] = await weir.podsOf(proxies);
      enter('a proxy starts anew');
      const restarts = await weir.restartsOf(restarted);
      weir.signal(restarted, 'SIGTERM');
      await weir.cluster.until(`${restarted} starts anew`, async () => (await weir.restartsOf(restarted)) > restarts);
      await weir.cluster.until(`${restarted} serves again`, () => weir.isReady(restarted));
      enter('a proxy is replaced by one without configuration');
      await weir.cluster.kubectl(['delete', 'pod', replaced, '--wait=true']);
      const fresh = await weir.podBesides(proxies, [restarted, replaced]);
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
