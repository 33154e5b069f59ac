// Ring hash and Maglev: keys stay at their endpoints, all proxies agree, and the bound of the load holds.
import { describe, expect, test } from '@jest/globals';
import { murmur } from '#lib/murmur.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { Endpoint } from '../endpoint.ts';
import type { EndpointPool } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { makeBalancer } from './index.ts';

const WHEEL = new TimerWheel();
const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};
const KEYS = Array.from({ length: 20_000 }, (_, i) => murmur(`user-${i}`, 0));

function endpoints(count: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    endpoint: new Endpoint(`10.0.${i >> 8}.${i & 255}`, 80, () => POOL, WHEEL),
    weight: 1,
  }));
}

describe.each(['RingHash', 'Maglev'] as const)('%s', (type) => {
  const balancerOf = (candidates: readonly Candidate[], factor = 0): Balancer => {
    const balancer = makeBalancer({ type, boundedLoad: factor });
    balancer.update(candidates);
    return balancer;
  };

  test('a key stays at its endpoint', () => {
    const balancer = balancerOf(endpoints(10));
    for (const key of KEYS.slice(0, 100)) expect(balancer.pick(key, [])).toBe(balancer.pick(key, []));
  });

  test('the order of the endpoints has no effect', () => {
    const candidates = endpoints(50);
    const [one, other] = [balancerOf(candidates), balancerOf(candidates.toReversed())];
    expect(KEYS.filter((key) => one.pick(key, []) !== other.pick(key, []))).toEqual([]);
  });

  test('the removal of one of a hundred endpoints moves 1.5 % of the keys at most, and all of its own', () => {
    const candidates = endpoints(100);
    const before = balancerOf(candidates);
    const after = makeBalancer({ type, boundedLoad: 0 });
    let own = 0;
    let moved = 0;
    const removals = [0, 13, 50, 77, 99];
    for (const removed of removals) {
      after.update(candidates.toSpliced(removed, 1));
      for (const key of KEYS) {
        const endpoint = before.pick(key, []);
        if (endpoint === candidates[removed]!.endpoint) own++;
        if (after.pick(key, []) !== endpoint) moved++;
      }
    }
    const picks = KEYS.length * removals.length;
    if (type === 'RingHash') expect(moved).toBe(own);
    expect(moved / picks).toBeLessThan(0.015);
    expect(moved).toBeGreaterThanOrEqual(own);
  });

  test('the keys of a tried endpoint spread over all others, each with the same second endpoint everywhere', () => {
    const candidates = endpoints(5);
    const [one, other] = [balancerOf(candidates), balancerOf(candidates.toReversed())];
    const seconds = new Map<Endpoint, number>();
    let differences = 0;
    for (const key of KEYS) {
      const first = one.pick(key, []);
      const second = one.pick(key, [first]);
      if (other.pick(key, [first]) !== second) differences++;
      if (first === candidates[0]!.endpoint) seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    expect([differences, seconds.size]).toEqual([0, 4]);
    expect(Math.min(...seconds.values()) / Math.max(...seconds.values())).toBeGreaterThan(0.7);
  });

  test('the bound of the load spreads a popular key', () => {
    const candidates = endpoints(10);
    const balancer = balancerOf(candidates, 1.25);
    for (let i = 1; i <= 400; i++) {
      balancer.pick(KEYS[0]!, []).active++;
      const most = Math.max(...candidates.map(({ endpoint }) => endpoint.active));
      expect(most).toBeLessThanOrEqual(Math.ceil((1.25 * i) / 10));
    }
  });

  test('without a bound, a popular key stays at its endpoint', () => {
    const candidates = endpoints(10);
    const balancer = balancerOf(candidates);
    for (let i = 0; i < 100; i++) balancer.pick(KEYS[0]!, []).active++;
    expect(Math.max(...candidates.map(({ endpoint }) => endpoint.active))).toBe(100);
  });

  test('the bound of the load moves no key of endpoints below it', () => {
    const candidates = endpoints(10);
    const [bound, free] = [balancerOf(candidates, 2), balancerOf(candidates)];
    for (const { endpoint } of candidates) endpoint.active = 10;
    expect(KEYS.filter((key) => bound.pick(key, []) !== free.pick(key, []))).toEqual([]);
  });
});

test('the shares of a Maglev table differ by 3 % of a share at most with a hundred endpoints', () => {
  const candidates = endpoints(100);
  const balancer = makeBalancer({ type: 'Maglev', boundedLoad: 0 });
  balancer.update(candidates);
  const counts = new Map<Endpoint, number>();
  for (let slot = 0; slot < 65_537; slot++) {
    const endpoint = balancer.pick(slot, []);
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
  }
  expect(Math.min(...counts.values())).toBeGreaterThan(655 * 0.97);
  expect(Math.max(...counts.values())).toBeLessThan(655 * 1.03);
});
