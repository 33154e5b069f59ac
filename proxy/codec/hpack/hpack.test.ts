// HPACK against RFC 7541's examples, its own inverse, and node:http2's implementation.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.ts';

const LIMITS = { tableSize: 4_096, maxListSize: 65_536, maxHeaders: 200 };

function decodeHex(decoder: HpackDecoder, hex: string): string[] {
  const block = Buffer.from(hex, 'hex');
  const headers: string[] = [];
  expect(decoder.decode(block, 0, block.length, headers)).toBe('ok');
  return headers;
}

function outcome(bytes: readonly number[], limits = LIMITS): string {
  return new HpackDecoder(limits).decode(Buffer.from(bytes), 0, bytes.length, []);
}

describe('huffman', () => {
  test('is its own inverse for any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        const text = Buffer.from(octets).toString('latin1');
        const buffer = Buffer.alloc(huffmanLength(text));
        expect(huffmanEncode(text, buffer, 0)).toBe(buffer.length);
        expect(huffmanDecode(buffer, 0, buffer.length)).toBe(text);
      }),
    );
  });

  test('refuses EOS, long padding and padding that is not all ones', () => {
    for (const hex of ['ffffffff', 'f1e3c2e5f23a6ba0ab90f4ffff', '18']) {
      const octets = Buffer.from(hex, 'hex');
      expect(huffmanDecode(octets, 0, octets.length)).toBeNull();
    }
  });
});

describe('decoder', () => {
  test('decodes the requests of RFC 7541 C.4', () => {
    const decoder = new HpackDecoder(LIMITS);
    const first = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
    expect(decodeHex(decoder, '828684418cf1e3c2e5f23a6ba0ab90f4ff')).toEqual(first);
    expect(decodeHex(decoder, '828684be5886a8eb10649cbf')).toEqual([...first, 'cache-control', 'no-cache']);
    expect(decodeHex(decoder, '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf')).toEqual([
      ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com', 'custom-key', 'custom-value'],
    ]);
  });

  test.each([
    ['index 0', [0x80]],
    ['an index beyond the table', [0xff, 0x80, 0x01]],
    ['an integer without end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a string beyond the block', [0x00, 0x05, 0x61]],
    ['a name without value', [0x00, 0x01, 0x61]],
    ['a size update after an entry', [0x82, 0x20]],
    ['a size update above the limit', [0x3f, 0xe2, 0x1f]],
    ['three size updates', [0x20, 0x20, 0x20, 0x82]],
  ])('refuses %s', (_, bytes) => {
    expect(outcome(bytes)).toBe('invalid');
  });

  test('keeps its state when a list is too large, and reports it', () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListSize: 100 });
    const encoder = new HpackEncoder();
    const send = (headers: readonly string[]): [string, string[]] => {
      encoder.begin(0);
      for (let i = 0; i < headers.length; i += 2) encoder.write(headers[i]!, headers[i + 1]!);
      const decoded: string[] = [];
      const block = encoder.finish();
      return [decoder.decode(block, 0, block.length, decoded), decoded];
    };
    expect(send(['x-large', 'v'.repeat(90), 'x-small', 'w'])[0]).toBe('tooLarge');
    expect(send(['x-small', 'w'])).toEqual(['ok', ['x-small', 'w']]);
  });

  test('an HPACK bomb uses no more memory than the limit of its list', () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListSize: 16_384 });
    const large = Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x62)]);
    const block = Buffer.concat([large, Buffer.alloc(50_000, 0xbe)]);
    const headers: string[] = [];
    expect(decoder.decode(block, 0, block.length, headers)).toBe('tooLarge');
    expect(headers.join('').length).toBeLessThanOrEqual(16_384);
  });
});

const header = fc.tuple(
  fc.oneof(
    fc.constantFrom('cookie', 'authorization', 'accept', ':path', 'content-type', 'x-a'),
    fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  ),
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(header, { maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8_192 }) },
);

describe('encoder and decoder', () => {
  test('agree over any sequence of blocks and table sizes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const decoder = new HpackDecoder({ ...LIMITS, tableSize: 8_192 });
        const encoder = new HpackEncoder(8_192);
        for (const item of steps) {
          if (typeof item === 'number') {
            encoder.setTableSize(item);
            continue;
          }
          encoder.begin(9);
          for (const [name, value] of item) encoder.write(name, value);
          const block = encoder.finish();
          const decoded: string[] = [];
          expect(decoder.decode(block, 9, block.length, decoded)).toBe('ok');
          expect(decoded).toEqual(item.flat());
        }
      }),
    );
  });

  test('node:http2 decodes the output of the encoder', async () => {
    const seen: http2.IncomingHttpHeaders[] = [];
    const server = http2.createServer({ settings: { headerTableSize: 1_024 } });
    server.on('stream', (stream, headers) => {
      seen.push(headers);
      (stream as http2.ServerHttp2Stream).respond({ ':status': 200 }, { endStream: true });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    const encoder = new HpackEncoder();
    encoder.setTableSize(1_024);
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]));
    const count = 40;
    for (let i = 0; i < count; i++) {
      encoder.begin(9);
      for (const [name, value] of Object.entries({ ':method': 'GET', ':scheme': 'http', ':authority': 'a.example', ':path': `/${i}` })) {
        encoder.write(name, value);
      }
      encoder.write('x-repeated', 'always the same');
      encoder.write(`x-evicting-${i}`, 'v'.repeat(100));
      const frame = encoder.finish();
      frame.writeUIntBE(frame.length - 9, 0, 3);
      frame.writeUInt16BE(0x0105, 3);
      frame.writeUInt32BE(i * 2 + 1, 5);
      socket.write(Buffer.from(frame));
    }
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        if (seen.length < count) return;
        clearInterval(poll);
        resolve();
      }, 5);
    });
    expect(seen.map((headers) => headers[':path'])).toEqual(Array.from({ length: count }, (_, i) => `/${i}`));
    expect(seen.every((headers, i) => headers['x-repeated'] === 'always the same' && headers[`x-evicting-${i}`] === 'v'.repeat(100))).toBe(
      true,
    );
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
