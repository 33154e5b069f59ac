// The revocation of a Consumer in running proxies: the next request on an open connection is refused, at every proxy.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { getHeader } from '../../proxy/exchange/headers.ts';
import { reply } from '../../proxy/exchange/local-reply.ts';
import { openFiltered, type MakeFilter } from '../support/filtered.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

const KEY = 'k-alice-0123456789';

/** Lets requests through that have a valid key. */
const byKey: MakeFilter = ({ consumers }) => {
  const shop = consumers.of('shop');
  return {
    request: (exchange) => {
      const found = shop.byApiKey(getHeader(exchange.requestHeaders, 'x-api-key') ?? '');
      if (found?.refusal === null) return 'continue';
      reply(exchange, 401, [], null);
      return 'answered';
    },
  };
};

function alice(fields: Partial<ir.Consumer> = {}): ir.Consumer {
  const digest = createHash('sha256').update(KEY).digest('hex');
  const credentials: ir.Consumer['credentials'] = [{ type: 'ApiKey', source: 'alice-key/key', digest }];
  return { kind: 'Consumer', key: 'shop/alice', groups: [], plan: '', disabled: false, credentials, ...fields };
}

test.each<[string, readonly ir.Resource[], readonly { kind: 'Consumer'; key: string }[]]>([
  ['is deleted', [], [{ kind: 'Consumer', key: 'shop/alice' }]],
  ['is disabled', [alice({ disabled: true })], []],
  ['loses its key', [alice({ credentials: [] })], []],
])('a Consumer that %s is refused at every proxy from the next request on', async (_, changed, removed) => {
  const proxies = [1, 2].map(() => openFiltered([byKey], { behaviour: ok('done'), more: [alice()] }));
  const opened = await Promise.all(proxies);
  const ask = (key: string) => Promise.all(opened.map(async ({ client }) => status(await client.ask(get('/', `x-api-key: ${key}\r\n`)))));
  expect([await ask(KEY), await ask('k-other-0123456789')]).toEqual([
    [200, 200],
    [401, 401],
  ]);
  await Promise.all(opened.map(({ proxy }) => proxy.worker.apply(changed, removed)));
  expect(await ask(KEY)).toEqual([401, 401]);
});
