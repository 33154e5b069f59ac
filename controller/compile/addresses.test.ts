import { describe, expect, test } from '@jest/globals';
import { AddressRanges } from '#lib/address-ranges.ts';
import { plainAddress, refusal, type AddressOrigin, type AddressRules } from './addresses.ts';

const RULES: AddressRules = {
  allowLoopback: false,
  allowedEndpoints: AddressRanges.of([]),
  own: { addresses: new Set(['10.9.0.1', 'fd00:9::1']), ports: new Set([9443]) },
};
const NOT_PERMITTED = ', which --allow-endpoints does not permit';

function reason(address: string, rules: Partial<AddressRules> = {}, origin: AddressOrigin = 'found', port = 80): string | null {
  return refusal({ address, port, origin }, { ...RULES, ...rules })?.replace(NOT_PERMITTED, '') ?? null;
}

describe('an address', () => {
  test.each(['10.0.0.1', '192.0.2.1', '2001:db8::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::1'])(
    '%s may be an endpoint',
    (address) => {
      expect(reason(address)).toBeNull();
    },
  );

  test.each([
    ['127.0.0.1', 'is a loopback address'],
    ['127.255.255.254', 'is a loopback address'],
    ['::1', 'is a loopback address'],
    ['0:0:0:0:0:0:0:1', 'is a loopback address'],
    ['::ffff:127.0.0.1', 'is a loopback address'],
    ['::ffff:7f00:1', 'is a loopback address'],
    ['::127.0.0.1', 'is a loopback address'],
    ['::ffff:0:127.0.0.1', 'is a loopback address'],
    ['64:ff9b::7f00:1', 'is a loopback address'],
    ['64:ff9b:1::127.0.0.1', 'is a loopback address'],
    ['2002:7f00:1::', 'is a loopback address'],
    ['0.0.0.0', 'is an unspecified address'],
    ['0.1.2.3', 'is an unspecified address'],
    ['::', 'is an unspecified address'],
    ['::ffff:0.0.0.0', 'is an unspecified address'],
    ['169.254.1.1', 'is a link-local address'],
    ['fe80::1', 'is a link-local address'],
    ['febf::1', 'is a link-local address'],
    ['169.254.169.254', 'is the address of the metadata service of a cloud'],
    ['::ffff:a9fe:a9fe', 'is the address of the metadata service of a cloud'],
    ['64:ff9b::169.254.169.254', 'is the address of the metadata service of a cloud'],
    ['fd00:ec2::254', 'is the address of the metadata service of a cloud'],
    ['fd00:0ec2:0:0:0:0:0:0254', 'is the address of the metadata service of a cloud'],
    ['100.100.100.200', 'is the address of the metadata service of a cloud'],
    ['168.63.129.16', 'is the address of the metadata service of a cloud'],
    ['224.0.0.1', 'is a multicast or broadcast address'],
    ['::ffff:224.0.0.1', 'is a multicast or broadcast address'],
    ['255.255.255.255', 'is a multicast or broadcast address'],
    ['ff02::1', 'is a multicast or broadcast address'],
    ['', 'is not an IP address'],
    ['localhost', 'is not an IP address'],
    ['127.1', 'is not an IP address'],
    ['0x7f.0.0.1', 'is not an IP address'],
    ['010.0.0.1', 'is not an IP address'],
    ['2130706433', 'is not an IP address'],
    ['1.2.3.4:80', 'is not an IP address'],
    ['[::1]', 'is not an IP address'],
    ['fe80::1%eth0', 'is not an IP address'],
    ['::1%lo', 'is not an IP address'],
  ])('%j is refused: it %s', (address, expected) => {
    expect(reason(address)).toBe(expected);
  });

  test.each(['10.9.0.1', 'fd00:9::1', '::ffff:10.9.0.1', 'fd00:9:0:0::1'])('%s of the controller is refused with its ports only', (own) => {
    expect(reason(own, {}, 'found', 9443)).toBe('with this port is an address of the controller');
    expect(reason(own, {}, 'written', 9443)).toBe('with this port is an address of the controller');
    expect(reason(own, {}, 'found', 8080)).toBeNull();
  });
});

describe('without a cluster', () => {
  test.each(['127.0.0.1', '::1', '0.0.0.0', 'fe80::1', '::ffff:127.0.0.1'])(
    '%s may be written into an object, but not be found',
    (address) => {
      expect(reason(address, { allowLoopback: true }, 'written')).toBeNull();
      expect(reason(address, { allowLoopback: true }, 'found')).not.toBeNull();
    },
  );

  test('the metadata service of a cloud is refused all the same', () => {
    expect(reason('169.254.169.254', { allowLoopback: true }, 'written')).toBe('is the address of the metadata service of a cloud');
  });
});

describe('a permitted range', () => {
  const allowedEndpoints = AddressRanges.of([{ address: '127.0.0.0', bits: 8, version: 4 }]);

  test.each(['127.0.0.1', '::ffff:127.0.0.1'])('permits %s', (address) => {
    expect(reason(address, { allowedEndpoints })).toBeNull();
  });

  test.each(['::1', '169.254.169.254', '64:ff9b::127.0.0.1'])('does not permit %s', (address) => {
    expect(refusal({ address, port: 80, origin: 'found' }, { ...RULES, allowedEndpoints })).toContain(NOT_PERMITTED);
  });

  test('does not permit addresses at which no server listens', () => {
    const all = AddressRanges.of([{ address: '0.0.0.0', bits: 0, version: 4 }]);
    expect(reason('224.0.0.1', { allowedEndpoints: all })).toBe('is a multicast or broadcast address');
  });
});

describe('the canonical form', () => {
  test.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['FD00:0::1', 'fd00::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['no address', 'no address'],
  ])('of %s is %s', (text, expected) => {
    expect(plainAddress(text)).toBe(expected);
  });
});
