// The address of a caller behind proxies, and callers that lie about it.
import { describe, expect, test } from '@jest/globals';
import { addressFinder, type TrustedProxies } from './client-address.ts';

const RANGES = ['10.0.0.0/8', '2001:db8:1::/48'];
const byList = addressFinder({ ranges: RANGES, header: 'x-forwarded-for' });
const byElements = addressFinder({ ranges: RANGES, header: 'forwarded' });

test('is that of the connection without trusted proxies, whatever the headers say', () => {
  const headers = { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9', 'x-real-ip': '192.0.2.9' };
  expect(addressFinder(null)('::ffff:198.51.100.1', headers)).toBe('198.51.100.1');
});

describe('X-Forwarded-For', () => {
  test.each([
    ['of a trusted proxy', '10.0.0.1', '192.0.2.9', '192.0.2.9'],
    ['of several', '10.0.0.1', '192.0.2.9, 10.0.0.2', '192.0.2.9'],
    ['with a port', '::ffff:10.0.0.1', '192.0.2.9:4711', '192.0.2.9'],
    ['with IPv6', '10.0.0.1', '[2001:db8:2::9]:80', '2001:db8:2::9'],
    ['of a proxy with IPv6', '2001:db8:1::1', '2001:db8:2::9', '2001:db8:2::9'],
    ['of a stranger', '198.51.100.1', '192.0.2.9', '198.51.100.1'],
    ['that a caller began', '10.0.0.1', '127.0.0.1, 203.0.113.7', '203.0.113.7'],
    ['that a caller began with a trusted address', '10.0.0.1', '10.9.9.9, 203.0.113.7', '203.0.113.7'],
    ['of proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['without an address', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['with nonsense in the middle', '10.0.0.1', '192.0.2.9, x\u0000y, 10.0.0.2', '10.0.0.2'],
    ['that is empty', '10.0.0.1', '', '10.0.0.1'],
    ['that is endless', '10.0.0.1', '10.0.0.2,'.repeat(5_000), '10.0.0.1'],
  ])('%s', (_, peer, value, address) => {
    expect(byList(peer, { 'x-forwarded-for': value })).toBe(address);
  });

  test('does not count if proxies set Forwarded', () => {
    expect(byElements('10.0.0.1', { 'x-forwarded-for': '192.0.2.9' })).toBe('10.0.0.1');
  });
});

describe('Forwarded', () => {
  test.each([
    ['for=192.0.2.9', '192.0.2.9'],
    ['For="[2001:db8:2::9]:4711";proto=https', '2001:db8:2::9'],
    ['for=127.0.0.1, for=203.0.113.7;by=10.0.0.1', '203.0.113.7'],
    ['for=_hidden', '10.0.0.1'],
    ['proto=https', '10.0.0.1'],
  ])('%s', (value, address) => {
    expect(byElements('10.0.0.1', { forwarded: value })).toBe(address);
  });
});

test('takes no time that grows faster than the header', () => {
  const finder = addressFinder({ ranges: RANGES, header: 'forwarded' } satisfies TrustedProxies);
  expect(finder('10.0.0.1', { forwarded: `for="${'['.repeat(16_000)}` })).toBe('10.0.0.1');
});
