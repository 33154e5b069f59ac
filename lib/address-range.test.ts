import { expect, test } from '@jest/globals';
import { parseAddressRange } from './address-range.ts';

test.each([
  ['10.0.0.0/8', { address: '10.0.0.0', bits: 8, version: 4 }],
  ['0.0.0.0/0', { address: '0.0.0.0', bits: 0, version: 4 }],
  ['fd00::/8', { address: 'fd00::', bits: 8, version: 6 }],
  ['::1/128', { address: '::1', bits: 128, version: 6 }],
])('reads %s', (text, value) => {
  expect(parseAddressRange(text)).toEqual({ ok: true, value });
});

test.each(['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/ 8', 'fd00::/129', 'fe80::%eth0/64', 'a/8'])(
  'refuses %j',
  (text) => {
    expect(parseAddressRange(text).ok).toBe(false);
  },
);
