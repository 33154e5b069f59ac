import { expect, test } from '@jest/globals';
import { RedisBreaker } from './redis-breaker.ts';

test('opens when more than half of the commands of the last seconds fail', () => {
  const breaker = new RedisBreaker();
  for (let i = 0; i < 5; i++) breaker.succeeded(100);
  for (let i = 0; i < 5; i++) breaker.failed(600);
  expect(breaker.isOpen).toBe(false);
  breaker.failed(700);
  expect([breaker.isOpen, breaker.permits(701)]).toEqual([true, false]);
});

test('does not open for few commands, nor for failures of long ago', () => {
  const breaker = new RedisBreaker();
  for (let i = 0; i < 4; i++) breaker.failed(0);
  breaker.failed(2_100);
  expect(breaker.isOpen).toBe(false);
});

test('lets one command try again after a second, and closes when it succeeds', () => {
  const breaker = new RedisBreaker();
  for (let i = 0; i < 5; i++) breaker.failed(0);
  expect([999, 1_000, 1_001, 1_999].map((now) => breaker.permits(now))).toEqual([false, true, false, false]);
  breaker.failed(1_500);
  expect([1_999, 2_000].map((now) => breaker.permits(now))).toEqual([false, true]);
  breaker.succeeded(2_100);
  expect([breaker.isOpen, breaker.permits(2_101), breaker.permits(2_102)]).toEqual([false, true, true]);
  breaker.failed(2_103);
  expect(breaker.isOpen).toBe(false);
});
