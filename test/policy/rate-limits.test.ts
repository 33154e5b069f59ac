// RateLimitPolicies from the user's objects to requests.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { SecurityRig, manifest } from '../security/rig.ts';

closeAfterEach();

function limited(limits: readonly object[], target: object = { kind: 'HTTPRoute', name: 'app' }, name = 'limits'): Manifest {
  return manifest('RateLimitPolicy', name, { targetRefs: [target], limits });
}

async function statuses(rig: SecurityRig, count: number, headers = '', from?: string): Promise<readonly number[]> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(status(await rig.ask(get('/', headers), from)));
  return answers;
}

const WINDOW = { name: 'w', requests: 2, per: '10m' };

describe('a limit', () => {
  test('refuses with 429, and says what is left and when to come again', async () => {
    const rig = await SecurityRig.start([limited([WINDOW])]);
    const first = await rig.ask(get());
    expect([status(first), header(first, 'ratelimit-policy'), header(first, 'ratelimit')]).toEqual([200, '"w";q=2;w=600', '"w";r=1;t=600']);
    expect(status(await rig.ask(get()))).toBe(200);
    const refused = await rig.ask(get());
    expect([status(refused), header(refused, 'ratelimit-policy')]).toEqual([429, '"w";q=2;w=600']);
    expect(header(refused, 'ratelimit')).toMatch(/^"w";r=0;t=(600|599)$/);
    expect(header(refused, 'retry-after')).toMatch(/^(600|599)$/);
    expect(refused.body.toString()).toContain('rate_limited');
  });

  test.each([
    ['addresses', { clientIP: {} }, ['', '127.0.0.1'], ['', '127.0.0.2']],
    ['headers', { header: 'X-Tenant' }, ['X-Tenant: a\r\n', '127.0.0.1'], ['X-Tenant: b\r\n', '127.0.0.1']],
    ['cookies', { cookie: 'sid' }, ['Cookie: x=1; sid=a\r\n', '127.0.0.1'], ['Cookie: sid=b\r\n', '127.0.0.1']],
  ] as const)('counts %s apart', async (_, key, one, other) => {
    const rig = await SecurityRig.start([limited([{ ...WINDOW, key: [key] }])]);
    expect(await statuses(rig, 3, ...one)).toEqual([200, 200, 429]);
    expect(await statuses(rig, 3, ...other)).toEqual([200, 200, 429]);
  });

  test('counts addresses with the same beginning together', async () => {
    const rig = await SecurityRig.start([limited([{ ...WINDOW, key: [{ clientIP: { ipv4: 30 } }] }])]);
    expect([...(await statuses(rig, 2, '', '127.0.0.1')), ...(await statuses(rig, 1, '', '127.0.0.2'))]).toEqual([200, 200, 429]);
    expect(await statuses(rig, 1, '', '127.0.0.5')).toEqual([200]);
  });

  test('spares exempt addresses, and a shadow limit refuses nothing', async () => {
    const rig = await SecurityRig.start([
      limited([
        { ...WINDOW, exempt: { addresses: ['127.0.0.2/32'] } },
        { ...WINDOW, name: 'shadow', requests: 1, shadow: true },
      ]),
    ]);
    expect(await statuses(rig, 4, '', '127.0.0.2')).toEqual([200, 200, 200, 200]);
    expect(await statuses(rig, 3)).toEqual([200, 200, 429]);
    const metrics = await rig.proxy.worker.registry.metrics();
    expect(metrics).toContain('weir_limit_requests_total{limit="default/limits/shadow",outcome="shadow"} 5');
  });

  test('that refuses takes nothing of the others', async () => {
    const rig = await SecurityRig.start([
      limited([
        { ...WINDOW, name: 'wide', requests: 3 },
        { ...WINDOW, key: [{ header: 'x-tenant' }], requests: 1 },
      ]),
    ]);
    expect(await statuses(rig, 3, 'X-Tenant: a\r\n')).toEqual([200, 429, 429]);
    expect(await statuses(rig, 3, 'X-Tenant: b\r\n')).toEqual([200, 429, 429]);
    expect(await statuses(rig, 1, 'X-Tenant: c\r\n')).toEqual([200]);
  });

  test('counts only answers with a status if it says so', async () => {
    const rig = await SecurityRig.start([limited([{ ...WINDOW, cost: 0, answer: { statuses: ['400-499'] } }])]);
    expect(await statuses(rig, 4)).toEqual([200, 200, 200, 200]);
    await rig.change([limited([{ ...WINDOW, cost: 0, answer: { statuses: ['200-299'] } }])]);
    expect(await statuses(rig, 4)).toEqual([200, 200, 429, 429]);
  });

  test('concerns only requests that its expression matches, and those that lack what it reads', async () => {
    const limit = { ...WINDOW, requests: 1, key: [{ header: 'x-tier' }], match: 'request.headers["x-tier"] != "paid"' };
    const rig = await SecurityRig.start([limited([limit])]);
    expect(await statuses(rig, 3, 'X-Tier: paid\r\n')).toEqual([200, 200, 200]);
    expect(await statuses(rig, 2, 'X-Tier: free\r\n')).toEqual([200, 429]);
    expect(await statuses(rig, 2)).toEqual([200, 429]);
  });

  test('keeps its count when something else changes, and holds for all rules of its targets', async () => {
    const rig = await SecurityRig.start([limited([WINDOW], { kind: 'Gateway', name: 'gw' })]);
    expect(await statuses(rig, 2)).toEqual([200, 200]);
    await rig.change([
      manifest('SecurityPolicy', 'headers', {
        targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
        securityHeaders: { frameOptions: 'Deny' },
      }),
    ]);
    expect(await statuses(rig, 1)).toEqual([429]);
  });

  test('of concurrent requests is free again when a request ends', async () => {
    const rig = await SecurityRig.start([limited([{ name: 'c', algorithm: 'Concurrency', requests: 1 }])]);
    expect(await statuses(rig, 3)).toEqual([200, 200, 200]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => rig.ask(get())));
    expect(answers.map(status)).toContain(200);
    expect(await statuses(rig, 1)).toEqual([200]);
  });

  test('in redis follows onError without redis', async () => {
    const open = await SecurityRig.start([limited([{ ...WINDOW, requests: 1, store: 'Redis' }])]);
    expect(await statuses(open, 2)).toEqual([200, 200]);
    await open.change([limited([{ ...WINDOW, requests: 1, store: 'Redis', onError: 'Closed' }])]);
    expect(await statuses(open, 1)).toEqual([503]);
  });
});

test.each([
  [{ name: 'a', requests: 1 }, 'spec.limits[0].per: is missing: set the period, such as 10s'],
  [{ ...WINDOW, every: 'Day' }, 'spec.limits[0].every: is for the algorithm Quota: remove it'],
  [{ name: 'a', requests: 1, algorithm: 'Quota' }, 'spec.limits[0].every: is missing: set the unit of the quota, such as Day'],
  [{ ...WINDOW, per: '0s' }, 'spec.limits[0].per: must be more than 0'],
  [{ ...WINDOW, burst: 2 }, 'spec.limits[0].burst: is for the algorithm TokenBucket: remove it'],
  [
    { name: 'a', requests: 1, algorithm: 'Concurrency', store: 'Redis' },
    'spec.limits[0].store: must be Local or Lease with the algorithm Concurrency',
  ],
  [{ ...WINDOW, onError: 'Open' }, 'spec.limits[0].onError: is for the stores Redis and Lease: remove it'],
  [
    { ...WINDOW, store: 'Lease', share: 'Fleet' },
    'spec.limits[0].share: is for the store Local: remove it, Lease counts for all proxies together',
  ],
  [{ ...WINDOW, cost: 0 }, 'spec.limits[0].cost: must be more than 0, or answer must be set: nothing would count'],
  [{ ...WINDOW, match: 'request.method = "GET"' }, 'spec.limits[0].match: is not valid'],
  [{ ...WINDOW, match: 'request.method' }, 'spec.limits[0].match: must be true or false, and is of type string'],
  [{ ...WINDOW, match: 'response.status == 200' }, 'spec.limits[0].match: is not valid'],
  [{ ...WINDOW, cost: 3 }, 'spec.limits[0].cost: is more than the limit: no request would pass'],
  [{ ...WINDOW, key: [{ path: true, method: true }] }, 'spec.limits[0].key[0]: must have exactly one field'],
])('%j is refused with its targets', async (limit, reason) => {
  const rig = await SecurityRig.start([limited([limit])]);
  expect(rig.condition('limits', 'Accepted', 'RateLimitPolicy')).toContain(reason);
  expect(await statuses(rig, 1)).toEqual([500]);
});
