// The first bytes of a connection: from real clients, and malformed.
import { describe, expect, test } from '@jest/globals';
import { readClientHello } from './client-hello.ts';

const RANDOM = Buffer.alloc(32, 7);

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([uint16(bytes.length), bytes]);
}

/** A server_name extension; RFC 6066 section 3. */
function serverName(name: string | Buffer, type = 0): Buffer {
  return Buffer.concat([uint16(0), sized(sized(Buffer.concat([Buffer.from([type]), sized(Buffer.from(name))])))]);
}

/** A ClientHello with these extensions, without the record around it. */
function message(...extensions: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    RANDOM,
    Buffer.from([0]),
    sized(Buffer.from([0x13, 0x01])),
    Buffer.from([1, 0]),
    sized(Buffer.concat(extensions)),
  ]);
  return Buffer.concat([Buffer.from([1, 0]), uint16(body.length), body]);
}

/** Splits the message into records of this size. */
function records(bytes: Buffer, size = bytes.length): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(Buffer.from([0x16, 3, 1]), sized(bytes.subarray(at, at + size)));
  return Buffer.concat(parts);
}

describe('readClientHello', () => {
  test.each([
    ['a name', [serverName('a.example.com')], 'a.example.com'],
    ['a name in capitals with a dot at its end', [serverName('A.Example.COM.')], 'a.example.com'],
    ['a name after another extension', [Buffer.from([0, 10, 0, 2, 0, 0]), serverName('a.test')], 'a.test'],
    ['no extension', [], ''],
  ])('finds %s', (_, extensions, expected) => {
    expect(readClientHello(records(message(...extensions)))).toEqual({ kind: 'hello', serverName: expected });
  });

  test.each([
    ['that is empty', serverName('')],
    ['of another type', serverName('a.test', 1)],
    ['with a NUL', serverName('a.test\0.evil')],
    ['with a line break', serverName('a\r\nx: y')],
    ['with a wildcard', serverName('*.test')],
    ['with bytes above 127', serverName(Buffer.from([0xe4, 0x2e, 0x61]))],
    ['of 254 characters', serverName('a'.repeat(254))],
    ['longer than its extension', Buffer.concat([uint16(0), sized(Buffer.from([0, 9, 0, 0, 6, 0x61]))])],
  ])('refuses a name %s', (_, extension) => {
    expect(readClientHello(records(message(extension)))).toEqual({ kind: 'malformed' });
  });

  test.each([1_000, 30])('bytes after a message have no effect (records of %i bytes)', (size) => {
    const changeCipherSpec = Buffer.from([0x14, 3, 3, 0, 1, 1]);
    const bytes = Buffer.concat([records(message(serverName('a.test')), size), changeCipherSpec, Buffer.from([0x17, 3, 3, 0, 9, 7])]);
    expect(readClientHello(bytes)).toEqual({ kind: 'hello', serverName: 'a.test' });
  });

  test('every prefix of a message is incomplete, and none throws', () => {
    const bytes = records(message(serverName('a.example.com')), 40);
    for (let end = 0; end < bytes.length; end++) expect(readClientHello(bytes.subarray(0, end))).toEqual({ kind: 'incomplete' });
  });

  test('a message with wrong lengths is refused or read, without an exception', () => {
    const bytes = records(message(serverName('a.example.com')));
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const lying = Buffer.from(bytes);
        lying[at] = value;
        expect(['incomplete', 'malformed', 'hello']).toContain(readClientHello(lying).kind);
      }
    }
  });

  test('a message spread over 64 records is read, over more it is refused at the next record', () => {
    const hello = message(serverName('a.example.com'));
    expect(readClientHello(records(hello, Math.ceil(hello.length / 64)))).toMatchObject({ kind: 'hello' });
    const bytewise = records(hello, 1);
    expect(readClientHello(bytewise.subarray(0, 64 * 6))).toEqual({ kind: 'incomplete' });
    expect(readClientHello(bytewise.subarray(0, 65 * 6))).toEqual({ kind: 'malformed' });
  });

  test.each([
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0])],
    ['a record above 16 KiB', Buffer.from([0x16, 3, 1, 0x40, 1])],
    ['an alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
    ['another handshake message', records(Buffer.from([2, 0, 0, 0]))],
    ['a message above 16 KiB', records(Buffer.from([1, 0, 0x40, 1]))],
    ['SSL 2', Buffer.from([0x80, 0x2e, 1, 0, 2])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ])('refuses %s', (_, bytes) => {
    expect(readClientHello(bytes)).toEqual({ kind: 'malformed' });
  });
});
