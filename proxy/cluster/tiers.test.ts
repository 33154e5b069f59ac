// Ranks of endpoints: priorities and zones, and the parts of the requests that each rank gets.
import { describe, expect, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type * as ir from '#api/ir/ir.ts';
import { RoundRobin } from './balancer/round-robin.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointPool } from './endpoint.ts';
import { memberOf } from './member.ts';
import type { Member } from './member.ts';
import { ranking } from './rank.ts';
import type { ZoneSettings } from './rank.ts';
import { Tiers } from './tiers.ts';

const WHEEL = new TimerWheel();
const NONE: ZoneSettings = { prefer: 'none', minEndpoints: 1 };
let port = 0;

function members(count: number, fields: Partial<ir.Endpoint> = {}): Member[] {
  return Array.from({ length: count }, () => {
    return memberOf(new Endpoint('10.0.0.1', ++port, () => ({}) as EndpointPool, WHEEL), { draining: false, ...fields });
  });
}

/** The part of the picks that the endpoints of each group get. */
function parts(tiers: Tiers, ...groups: readonly (readonly Member[])[]): number[] {
  const picks = Array.from({ length: 20_000 }, () => tiers.pick(0, []));
  return groups.map((group) => {
    const endpoints = new Set(group.map(({ endpoint }) => endpoint));
    return picks.filter((endpoint) => endpoints.has(endpoint)).length / picks.length;
  });
}

function tiersOf(all: readonly Member[], candidates: readonly Member[], settings = NONE, zone = ''): Tiers {
  const tiers = new Tiers(() => new RoundRobin());
  tiers.update(all, candidates, ranking(candidates, settings, zone));
  return tiers;
}

describe('priorities', () => {
  const first = members(10);
  const second = members(10, { priority: 1 });
  const all = [...first, ...second];

  test.each([
    [10, 1],
    [8, 1],
    [5, 0.7],
    [1, 0.14],
    [0, 0],
  ])('with %d of 10 endpoints of the first priority, that gets a part of %d', (usable, expected) => {
    const [part, rest] = parts(tiersOf(all, [...first.slice(0, usable), ...second]), first, second) as [number, number];
    expect(Math.abs(part - expected)).toBeLessThan(0.02);
    expect(part + rest).toBeCloseTo(1);
  });

  test('that cannot take everything together get parts in proportion', () => {
    const [part] = parts(tiersOf(all, [...first.slice(0, 2), ...second.slice(0, 1)]), first) as [number];
    expect(Math.abs(part - 2 / 3)).toBeLessThan(0.02);
  });

  test('another attempt goes to the next priority after all endpoints of one', () => {
    const tiers = tiersOf(all, all);
    const tried = first.map(({ endpoint }) => endpoint);
    for (let i = 0; i < 20; i++) expect(second.map(({ endpoint }) => endpoint)).toContain(tiers.pick(0, tried));
    const everything = all.map(({ endpoint }) => endpoint);
    expect(everything).toContain(tiers.pick(0, everything));
  });

  test('a key stays at its priority', () => {
    const tiers = tiersOf(all, [...first.slice(0, 5), ...second]);
    const endpoints = new Set(first.map(({ endpoint }) => endpoint));
    const isFirst = (hash: number) => endpoints.has(tiers.pick(hash, []));
    for (let hash = 1; hash < 100; hash++) expect(isFirst(hash)).toBe(isFirst(hash));
  });

  test('draining endpoints do not count', () => {
    const leaving = members(90, { draining: true });
    expect(parts(tiersOf([...leaving, ...all], all), first)).toEqual([1]);
  });
});

describe('zones', () => {
  const LOCAL: ZoneSettings = { prefer: 'local', minEndpoints: 2 };
  const HINTS: ZoneSettings = { prefer: 'hints', minEndpoints: 1 };

  test('endpoints of the zone of the proxy are preferred', () => {
    const [near, far] = [members(2, { zone: 'a' }), members(2, { zone: 'b' })];
    expect(parts(tiersOf([...near, ...far], [...near, ...far], LOCAL, 'a'), near)).toEqual([1]);
  });

  test('and leave requests to others as they lose capacity', () => {
    const [near, far] = [members(4, { zone: 'a' }), members(4, { zone: 'b' })];
    const [part] = parts(tiersOf([...near, ...far], [...near.slice(0, 2), ...far], LOCAL, 'a'), near) as [number];
    expect(Math.abs(part - 0.7)).toBeLessThan(0.02);
  });

  test.each([
    ['with too few endpoints of the zone', 1, 'a', LOCAL],
    ['if the proxy knows no zone', 2, '', LOCAL],
    ['without a preference', 2, 'a', NONE],
    ['without hints', 2, 'a', HINTS],
  ])('all zones are alike %s', (_, count, zone, settings) => {
    const [near, far] = [members(count, { zone: 'a' }), members(4 - count, { zone: 'b' })];
    const [part] = parts(tiersOf([...near, ...far], [...near, ...far], settings, zone), near) as [number];
    expect(part).toBeCloseTo(count / 4);
  });

  test('hints are followed if all endpoints have some', () => {
    const [near, far] = [members(2, { zones: ['a', 'b'] }), members(2, { zones: ['b'] })];
    const unknown = members(1);
    expect(parts(tiersOf([...near, ...far], [...near, ...far], HINTS, 'a'), near)).toEqual([1]);
    const all = [...near, ...far, ...unknown];
    expect(parts(tiersOf(all, all, HINTS, 'a'), near)[0]).toBeCloseTo(2 / 5);
  });
});
