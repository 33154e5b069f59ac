// The allocation of pool addresses to Services.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AddressPool, allocate, type IpFamily, type PooledService } from './address-pool.ts';

function pool(text: string): AddressPool {
  const parsed = AddressPool.parse(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function service(key: string, more: Partial<PooledService> = {}): PooledService {
  return { key, createdAt: '2026-01-01T00:00:00Z', families: ['IPv4'], asked: [''], has: [], ...more };
}

/** The allocation of each Service as text. */
function given(text: string, ...services: PooledService[]): Record<string, string> {
  const told = [...allocate(pool(text), services)].map(([key, { addresses, obstacle }]): [string, string] => {
    return [key, [...addresses, ...(obstacle === null ? [] : [`${obstacle.reason}: ${obstacle.message}`])].join(' ')];
  });
  return Object.fromEntries(told);
}

describe('a pool', () => {
  test.each([
    ['10.0.0.0/30', ['10.0.0.1', '10.0.0.2']],
    ['10.0.0.5/32', ['10.0.0.5']],
    ['10.0.0.4/31', ['10.0.0.4', '10.0.0.5']],
    ['10.0.0.254-10.0.1.1', ['10.0.0.254', '10.0.0.255', '10.0.1.0', '10.0.1.1']],
    ['10.0.0.9-10.0.0.9, 10.0.0.1/32', ['10.0.0.9', '10.0.0.1']],
  ])('%s has %j', (text, addresses) => {
    expect([...pool(text).addresses('IPv4')]).toEqual(addresses);
    expect(addresses.every((address) => pool(text).has(address))).toBe(true);
  });

  test('may have both families', () => {
    const both = pool('10.0.0.1/32,fd00::fffe-fd00::1:0');
    expect(both.families).toEqual(['IPv4', 'IPv6']);
    expect([...both.addresses('IPv6')]).toEqual(['fd00::fffe', 'fd00::ffff', 'fd00::1:0']);
  });

  test.each([
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.2-10.0.0.1',
    '10.0.0.1-fd00::1',
    '10.0.0.1-',
    '10.0.0.1-10.0.0.2-10.0.0.3',
    'a/8,10.0.0.1/32',
  ])('is not %j', (text) => {
    expect(AddressPool.parse(text).ok).toBe(false);
  });
});

describe('a Service', () => {
  test('gets the first free address; older Services come first', () => {
    const younger = service('a/younger', { createdAt: '2026-01-02T00:00:00Z' });
    expect(given('10.0.0.1-10.0.0.3', younger, service('a/older'), service('b/has', { has: ['10.0.0.1'] }))).toEqual({
      'b/has': '10.0.0.1',
      'a/older': '10.0.0.2',
      'a/younger': '10.0.0.3',
    });
  });

  test('keeps its addresses, even if an older Service comes later', () => {
    const holder = service('a/holder', { createdAt: '2026-01-02T00:00:00Z', has: ['10.0.0.1'] });
    expect(given('10.0.0.1-10.0.0.1', service('a/first'), holder)).toEqual({
      'a/first': 'AddressNotAssigned: the pool has no free IPv4 address',
      'a/holder': '10.0.0.1',
    });
  });

  test('gets another address if its own is no longer in the pool, or belongs to another Service', () => {
    const services = ['a/one', 'a/two'].map((key) => service(key, { has: ['10.0.0.1'] }));
    expect(given('10.0.0.1-10.0.0.9', ...services, service('a/three', { has: ['192.0.2.1'] }))).toEqual({
      'a/one': '10.0.0.1',
      'a/three': '10.0.0.2',
      'a/two': '10.0.0.3',
    });
  });

  test('gets a requested address instead of its own, which is free one round later', () => {
    const asking = service('a/asking', { asked: ['10.0.0.7'], has: ['10.0.0.1'] });
    const next = service('a/next', { asked: ['10.0.0.1'] });
    expect(given('10.0.0.0/24', asking, next)).toEqual({
      'a/asking': '10.0.0.7',
      'a/next': 'AddressNotUsable: 10.0.0.1 belongs to Service/a/asking',
    });
  });

  test('gets the requested addresses that are available; its condition names the others', () => {
    const holder = service('a/holder', { has: ['10.0.0.2'] });
    const asked = ['192.0.2.1', '10.0.0.2', '10.0.0.3', 'FD00::1'];
    expect(given('10.0.0.0/24,fd00::/120', holder, service('b/asking', { asked }))).toMatchObject({
      'b/asking':
        '10.0.0.3 AddressNotUsable: 192.0.2.1 is not in the address pool; 10.0.0.2 belongs to Service/a/holder; FD00::1 is not IPv4 like the Service',
    });
  });

  test('keeps its address as long as no requested address is available', () => {
    expect(given('10.0.0.0/24', service('a/b', { asked: ['192.0.2.1'], has: ['10.0.0.9'] }))).toEqual({
      'a/b': '10.0.0.9 AddressNotUsable: 192.0.2.1 is not in the address pool',
    });
  });

  test('gets no address that it did not request', () => {
    expect(given('10.0.0.0/24', service('a/b', { asked: ['192.0.2.1'] }))).toEqual({
      'a/b': 'AddressNotUsable: 192.0.2.1 is not in the address pool',
    });
  });

  test('of both families gets one address of each, as far as the pool has them', () => {
    const families: IpFamily[] = ['IPv6', 'IPv4'];
    expect(given('10.0.0.0/24,fd00::/64', service('a/b', { families, asked: ['10.0.0.9', ''] }))).toEqual({ 'a/b': '10.0.0.9 fd00::' });
    expect(given('fd00::/64', service('a/b', { families }))).toEqual({ 'a/b': 'fd00::' });
    expect(given('fd00::/64', service('a/b'))).toEqual({ 'a/b': 'AddressNotAssigned: the pool has no IPv4 addresses' });
  });
});

const Address = fc.integer({ min: 0, max: 9 }).map((last) => (last === 9 ? '192.0.2.1' : `10.0.0.${last}`));
const Services = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom('a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6', 'a/7'),
    createdAt: fc.constantFrom('1', '2'),
    families: fc.constant<IpFamily[]>(['IPv4']),
    asked: fc.oneof(fc.constant(['']), fc.array(fc.oneof(Address, fc.constant('')), { minLength: 1, maxLength: 3 })),
    has: fc.uniqueArray(Address, { maxLength: 2 }),
  }),
  { selector: ({ key }) => key },
);

describe('for any addresses and requests of Services', () => {
  const own = pool('10.0.0.2-10.0.0.6');
  const after = (services: readonly PooledService[]): readonly PooledService[] => {
    const allocated = allocate(own, services);
    return services.map((one) => ({ ...one, has: allocated.get(one.key)?.addresses ?? [] }));
  };

  test('every address is unique and in the pool', () => {
    fc.assert(
      fc.property(Services, (services) => {
        const addresses = after(services).flatMap(({ has }) => has);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(addresses.every((address) => own.has(address))).toBe(true);
      }),
    );
  });

  test('the allocation becomes stable after a few rounds', () => {
    fc.assert(
      fc.property(Services, (services) => {
        let settled: readonly PooledService[] = services;
        for (let round = 0; round <= services.length; round++) settled = after(settled);
        expect(after(settled)).toEqual(settled);
      }),
    );
  });

  test('a Service with an unchanged request keeps its addresses', () => {
    fc.assert(
      fc.property(Services, (services) => {
        const held = after(services.map((one) => ({ ...one, asked: [''] }))).filter(({ has }) => has.length > 0);
        expect(after(held)).toEqual(held);
      }),
    );
  });
});
