// The rules of every balancer, and the rules of those with weights or turns.
import { describe, expect, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { Endpoint } from '../endpoint.ts';
import type { EndpointPool } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { BALANCER_TYPES, makeBalancer } from './index.ts';
import { RoundRobin } from './round-robin.ts';

const WHEEL = new TimerWheel();
const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};
const PICKS = 100_000;

/** The greatest difference of a share from its ideal. A ring has a limited number of points, so its shares differ more. */
const TOLERANCE: Readonly<Record<string, number>> = { RingHash: 0.08 };

function candidatesOf(weights: readonly number[]): Candidate[] {
  return weights.map((weight, i) => ({ endpoint: new Endpoint('10.0.0.1', i + 1, () => POOL, WHEEL), weight }));
}

function equal(count: number): Candidate[] {
  return candidatesOf(Array.from({ length: count }, () => 1));
}

/** Picks by endpoint. The hashes are those of as many different keys. */
function counted(balancer: Balancer, picks: number): Map<Endpoint, number> {
  const counts = new Map<Endpoint, number>();
  for (let i = 0; i < picks; i++) {
    const endpoint = balancer.pick(Math.imul(i, 0x9e3779b1) >>> 0, []);
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
  }
  return counts;
}

function withCandidates(create: () => Balancer, candidates: readonly Candidate[]): Balancer {
  const balancer = create();
  balancer.update(candidates);
  return balancer;
}

describe.each(BALANCER_TYPES)('%s', (type) => {
  const create = (): Balancer => makeBalancer({ type, boundedLoad: 0 });
  const tolerance = TOLERANCE[type] ?? 0.01;

  test('picks every endpoint, and no other', () => {
    const candidates = equal(5);
    const picked = counted(withCandidates(create, candidates), 1_000);
    expect(new Set(picked.keys())).toEqual(new Set(candidates.map(({ endpoint }) => endpoint)));
  });

  test('never picks a removed endpoint', () => {
    const candidates = equal(10);
    const balancer = withCandidates(create, candidates);
    counted(balancer, 7);
    balancer.update(candidates.slice(0, 5));
    const picked = counted(balancer, 1_000);
    for (const { endpoint } of candidates.slice(5)) expect(picked.has(endpoint)).toBe(false);
    expect(picked.size).toBe(5);
  });

  test('picks a new endpoint', () => {
    const candidates = equal(3);
    const balancer = withCandidates(create, candidates.slice(0, 2));
    counted(balancer, 7);
    balancer.update(candidates);
    expect(counted(balancer, 1_000).has(candidates[2]!.endpoint)).toBe(true);
  });

  test('avoids tried endpoints while another is left', () => {
    const candidates = equal(4);
    const balancer = withCandidates(create, candidates);
    const tried = candidates.slice(0, 3).map(({ endpoint }) => endpoint);
    for (let hash = 0; hash < 50; hash++) expect(balancer.pick(hash * 0x1234567, tried)).toBe(candidates[3]!.endpoint);
  });

  test('picks a tried endpoint if no other is left', () => {
    const candidates = equal(3);
    const balancer = withCandidates(create, candidates);
    const tried = candidates.map(({ endpoint }) => endpoint);
    expect(tried).toContain(balancer.pick(1, tried));
  });

  test('picks the only endpoint', () => {
    const candidates = equal(1);
    const only = candidates[0]!.endpoint;
    const balancer = withCandidates(create, candidates);
    expect([balancer.pick(1, []), balancer.pick(2, [only])]).toEqual([only, only]);
  });

  test('picks among ten thousand endpoints', () => {
    const candidates = equal(10_000);
    expect(counted(withCandidates(create, candidates), PICKS).size).toBeGreaterThan(9_000);
  });

  test('picks in proportion to the weights', () => {
    const candidates = candidatesOf([1, 2, 3, 4]);
    const picked = counted(withCandidates(create, candidates), PICKS);
    for (const { endpoint, weight } of candidates) {
      expect(Math.abs((picked.get(endpoint) ?? 0) / PICKS - weight / 10)).toBeLessThan(tolerance);
    }
  });

  test('follows a change of weights', () => {
    const candidates = equal(2);
    const balancer = withCandidates(create, candidates);
    counted(balancer, 11);
    balancer.update([candidates[0]!, { endpoint: candidates[1]!.endpoint, weight: 3 }]);
    expect(Math.abs((counted(balancer, PICKS).get(candidates[1]!.endpoint) ?? 0) / PICKS - 0.75)).toBeLessThan(tolerance);
  });
});

describe('round robin', () => {
  test('lets endpoints of equal weight take turns', () => {
    const candidates = equal(3);
    const balancer = withCandidates(() => new RoundRobin(), candidates);
    for (let round = 0; round < 3; round++) expect([...counted(balancer, 3).values()]).toEqual([1, 1, 1]);
  });

  test('another attempt takes the next endpoint, and the turn of that endpoint stays', () => {
    const balancer = withCandidates(() => new RoundRobin(), equal(3));
    const [first, second, third] = [balancer.pick(0, []), balancer.pick(0, []), balancer.pick(0, [])];
    balancer.pick(0, []);
    expect([balancer.pick(0, [first]), balancer.pick(0, [first])]).toEqual([second, second]);
    expect([balancer.pick(0, []), balancer.pick(0, [])]).toEqual([second, third]);
  });

  test('the turn stays with its endpoint when others come and go', () => {
    const candidates = equal(6);
    const balancer = withCandidates(() => new RoundRobin(), candidates);
    balancer.pick(0, []);
    const next = balancer.pick(0, []);
    for (let i = 0; i < 5; i++) balancer.pick(0, []);
    const others = candidates.filter(({ endpoint }) => endpoint !== next);
    balancer.update([others[2]!, candidates.find(({ endpoint }) => endpoint === next)!, others[1]!]);
    expect(balancer.pick(0, [])).toBe(next);
  });

  test('turns by weight are smooth: an endpoint never waits longer than its interval', () => {
    const candidates = candidatesOf([5, 1, 1, 3]);
    const balancer = withCandidates(() => new RoundRobin(), candidates);
    const order = Array.from({ length: 1_000 }, () => balancer.pick(0, []));
    for (const { endpoint, weight } of candidates) {
      const places = order.flatMap((picked, place) => (picked === endpoint ? [place] : []));
      const waits = places.slice(1).map((place, i) => place - places[i]!);
      expect(Math.max(...waits)).toBeLessThanOrEqual(Math.ceil(10 / weight) + 2);
    }
  });

  test('turns by weight keep their positions over frequent changes of the weights', () => {
    const candidates = candidatesOf([1, 2]);
    const balancer = withCandidates(() => new RoundRobin(), candidates);
    let light = 0;
    for (let i = 0; i < 3_000; i++) {
      balancer.update(candidates);
      if (balancer.pick(0, []) === candidates[0]!.endpoint) light++;
    }
    expect(Math.abs(light - 1_000)).toBeLessThanOrEqual(1);
  });
});
