// The header of the PROXY protocol: valid and invalid headers, any splits, and the agreement of reader and writer.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { SIGNATURE } from './format.ts';
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from './read.ts';
import { writeProxyHeader } from './write.ts';

function line(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function binary(command: number, family: number, payload: Buffer, length = payload.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 0xff]), payload]);
}

function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0x01, 0xbb]);
const IPV6 = Buffer.from('20010db8000000000000000000000001' + '20010db8000000000000000000000002' + '1f9001bb', 'hex');

describe('version 1', () => {
  test.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n', { address: '192.0.2.1', port: 8080 }],
    ['PROXY TCP6 2001:DB8::1 2001:db8::2 0 65535\r\n', { address: '2001:db8::1', port: 0 }],
    ['PROXY TCP6 2001:db8:0:0:0::7 2001:db8::2 1 2\r\n', { address: '2001:db8::7', port: 1 }],
    ['PROXY TCP6 ::FFFF:192.0.2.1 ::ffff:198.51.100.2 1 2\r\n', { address: '192.0.2.1', port: 1 }],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ff:: whatever 1\r\n', null],
    [`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`, null],
  ])('accepts %j', (text, peer) => {
    expect(readProxyHeader(line(`${text}GET`))).toEqual({ kind: 'header', length: text.length, peer });
  });

  test.each([
    'GET / HTTP/1.1\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.2 8080 443\r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.2 8080 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 8080 443 \r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\n',
    'PROXY TCP4 192.0.2.01 198.51.100.2 8080 443\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 8080 443\r\n',
    'PROXY TCP4 2001:db8::1 198.51.100.2 8080 443\r\n',
    'PROXY TCP6 192.0.2.1 2001:db8::2 8080 443\r\n',
    'PROXY TCP6 fe80::1%eth0 2001:db8::2 8080 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 08080 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1e3 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 8080\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 8080 443\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(200)}`,
    'PROXYX',
  ])('refuses %j', (text) => {
    expect(readProxyHeader(line(text))).toEqual({ kind: 'malformed' });
  });
});

describe('version 2', () => {
  test.each<[string, Buffer, unknown]>([
    ['IPv4', binary(0x21, 0x11, IPV4), { address: '192.0.2.1', port: 8080 }],
    ['IPv4 of a datagram', binary(0x21, 0x12, IPV4), { address: '192.0.2.1', port: 8080 }],
    ['IPv6', binary(0x21, 0x21, IPV6), { address: '2001:db8::1', port: 8080 }],
    [
      'IPv4 as IPv6',
      binary(0x21, 0x21, Buffer.from('00000000000000000000ffffc0000201'.repeat(2) + '1f9001bb', 'hex')),
      { address: '192.0.2.1', port: 8080 },
    ],
    ['a Unix socket', binary(0x21, 0x31, Buffer.alloc(216)), null],
    ['an unspecified family', binary(0x21, 0x00, Buffer.alloc(0)), null],
    ['LOCAL with anything', binary(0x20, 0xff, Buffer.from([1, 2, 3])), null],
    [
      'fields after the addresses',
      binary(0x21, 0x11, Buffer.concat([IPV4, tlv(0x02, line('a.example')), tlv(0xea, Buffer.alloc(300))])),
      { address: '192.0.2.1', port: 8080 },
    ],
  ])('accepts %s', (_, header, peer) => {
    expect(readProxyHeader(Buffer.concat([header, line('rest')]))).toEqual({ kind: 'header', length: header.length, peer });
  });

  test.each<[string, Buffer]>([
    ['another signature', Buffer.from([0x0d, 0x0a, 0x0d, 0x0b])],
    ['another version', binary(0x11, 0x11, IPV4)],
    ['another command', binary(0x22, 0x11, IPV4)],
    ['another family', binary(0x21, 0x41, IPV4)],
    ['another transport', binary(0x21, 0x13, IPV4)],
    ['addresses that are cut', binary(0x21, 0x11, IPV4.subarray(0, 11))],
    ['IPv6 with the length of IPv4', binary(0x21, 0x21, IPV4)],
    ['a length that nothing is waited for', binary(0x21, 0x11, Buffer.alloc(0), MAX_PROXY_HEADER_BYTES - 15)],
    ['a TLV longer than the header', binary(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([0x02, 0, 2, 0x61])]))],
    ['half a TLV', binary(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([0x02, 0])]))],
    ['a wrong checksum', binary(0x21, 0x11, Buffer.concat([IPV4, tlv(0x03, Buffer.from([1, 2, 3, 4]))]))],
  ])('refuses %s', (_, header) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'malformed' });
  });

  test('accepts a valid checksum', () => {
    const header = binary(0x21, 0x11, Buffer.concat([IPV4, tlv(0x03, Buffer.alloc(4))]));
    header.writeUInt32BE(crc32c(header, header.length - 4, header.length), header.length - 4);
    expect(readProxyHeader(header)).toMatchObject({ kind: 'header' });
  });

  test('the checksum is that of its specification', () => {
    expect(crc32c(line('123456789'), 0, 0)).toBe(0xe3069283);
  });
});

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();
const port = fc.integer({ min: 0, max: 65_535 });
const clients = fc.record({
  remoteAddress: fc.oneof(ipv4, ipv6),
  remotePort: port,
  localAddress: fc.oneof(ipv4, ipv6),
  localPort: port,
});
const versions = fc.constantFrom(1 as const, 2 as const);

/** One form for each address; a mapped address becomes its IPv4 address. */
function canonical(address: string): string {
  const read = readProxyHeader(writeProxyHeader(2, { remoteAddress: address, remotePort: 1, localAddress: '::1', localPort: 1 }));
  return read.kind === 'header' ? (read.peer?.address ?? '') : '';
}

describe('properties', () => {
  test('the reader returns the written values for all families', () => {
    fc.assert(
      fc.property(clients, versions, (client, version) => {
        const header = writeProxyHeader(version, client, 'a.example');
        const read = readProxyHeader(header);
        if (read.kind !== 'header' || read.peer === null) throw new Error(`not read: ${header.latin1Slice()}`);
        expect(read.length).toBe(header.length);
        expect(canonical(read.peer.address)).toBe(canonical(client.remoteAddress));
        expect(read.peer.port).toBe(client.remotePort);
      }),
    );
  });

  test('an incomplete header is incomplete at every byte, and bytes after the header are not read', () => {
    fc.assert(
      fc.property(clients, versions, fc.uint8Array({ maxLength: 40 }), (client, version, rest) => {
        const header = writeProxyHeader(version, client, 'a.example');
        for (let length = 0; length < header.length; length++) expect(readProxyHeader(header.subarray(0, length)).kind).toBe('incomplete');
        expect(readProxyHeader(Buffer.concat([header, rest]))).toEqual(readProxyHeader(header));
      }),
      { numRuns: 50 },
    );
  });

  test('any bytes have a result, within the maximum length', () => {
    fc.assert(
      fc.property(fc.constantFrom(SIGNATURE, line('PROXY '), Buffer.alloc(0)), fc.uint8Array({ maxLength: 200 }), (start, octets) => {
        const read = readProxyHeader(Buffer.concat([start, octets]));
        expect(['incomplete', 'malformed', 'header']).toContain(read.kind);
        const padded = readProxyHeader(Buffer.concat([start, octets, Buffer.alloc(MAX_PROXY_HEADER_BYTES + 16)]));
        expect(padded.kind).not.toBe('incomplete');
      }),
    );
  });
});

describe('a written header', () => {
  test('is the line in the specification', () => {
    const client = { remoteAddress: '192.0.2.1', remotePort: 56_324, localAddress: '198.51.100.2', localPort: 443 };
    expect(writeProxyHeader(1, client).latin1Slice()).toBe('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n');
  });

  test('carries the server name in version 2', () => {
    const client = { remoteAddress: '192.0.2.1', remotePort: 0x1f90, localAddress: '198.51.100.2', localPort: 0x1bb };
    expect(writeProxyHeader(2, client, 'a.example')).toEqual(binary(0x21, 0x11, Buffer.concat([IPV4, tlv(0x02, line('a.example'))])));
  });

  test('has UNKNOWN or LOCAL without addresses', () => {
    const client = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 443 };
    expect(writeProxyHeader(1, client).latin1Slice()).toBe('PROXY UNKNOWN\r\n');
    expect(writeProxyHeader(2, client)).toEqual(binary(0x21, 0x00, Buffer.alloc(0)));
  });
});
