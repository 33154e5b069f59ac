// A hub of a proxy with several workers: processes of their own, and any worker gets any connection.
import { afterEach, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { closeAfterEach, openClient } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import type { Message } from '../support/message.ts';
import { listener, route } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { HubClient, publish } from './hub-clients.ts';

closeAfterEach();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const POLICY: ir.Policy = {
  kind: 'Policy',
  key: 'HTTPPolicy/default/live',
  policyKind: 'HTTPPolicy',
  namespace: 'default',
  name: 'live',
  createdAt: 0,
  targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }],
  settings: { hub: { publish: 'true', history: { messages: 1_000 } } },
};

test('every worker has every message in the same order, and the history', async () => {
  const [port = 0] = await freePorts(1);
  const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1_000, processMetrics: false };
  const supervisor = new Supervisor({ workers: 2, log: createLog('silent'), ...settings });
  closers.push(() => supervisor.stop(1));
  await until(() => supervisor.serving === 2, 'all workers');
  expect(await supervisor.apply([listener({ port }), route({ backends: [] }), POLICY], [])).toEqual([]);
  const rig = { proxy: { port }, ask: async (bytes: string): Promise<Message> => (await openClient(port)).ask(bytes) };
  const clients = await Promise.all(Array.from({ length: 8 }, () => HubClient.open(rig)));
  await Promise.all(clients.map((client) => client.subscribed('live/a')));
  const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => publish(rig, 'a', i)));
  await until(() => clients.every((client) => client.data().length === 20), 'all messages everywhere');
  for (const client of clients) expect(client.data()).toEqual(clients[0]?.data());
  const late = await HubClient.open(rig);
  await late.subscribed('live/a', clients[0]?.got.find(({ type }) => type === 'message')?.['id'] as string);
  await until(() => late.data().length === 19, 'the history');
  expect([new Set(ids).size, late.data()]).toEqual([20, clients[0]?.data().slice(1)]);
});
