// Addresses with ports.
import { expect, test } from '@jest/globals';
import { joinAddress, splitAddress } from './host-port.ts';

test.each([
  ['10.0.0.1:80', '10.0.0.1', 80],
  ['[fd00::1]:65535', 'fd00::1', 65_535],
])('%s is an address and a port', (text, address, port) => {
  expect(splitAddress(text)).toEqual({ address, port });
  expect(joinAddress(address, port)).toBe(text);
});

test.each(['10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', '10.0.0.1:', 'fd00::1:80', '[10.0.0.1]:80', 'host:80', '[]:80', '10.0.0.1:80 ', ''])(
  '%j is not',
  (text) => {
    expect(splitAddress(text)).toBeNull();
  },
);
