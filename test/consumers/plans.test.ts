// Consumers with plans and API keys, from the user's objects to the limits and headers of answers.
import { expect, test } from '@jest/globals';
import { SecurityRig, manifest, securityPolicy } from '../security/rig.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';

closeAfterEach();

/** A Consumer with a Secret with its key. */
function consumer(name: string, plan?: string): readonly Manifest[] {
  const credentials = [{ apiKey: { secretRef: { name }, key: 'key' } }];
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key: keyOf(name) }, data: {} },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'Consumer',
      metadata: { name },
      spec: { groups: [], disabled: false, credentials, ...(plan === undefined ? {} : { plan }) },
    },
  ];
}

function keyOf(name: string): string {
  return `key-of-${name}-0123456789`;
}

const AUTHENTICATION = securityPolicy('keys', { authentication: { apiKey: { from: [{ header: 'x-api-key' }] } } });

function limited(limit: object): Manifest {
  const targetRefs = [{ kind: 'HTTPRoute', name: 'app' }];
  const plans = [
    { plan: 'free', requests: 2 },
    { plan: 'gold', requests: 4 },
  ];
  return manifest('RateLimitPolicy', 'limits', {
    targetRefs,
    limits: [{ name: 'calls', key: [{ consumer: true }], requests: 1, plans, ...limit }],
  });
}

function start(limit: object): Promise<SecurityRig> {
  const consumers = [...consumer('ann', 'free'), ...consumer('ben', 'free'), ...consumer('cem', 'gold'), ...consumer('dot')];
  return SecurityRig.start([AUTHENTICATION, limited(limit), ...consumers]);
}

function ask(rig: SecurityRig, name: string) {
  return rig.ask(get('/', `X-Api-Key: ${keyOf(name)}\r\n`));
}

async function statuses(rig: SecurityRig, name: string, count: number): Promise<readonly number[]> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(status(await ask(rig, name)));
  return answers;
}

test.each([
  ['a window', { per: '10m' }, 600],
  ['a quota of the day', { algorithm: 'Quota', every: 'Day' }, 86_400],
  ['a quota of the fleet', { per: '1h', store: 'Lease' }, 3_600],
])('%s has the size of the plan, for each Consumer apart', async (_, limit, window) => {
  const rig = await start(limit);
  expect(await statuses(rig, 'ann', 3)).toEqual([200, 200, 429]);
  expect(await statuses(rig, 'ben', 3)).toEqual([200, 200, 429]);
  expect(await statuses(rig, 'cem', 5)).toEqual([200, 200, 200, 200, 429]);
  expect(await statuses(rig, 'dot', 2)).toEqual([200, 429]);
  const refused = await ask(rig, 'cem');
  expect(header(refused, 'ratelimit-policy')).toBe(`"calls";q=4;w=${window}`);
  expect(header(refused, 'ratelimit')).toMatch(/^"calls";r=0;t=\d+$/);
  expect(Number(header(refused, 'retry-after'))).toBeGreaterThan(0);
  expect(Number(header(refused, 'retry-after'))).toBeLessThanOrEqual(window);
});

test('what is left goes down with each request', async () => {
  const rig = await start({ per: '10m' });
  const left = [];
  for (let i = 0; i < 4; i++) left.push(header(await ask(rig, 'cem'), 'ratelimit')?.split(';')[1]);
  expect(left).toEqual(['r=3', 'r=2', 'r=1', 'r=0']);
});

test('requests without a valid key take nothing, and cost the Consumer nothing', async () => {
  const rig = await start({ per: '10m' });
  for (const headers of ['', 'X-Api-Key: key-of-nothing-0123456789\r\n']) {
    const refused = await rig.ask(get('/', headers));
    expect([status(refused), header(refused, 'ratelimit')]).toEqual([401, undefined]);
  }
  expect(await statuses(rig, 'ann', 3)).toEqual([200, 200, 429]);
});

test('another plan holds from the next request on', async () => {
  const rig = await start({ per: '10m' });
  expect(await statuses(rig, 'ann', 3)).toEqual([200, 200, 429]);
  await rig.change(consumer('ann', 'gold'));
  expect(await statuses(rig, 'ann', 5)).toEqual([200, 200, 200, 200, 429]);
  await rig.change(consumer('ann', 'free'));
  expect(await statuses(rig, 'ann', 1)).toEqual([429]);
});

test('a Consumer that is spared has no limit', async () => {
  const rig = await start({ per: '10m', exempt: { consumers: ['default/ann'] } });
  expect(await statuses(rig, 'ann', 5)).toEqual([200, 200, 200, 200, 200]);
  expect(await statuses(rig, 'ben', 3)).toEqual([200, 200, 429]);
});
