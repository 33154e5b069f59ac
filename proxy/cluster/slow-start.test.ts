// Slow start: the weight of endpoints that join.
import { expect, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Timer } from '#lib/timer-wheel.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointPool } from './endpoint.ts';
import { memberOf } from './member.ts';
import type { Member } from './member.ts';
import { SlowStart } from './slow-start.ts';

const WHEEL = new TimerWheel();

function members(count: number): Member[] {
  return Array.from({ length: count }, (_, i) => {
    return memberOf(new Endpoint('10.0.0.1', i + 1, () => ({}) as EndpointPool, WHEEL), { weight: 2, draining: false });
  });
}

function open(window: number) {
  const rig = { now: 1_000, changes: 0, armed: null as Timer | null };
  const timers = {
    arm: (timer: Timer) => void (rig.armed = timer),
    disarm: () => void (rig.armed = null),
  };
  const slow = new SlowStart({ window, timers, changed: () => void rig.changes++, now: () => rig.now });
  const weights = (candidates: readonly Member[]) => slow.weigh(candidates).map(({ weight }) => weight);
  return { rig, slow, weights };
}

test('the first endpoints have their whole weight', () => {
  const { rig, weights } = open(10_000);
  expect(weights(members(2))).toEqual([2, 2]);
  expect(rig.armed).toBeNull();
});

test('the weight of an endpoint that joins grows to the whole', () => {
  const { rig, weights } = open(10_000);
  const all = members(3);
  weights(all.slice(0, 2));
  expect(weights(all)).toEqual([2, 2, 0.2]);
  rig.now += 5_000;
  expect(weights(all)).toEqual([2, 2, 1]);
  rig.armed?.expire();
  expect(rig.changes).toBe(1);
  rig.now += 5_000;
  rig.armed = null;
  expect(weights(all)).toEqual([2, 2, 2]);
  expect(rig.armed).toBeNull();
});

test('an endpoint that was away begins again', () => {
  const { rig, weights } = open(10_000);
  const all = members(2);
  weights(all);
  weights(all.slice(0, 1));
  rig.now += 60_000;
  expect(weights(all)).toEqual([2, 0.2]);
});

test('without a window the candidates stay as they are', () => {
  const { weights, slow } = open(0);
  const all = members(2);
  weights(all.slice(0, 1));
  expect(slow.weigh(all)).toBe(all);
});
