import { expect, test } from '@jest/globals';
import { OwnWrites } from './own-writes.ts';

const version = (resourceVersion: string) => ({ resourceVersion });

test('returns the written version until the watch delivers a newer one', () => {
  const writes = new OwnWrites();
  writes.wrote('a', version('2'), version('1'));
  expect(writes.latest('a', version('1'))).toEqual(version('2'));
  expect(writes.latest('a', version('3'))).toEqual(version('3'));
  expect(writes.latest('a', version('1'))).toEqual(version('1'));
});

test('returns a created object that the watch has not delivered', () => {
  const writes = new OwnWrites();
  writes.wrote('a', version('1'), undefined);
  expect(writes.latest('a', undefined)).toEqual(version('1'));
  expect(writes.latest('b', undefined)).toBeUndefined();
});

test('distinguishes own writes from those of others', () => {
  const writes = new OwnWrites();
  writes.wrote('a', version('2'), version('1'));
  expect(writes.delivered('a', version('2'))).toBe(true);
  expect(writes.delivered('a', version('2'))).toBe(false);
  writes.wrote('a', version('4'), version('2'));
  expect(writes.delivered('a', version('3'))).toBe(false);
});

test('drops a write that the watch delivered before the answer', () => {
  const writes = new OwnWrites();
  writes.wrote('a', version('2'), version('2'));
  expect(writes.latest('a', version('2'))).toEqual(version('2'));
  expect(writes.delivered('a', version('2'))).toBe(false);
});
