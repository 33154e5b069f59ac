import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import net from 'node:net';
import { parseAddressRange } from './address-range.ts';
import { AddressRanges } from './address-ranges.ts';

function ranges(...texts: readonly string[]): AddressRanges {
  return AddressRanges.of(
    texts.flatMap((text) => {
      const range = parseAddressRange(text);
      return range.ok ? [range.value] : [];
    }),
  );
}

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/8', '10.9.9.9', true],
  ['192.0.2.7/32', '192.0.2.7', true],
  ['192.0.2.7/32', '192.0.2.6', false],
  ['0.0.0.0/0', '203.0.113.1', true],
  ['0.0.0.0/0', '::1', false],
  ['::/0', '2001:db8::1', true],
  ['::/0', '203.0.113.1', false],
  ['::/0', '::ffff:203.0.113.1', false],
  ['10.0.0.0/8', '::ffff:10.0.0.1', true],
  ['10.0.0.0/8', '::FFFF:a00:1', true],
  ['::ffff:10.0.0.0/104', '10.0.0.1', true],
  ['::ffff:10.0.0.0/104', '11.0.0.1', false],
  ['fd00::/8', 'fdff:1::2', true],
  ['fd00::/8', 'fe00::', false],
  ['2001:db8:8000::/33', '2001:db8:ffff::', true],
  ['2001:db8:8000::/33', '2001:db8:7fff::', false],
  ['2001:db8::1/128', '2001:DB8:0::1', true],
  ['2001:db8::1/128', '2001:db8::2', false],
  ['0.0.0.0/0', '', false],
  ['0.0.0.0/0', 'unknown', false],
])('%s has %s: %s', (range, address, expected) => expect(ranges(range).includes(address)).toBe(expected));

test('one matching range is enough, and an empty list contains nothing', () => {
  const several = ranges('10.0.0.0/8', 'fd00::/8', '192.0.2.0/24');
  expect(['192.0.2.1', 'fd00::1', '10.0.0.1', '192.0.3.1', '::'].map((address) => several.includes(address))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(ranges().includes('10.0.0.1')).toBe(false);
});

test('the results equal those of Node for all ranges', () => {
  const bits = (most: number) => fc.integer({ min: 0, max: most });
  const of4 = fc.tuple(fc.ipV4(), bits(32), fc.ipV4());
  const of6 = fc
    .tuple(fc.ipV6(), bits(128), fc.ipV6())
    .filter(([range, , address]) => [range, address].every((text) => !text.includes('.')));
  fc.assert(
    fc.property(fc.oneof(of4, of6), fc.boolean(), ([address, size, other], same) => {
      const family = net.isIP(address) === 4 ? 'ipv4' : 'ipv6';
      const list = new net.BlockList();
      list.addSubnet(address, size, family);
      const asked = same ? address : other;
      expect(ranges(`${address}/${size}`).includes(asked)).toBe(list.check(asked, family));
    }),
    { numRuns: 2_000 },
  );
});

test('the results equal those of Node for many ranges that lie within each other', () => {
  const range4 = fc.tuple(fc.constantFrom('10.0.0.0', '10.1.0.0', '10.1.2.0', '10.128.0.0', '192.0.2.1'), fc.integer({ min: 7, max: 32 }));
  const range6 = fc.tuple(fc.constantFrom('2001:db8::', '2001:db8:1::', '2001:db8::1', 'fd00::', '::'), fc.integer({ min: 0, max: 128 }));
  const asked4 = fc.constantFrom('10.0.0.0', '10.0.0.1', '10.1.2.3', '10.255.255.255', '9.255.255.255', '192.0.2.1', '192.0.2.2');
  const asked6 = fc.constantFrom('2001:db8::', '2001:db8::1', '2001:db8:1:2::3', '2001:db7:ffff::', 'fd00::1', 'fe00::', '::1');
  const of4 = fc.tuple(fc.constant('ipv4' as const), fc.array(range4, { maxLength: 8 }), asked4);
  const of6 = fc.tuple(fc.constant('ipv6' as const), fc.array(range6, { maxLength: 8 }), asked6);
  fc.assert(
    fc.property(fc.oneof(of4, of6), ([family, subnets, asked]) => {
      const list = new net.BlockList();
      for (const [address, bits] of subnets) list.addSubnet(address, bits, family);
      const all = ranges(...subnets.map(([address, bits]) => `${address}/${bits}`));
      expect(all.includes(asked)).toBe(list.check(asked, family));
    }),
    { numRuns: 5_000 },
  );
});
