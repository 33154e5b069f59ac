// The messages of grpc.health.v1, and damaged ones.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeStatus, encodeCheck } from './health-message.ts';

const message = (...bytes: number[]): Buffer => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);

test('a request for the whole server has no field', () => {
  expect(encodeCheck('')).toEqual(message());
});

test('a request names its service, however long', () => {
  expect(encodeCheck('a')).toEqual(message(0x0a, 1, 0x61));
  const long = encodeCheck('x'.repeat(300));
  expect([...long.subarray(0, 8)]).toEqual([0, 0, 0, 1, 0x2f, 0x0a, 0xac, 0x02]);
});

test.each([
  ['SERVING', message(8, 1)],
  ['NOT_SERVING', message(8, 2)],
  ['SERVICE_UNKNOWN', message(8, 3)],
  ['UNKNOWN', message()],
  ['9', message(8, 9)],
  ['SERVING after a text', message(0x12, 2, 8, 2, 8, 1)],
  ['SERVING after fixed numbers', message(0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1)],
  ['SERVING by the last of two', message(8, 2, 8, 1)],
])('an answer: %s', (name, body) => {
  expect(decodeStatus(body)).toBe(name.split(' ')[0]);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a compressed message', Buffer.from([1, 0, 0, 0, 2, 8, 1])],
  ['two messages', Buffer.concat([message(8, 1), message(8, 1)])],
  ['a short message', Buffer.from([0, 0, 0, 0, 9, 8, 1])],
  ['a number without an end', message(8, 0x80)],
  ['a text beyond the end', message(0x12, 9, 1)],
  ['a group', message(0x0b)],
])('%s is no answer', (_, body) => {
  expect(decodeStatus(body)).toBeNull();
});

test('any bytes are read to an end', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeStatus(message(...bytes))));
});
