import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import net from 'node:net';
import { readAddress, writeAddress } from './address-words.ts';

function spelt(text: string): string {
  const version = readAddress(text);
  return version === 0 ? '' : writeAddress(version);
}

describe('an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ])('%s is written as %s', (text, expected) => expect(spelt(text)).toBe(expected));

  test.each([
    ...[
      '',
      '1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.',
      '.1.2.3',
      '1..2.3',
      '256.0.0.1',
      '01.2.3.4',
      '1.2.3.04',
      '1.2.3.0000',
      '0x1.2.3.4',
      '1.2.3.4 ',
      '+1.2.3.4',
    ],
    ...[
      ':',
      ':::',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '1:2:3:4:5:6:7:8::',
      '::1:2:3:4:5:6:7:8',
      '12345::',
      'g::',
      '1:',
      ':1',
      '1:::2',
    ],
    ...[
      '1:2:3:4:5:6:7:1.2.3.4',
      '::1.2.3',
      '1.2.3.4::',
      '::1.2.3.4:5',
      'fe80::1%eth0',
      '[::1]',
      '::1/64',
      '::ffff:1.2.3.256',
      'unknown',
      '_hidden',
      'é::',
    ],
  ])('%j is not an address', (text) => expect(spelt(text)).toBe(''));

  test('is parsed in the middle of a text, and nothing after it', () => {
    expect([readAddress('x1.2.3.45', 1, 8), writeAddress(4)]).toEqual([4, '1.2.3.4']);
    expect([readAddress('[::12]:80', 1, 4), writeAddress(6)]).toEqual([6, '::1']);
    expect(readAddress('1.2.3.4', 0, 6)).toBe(0);
    expect([readAddress('::1.2.3.4', 0, 3), writeAddress(6)]).toEqual([6, '::1']);
  });

  test('is parsed and formatted as in Node for any text', () => {
    const group = fc.oneof(
      fc.integer({ min: 0, max: 0x10000 }).map((n) => n.toString(16)),
      fc.constantFrom('', '0', '00001', '1.2.3.4', 'G'),
    );
    const text = fc.oneof(
      fc.ipV6(),
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.array(group, { maxLength: 10 }).map((list) => list.join(':')),
    );
    fc.assert(
      fc.property(text, (address) => {
        const known = net.isIP(address);
        const version = readAddress(address);
        expect(version !== 0).toBe(known !== 0);
        if (version === 0 || known !== 6) return;
        const node = new net.SocketAddress({ address, family: 'ipv6' }).address;
        // Node formats compatible addresses, which are obsolete, with dots.
        if (!/^::[\d.]+$/.test(node)) expect(writeAddress(version)).toBe(node.replace('::ffff:', node.includes('.') ? '' : '::ffff:'));
      }),
      { numRuns: 3_000 },
    );
  });
});
