// What is written by the fast ways equals what the runtime writes.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WireWriter } from './wire-writer.ts';

/** What a writer writes, without the length in front of `size` bytes. */
function written(write: (writer: WireWriter) => void, size: number): Buffer {
  const writer = new WireWriter();
  write(writer);
  return writer.finish().subarray(writer.length - size);
}

test('texts of every length and alphabet are UTF-8', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ unit: 'grapheme-ascii', maxLength: 80 }));
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = Buffer.from(text);
      expect(written((writer) => writer.string(text), bytes.length).equals(bytes)).toBe(true);
    }),
  );
});

test.each(['\ud800', 'a\udc00b', `${'a'.repeat(31)}é`])('the text %j is UTF-8 too', (text) => {
  const bytes = Buffer.from(text);
  expect(written((writer) => writer.string(text), bytes.length)).toEqual(bytes);
});

test('digits are bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      expect(written((writer) => writer.hex(buffer.toString('hex')), buffer.length)).toEqual(buffer);
    }),
  );
});

test('numbers of 32 bits have the lowest byte first', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), (value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      expect(written((writer) => writer.fixed32(value), 4)).toEqual(bytes);
    }),
  );
});

test('all bytes are copied to their place', () => {
  const writer = new WireWriter();
  writer.string('x'.repeat(300));
  const target = Buffer.alloc(400);
  writer.copyTo(target, 7);
  expect(target.subarray(7, 7 + writer.length)).toEqual(writer.finish());
});
