import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressOf, canonicalAddress, numberOf, octetsOf } from './ip-address.ts';

describe('IP addresses', () => {
  test.each([
    ['10.0.0.1', '0a000001'],
    ['::', '00000000000000000000000000000000'],
    ['2001:DB8::1', '20010db8000000000000000000000001'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('%s has octets %s', (address, hex) => {
    expect(octetsOf(address).toString('hex')).toBe(hex);
  });

  test.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['fe80::1%eth0', ''],
    ['192.0.2.1/24', ''],
    ['', ''],
  ])('%j becomes %j', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test('numbers become addresses', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (number) => {
        expect(numberOf(addressOf(number, 6))).toBe(number);
        expect(numberOf(addressOf(number % 2n ** 32n, 4))).toBe(number % 2n ** 32n);
      }),
    );
  });

  test('all forms of an address become the same one', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(numberOf(canonicalAddress(text))).toBe(numberOf(text));
        expect(canonicalAddress(canonicalAddress(text))).toBe(canonicalAddress(text));
      }),
    );
  });
});
