// The reader of DER with bytes from any peer, and the writer against the reader.
import { describe, expect, test } from '@jest/globals';
import { bitsOf, childrenOf, encodeDer, integer, oid, oidOf, readDer, sequence, sequenceOf, TAG, timeOf } from './der.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe('readDer', () => {
  test.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a value that is cut off', '300502'],
    ['a length that is cut off', '3082'],
    ['an indefinite length', '30800201010000'],
    ['a length of five bytes', '3085000000000101'],
    ['a tag of several bytes', '1f810001'],
  ])('refuses %s', (_name, hex) => expect(readDer(bytes(hex))).toBeNull());

  test('does not read after the element', () => {
    expect(readDer(bytes('0201077777'))).toEqual({ tag: TAG.integer, value: bytes('07'), raw: bytes('020107') });
  });
});

test('children must fill their element', () => {
  expect(childrenOf(readDer(bytes('3004020101ff')))).toBeNull();
  expect(childrenOf(readDer(bytes('3006020101020102')))).toHaveLength(2);
  expect(sequenceOf(readDer(bytes('3103020101')))).toBeNull();
});

test.each([0, 1, 127, 128, 255, 256, 65_536])('reads back an element of %i bytes', (length) => {
  const value = Buffer.alloc(length, 7);
  expect(readDer(encodeDer(TAG.octetString, value))?.value.equals(value)).toBe(true);
});

test('reads its own output', () => {
  const [name, number] = sequenceOf(readDer(sequence(oid('1.2.840.10045.4.3.2'), integer(bytes('80'))))) ?? [];
  expect(oidOf(name)).toBe('2a8648ce3d040302');
  expect(number?.value).toEqual(bytes('0080'));
});

test('reads bits of whole bytes and times in UTC only', () => {
  expect(bitsOf(readDer(bytes('03020105')))).toBeNull();
  expect(bitsOf(readDer(bytes('03020005')))).toEqual(bytes('05'));
  const time = (text: string) => timeOf(readDer(encodeDer(TAG.generalizedTime, Buffer.from(text))));
  expect([time('20260102030405Z'), time('20260102030405+0100')]).toEqual([Date.UTC(2026, 0, 2, 3, 4, 5), NaN]);
});
