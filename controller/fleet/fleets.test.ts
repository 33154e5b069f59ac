// Which fleets are created, and when.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import { FaultServer, sendJson } from '../../test/support/fault-server.ts';
import { until } from '../../test/support/until.ts';
import { ApiClient } from '../watch/api-client.ts';
import { Fleets } from './fleets.ts';
import { LiveFleets } from './live.ts';

const GATEWAY = 'shop/web';
const FLEET = { gateway: GATEWAY, uid: 'u1', parameters: {}, ports: [], labels: {}, annotations: {}, addresses: [] };
const EMPTY = { items: [], metadata: { resourceVersion: '1' } };
const log = pino({ level: 'silent' });

let server: FaultServer;
let client: ApiClient;

beforeEach(async () => {
  server = new FaultServer();
  client = new ApiClient(await server.start());
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

/** Fleets without any live object; `troubles` has the reasons why fleets cannot be created. */
function start(): { troubles: (string | null)[]; stop: () => Promise<unknown> } {
  const troubles: (string | null)[] = [];
  const live = new LiveFleets({ client, namespaces: [], controllerName: 'a/b', log, troubled: () => undefined });
  const fleets = new Fleets({
    client,
    live,
    settings: {
      ...{ controllerName: 'a/b', image: 'proxy', controller: 'weir:9443', controllerTlsName: '' },
      ...{ certificateLifetime: 3_600_000, user: null, poolFamilies: [] },
    },
    authority: { current: () => Promise.reject(new Error('no CA')) },
    gatewayUid: () => 'u1',
    leads: () => true,
    troubled: (_gateway, message) => void troubles.push(message),
    log,
  });
  live.start();
  fleets.apply({ fleets: [FLEET], fleetsGone: [] });
  return { troubles, stop: () => Promise.all([live.stop(), fleets.stop()]) };
}

test('a Gateway without objects gets its fleet if the leader knows the live objects later than the Gateway', async () => {
  const held: ServerResponse[] = [];
  server.answer((url, response) => {
    if (url.searchParams.get('watch') === 'true') return void response.writeHead(200).flushHeaders();
    if (url.pathname === '/apis/apps/v1/deployments') return void held.push(response);
    sendJson(response, 200, EMPTY);
  });
  const { troubles, stop } = start();
  await until(() => held.length === 1, 'the list of Deployments');
  expect(troubles).toEqual([]);
  for (const response of held) sendJson(response, 200, EMPTY);
  await until(() => troubles.length > 0, 'the first attempt to create the fleet');
  expect(troubles[0]).toBe('cannot issue certificates for proxies: no CA');
  await stop();
});
