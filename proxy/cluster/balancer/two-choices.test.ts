// Least request and peak EWMA: the effect of open requests and of measured times.
import { describe, expect, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import { Endpoint } from '../endpoint.ts';
import type { EndpointPool } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { LeastRequest } from './least-request.ts';
import { PeakEwma } from './peak-ewma.ts';

const WHEEL = new TimerWheel();
const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};

/** Endpoints of these weights, and their shares of many picks. */
class Bench {
  readonly endpoints: readonly Endpoint[];
  readonly candidates: readonly Candidate[];
  readonly balancer: Balancer;

  constructor(balancer: Balancer, ...weights: readonly number[]) {
    this.endpoints = weights.map((_, i) => new Endpoint('10.0.0.1', i + 1, () => POOL, WHEEL));
    this.candidates = weights.map((weight, i) => ({ endpoint: this.endpoints[i]!, weight }));
    this.balancer = balancer;
    balancer.update(this.candidates);
  }

  active(...counts: readonly number[]): void {
    for (const [i, count] of counts.entries()) this.endpoints[i]!.active = count;
  }

  shares(): number[] {
    const picks = Array.from({ length: 20_000 }, () => this.balancer.pick(0, []));
    return this.endpoints.map((endpoint) => picks.filter((picked) => picked === endpoint).length / picks.length);
  }

  /** An attempt at the endpoint has ended. Times in milliseconds from its start. */
  ended(place: number, outcome: AttemptOutcome, times: { readonly head?: number; readonly end: number }): void {
    const beganAt = 1_000;
    const headAt = times.head === undefined ? 0 : beganAt + times.head;
    const attempt = { endpoint: this.endpoints[place], beganAt, headAt, endedAt: beganAt + times.end } as unknown as Attempt;
    this.balancer.attemptEnded?.(attempt, outcome);
  }
}

describe('least request', () => {
  test('of two endpoints, the one with fewer open requests gets all', () => {
    const bench = new Bench(new LeastRequest(), 1, 1);
    bench.active(2, 1);
    expect(bench.shares()).toEqual([0, 1]);
  });

  test('the endpoint with the most open requests of all gets none', () => {
    const bench = new Bench(new LeastRequest(), 1, 1, 1, 1);
    bench.active(9, 3, 3, 3);
    const [busy, ...others] = bench.shares();
    expect(busy).toBe(0);
    for (const share of others) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.03);
  });

  test('open requests count in proportion to the weight', () => {
    const bench = new Bench(new LeastRequest(), 1, 4);
    bench.active(1, 3);
    expect(bench.shares()[0]).toBeLessThan(0.01);
    bench.active(1, 5);
    expect(bench.shares()[0]).toBeGreaterThan(0.3);
  });

  test('open requests balance in proportion to the weights', () => {
    const bench = new Bench(new LeastRequest(), 1, 3);
    for (let i = 0; i < 400; i++) (bench.balancer.pick(0, []) as Endpoint).active++;
    expect(Math.abs(bench.endpoints[0]!.active - 100)).toBeLessThan(10);
  });
});

describe('peak EWMA', () => {
  let now = 0;
  const create = (): PeakEwma => {
    now = 100_000;
    return new PeakEwma(() => now);
  };

  test('of two endpoints, the faster one gets all', () => {
    const bench = new Bench(create(), 1, 1);
    bench.ended(0, 'answered', { head: 5, end: 500 });
    bench.ended(1, 'answered', { head: 50, end: 51 });
    expect(bench.shares()).toEqual([1, 0]);
  });

  test('open requests multiply the time', () => {
    const bench = new Bench(create(), 1, 1);
    for (const place of [0, 1]) bench.ended(place, 'answered', { head: 5 * (place + 1), end: 10 });
    bench.active(3, 0);
    expect(bench.shares()).toEqual([0, 1]);
  });

  test('one slow answer counts at once, fast ones gradually', () => {
    const bench = new Bench(create(), 1, 1);
    for (let i = 0; i < 10; i++) bench.ended(0, 'answered', { head: 5, end: 6 });
    bench.ended(1, 'answered', { head: 10, end: 11 });
    bench.ended(0, 'answered', { head: 200, end: 201 });
    expect(bench.shares()).toEqual([0, 1]);
    bench.ended(0, 'answered', { head: 5, end: 6 });
    expect(bench.shares()).toEqual([0, 1]);
    for (let i = 0; i < 60; i++) {
      now += 1_000;
      bench.ended(0, 'answered', { head: 5, end: 6 });
      bench.ended(1, 'answered', { head: 10, end: 11 });
    }
    expect(bench.shares()).toEqual([1, 0]);
  });

  test('an endpoint that was slow is tried again', () => {
    const bench = new Bench(create(), 1, 1);
    bench.ended(0, 'answered', { head: 500, end: 501 });
    now += 60_000;
    bench.ended(1, 'answered', { head: 5, end: 6 });
    expect(bench.shares()).toEqual([1, 0]);
  });

  test('a fast failure does not attract requests', () => {
    const bench = new Bench(create(), 1, 1);
    bench.ended(0, 'failed', { end: 1 });
    bench.ended(1, 'answered', { head: 20, end: 21 });
    expect(bench.shares()).toEqual([0, 1]);
  });

  test('an abandoned attempt counts as slow if it took longer than expected', () => {
    const bench = new Bench(create(), 1, 1);
    for (const place of [0, 1]) bench.ended(place, 'answered', { head: 10, end: 11 });
    bench.ended(0, 'abandoned', { end: 1 });
    now += 1;
    bench.ended(1, 'abandoned', { end: 300 });
    expect(bench.shares()).toEqual([1, 0]);
  });

  test('a new endpoint gets one request, and more after its first answer', () => {
    const bench = new Bench(create(), 1, 1);
    bench.ended(0, 'answered', { head: 5, end: 6 });
    expect(bench.shares()).toEqual([0, 1]);
    bench.active(0, 1);
    expect(bench.shares()).toEqual([1, 0]);
  });

  test('the measurements of endpoints that stay are kept', () => {
    const bench = new Bench(create(), 1, 1);
    bench.ended(0, 'answered', { head: 50, end: 51 });
    bench.ended(1, 'answered', { head: 5, end: 6 });
    bench.balancer.update(bench.candidates);
    expect(bench.shares()).toEqual([0, 1]);
  });
});
