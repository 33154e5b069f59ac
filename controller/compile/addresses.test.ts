import { describe, expect, test } from '@jest/globals';
import { refusal } from './addresses.ts';

describe('refusal', () => {
  test.each(['10.0.0.1', '192.0.2.1', '2001:db8::1', 'fd00::1', '::ffff:10.0.0.1'])('%s may be an endpoint', (address) => {
    expect(refusal(address, false)).toBeNull();
  });

  test.each(['127.0.0.1', '127.255.255.254', '0.0.0.0', '169.254.169.254', '::1', '::', 'fe80::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    '%s may be an endpoint only if loopback is allowed',
    (address) => {
      expect(refusal(address, false)).toBe('is a loopback or link-local address');
      expect(refusal(address, true)).toBeNull();
    },
  );

  test.each(['224.0.0.1', '255.255.255.255', 'ff02::1'])('%s never', (address) => {
    expect(refusal(address, true)).toBe('is a multicast or broadcast address');
  });

  test.each(['', 'localhost', '127.1', '0x7f.0.0.1', '1.2.3.4:80', '[::1]', '010.0.0.1'])('%j is not an address', (address) => {
    expect(refusal(address, true)).toBe('is not an IP address');
  });
});
