// Weir in a cluster: a controller and two proxies as separate processes, over mTLS, with a real API server. Both proxies must follow the
// objects that kubectl applies.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { request } from 'undici';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import type { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute } from '../support/objects.ts';
import { Site } from '../support/site.ts';
import { traffic } from '../support/traffic.ts';

/** The address that each proxy binds. */
const PROXY_HOSTS = ['127.0.0.2', '127.0.0.3'] as const;
/** The Lease of a killed controller ends after 15 seconds. */
const TAKEOVER_MS = 60_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

interface GatewayStatus {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
}

describeWith(['cluster', 'root', 'ip'], 'a controller and two proxies', () => {
  let site: Site;
  let cluster: Cluster;
  let weir: Installation;
  let port: number;
  let blockedPort: number;

  const apply = (...objects: readonly object[]) => site.apply(...objects);

  /** The backend that answers through a proxy, or the status if none does. */
  async function answer(host: string, target: string): Promise<string> {
    const { statusCode, body } = await request(`http://${host}:${port}${target}`);
    const text = await body.text();
    return statusCode === 200 ? (JSON.parse(text) as { backend: string }).backend : String(statusCode);
  }

  async function bothAnswer(target: string, expected: string): Promise<void> {
    for (const host of PROXY_HOSTS) {
      let last = '';
      const holds = async () => (last = await answer(host, target)) === expected;
      await cluster.until(`${expected} at ${host}${target}`, holds).catch((error: unknown) => {
        throw new Error(`${String(error)}\nlast: ${last}\n${weir.tails()}`);
      });
    }
  }

  async function gatewayWhen(holds: (status: GatewayStatus) => boolean, deadline?: number): Promise<void> {
    const ask = async () => holds(((await cluster.object('gateway', 'gw'))['status'] ?? {}) as GatewayStatus);
    await cluster.until('the status of the Gateway', ask, deadline);
  }

  const programmed = ({ conditions = [] }: GatewayStatus) =>
    conditions.some(({ type, status }) => type === 'Programmed' && status === 'True');

  beforeAll(async () => {
    site = await Site.start({ hosts: PROXY_HOSTS, backends: ['one', 'two'] });
    ({ cluster, weir, port } = site);
    [blockedPort = 0] = await freePorts(1);
    await apply(gatewayClass(), ...site.services(), gateway('gw', [{ name: 'http', port }]));
  });

  afterAll(() => site?.stop());

  test('serve an applied route, then its changed form, and not after its deletion', async () => {
    await apply(httpRoute('life', 'one'));
    await gatewayWhen(programmed);
    await bothAnswer('/life', 'one');
    await apply(httpRoute('life', 'two'));
    await bothAnswer('/life', 'two');
    await cluster.kubectl(['delete', 'httproute', 'life']);
    await bothAnswer('/life', '404');
  });

  test('a resource that one proxy refuses gets a condition and an Event, and affects nothing else', async () => {
    const squatter = net.createServer().listen(blockedPort, PROXY_HOSTS[1]);
    await once(squatter, 'listening');
    await apply(httpRoute('unharmed', 'one'));
    const listeners = [
      { name: 'http', port },
      { name: 'blocked', port: blockedPort },
    ];
    await apply(gateway('gw', listeners));
    await gatewayWhen(({ listeners = [] }) => {
      const blocked = listeners.find(({ name }) => name === 'blocked')?.conditions ?? [];
      return blocked.some(({ type, status, reason }) => type === 'Programmed' && status === 'False' && reason === 'Invalid');
    });
    const events = () => cluster.list<{ readonly reason: string }>('events');
    await cluster.until('the Event', async () => (await events()).some(({ reason }) => reason === 'RefusedByProxy'));
    await bothAnswer('/unharmed', 'one');
    await apply(gateway('gw', [{ name: 'http', port }]));
    await gatewayWhen(programmed);
    await once(squatter.close(), 'close');
  });

  test(
    'a killed controller affects no request, and its successor serves changes',
    async () => {
      await apply(httpRoute('constant', 'one'));
      await bothAnswer('/constant', 'one');
      const urls = PROXY_HOSTS.map((host) => `http://${host}:${port}/constant`);
      const flows = urls.flatMap((url) => [keptConnection(url), newConnections(url), http2Streams(url)]);
      const result = await traffic(flows, async () => {
        await weir.controller.stop('SIGKILL');
        weir.controller = weir.startController();
        await apply(httpRoute('successor', 'two'));
        await bothAnswer('/successor', 'two');
      });
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(100);
    },
    TAKEOVER_MS,
  );

  test(
    'a proxy that starts without a controller serves its last good configuration',
    async () => {
      await apply(httpRoute('kept', 'two'));
      await bothAnswer('/kept', 'two');
      await weir.controller.stop('SIGKILL');
      await weir.proxies[0]!.stop();
      weir.proxies[0] = await weir.startProxy(PROXY_HOSTS[0]);
      await bothAnswer('/kept', 'two');
      weir.controller = weir.startController();
      await apply(httpRoute('caught-up', 'one'));
      await bothAnswer('/caught-up', 'one');
    },
    TAKEOVER_MS,
  );
});
