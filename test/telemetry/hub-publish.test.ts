// A message that an operator publishes in a hub with Redis: one proxy publishes it for all, and one without Redis is passed over.
import { afterEach, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { err, ok } from '#lib/result.ts';
import { hubOperations, type Published } from '../../controller/operations/hubs.ts';
import { Fleet, NO_PEERS } from '../../controller/telemetry/fleet.ts';
import { Commands, type CommandTable } from '../../proxy/reporting/commands.ts';
import { GivenReports, LOG, reportTo, serveHub } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const POLICY: ir.Resource = {
  ...{ kind: 'Policy', key: 'HTTPPolicy/shop/live', policyKind: 'HTTPPolicy', namespace: 'shop', name: 'live', createdAt: 0 },
  targets: [{ kind: 'HTTPRoute', namespace: 'shop', name: 'live', section: '' }],
  settings: { hub: { store: 'Redis', history: { messages: 7 }, maxMessageSize: 40 } },
};
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test('the first proxy with Redis publishes, once', async () => {
  const served = await serveHub();
  closers.push(() => served.server.stop());
  const fleet = new Fleet({ hub: served.hub, peers: NO_PEERS, resources: () => [POLICY], version: '1' });
  const published: [proxy: string, message: object][] = [];
  for (const nodeId of ['a', 'b', 'c', 'd']) {
    const table: CommandTable = {
      publishTopic: async ({ publishTopic: message }, { chunk }) => {
        if (nodeId === 'a' || nodeId === 'b') return err('the proxy has no Redis, see --redis-url');
        published.push([nodeId, message]);
        await chunk(Buffer.from('"17-0"\n'));
        return ok(undefined);
      },
    };
    const proxy = reportTo(served.port, new GivenReports(), { nodeId, commands: new Commands(table, LOG) });
    closers.push(() => proxy.stop());
  }
  await until(() => served.hub.aggregate().proxies.filter(({ state }) => state === 'reporting').length === 4, 'the proxies');
  const [, publish] = hubOperations(fleet);
  const asking = { signal: new AbortController().signal, caller: 'ann' };
  const answer = await publish?.run({ hub: 'shop/live', topic: 'news', data: { text: 'a\nb' } }, asking);
  expect(published).toHaveLength(1);
  const [[proxy, message] = ['', {}]] = published;
  expect(message).toMatchObject({ hub: 'shop/live', topic: 'news', data: '{"text":"a\\nb"}', place: 'Redis', messages: 7, ageMs: 300_000 });
  expect(answer).toMatchObject({ ok: true });
  const { body } = (answer?.ok === true ? answer.value : {}) as { readonly body: string };
  expect(JSON.parse(body) as Published).toEqual({
    messages: [{ proxy, id: '17-0' }],
    proxies: [expect.objectContaining({ proxy, outcome: 'done' })],
  });
  expect(await publish?.run({ hub: 'shop/live', topic: 'news', data: 'a'.repeat(40) }, asking)).toMatchObject({
    ok: false,
    error: { status: 400, errors: [{ field: 'data', reason: 'must have at most 40 bytes as JSON' }] },
  });
});
