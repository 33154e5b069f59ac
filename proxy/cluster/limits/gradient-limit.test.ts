// The adaptive limit with a simulated backend: it works on a fixed number of requests at a time, and makes the others wait.
import { describe, expect, test } from '@jest/globals';
import { GradientLimit } from './gradient-limit.ts';
import type { GradientSettings } from './gradient-limit.ts';

const SETTINGS: GradientSettings = { minRequests: 10, maxRequests: 1_000, tolerancePercent: 50 };
const CAPACITY = 40;
const SERVICE_MS = 50;
/** What a limit may be above the capacity, as a factor: the tolerance, and the room for growth. */
const NEAR = 2.25;

/** The same numbers in every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

interface Request {
  readonly sentAt: number;
  endsAt: number;
}

/** Requests come at random times and pass if the limit allows it. Times in milliseconds. */
class Simulation {
  readonly limit: GradientLimit;
  readonly #random = randomOf(7);
  readonly #working: Request[] = [];
  readonly #waiting: Request[] = [];
  capacity = CAPACITY;
  serviceMs = SERVICE_MS;
  now = 0;
  /** Since the last `run`. */
  answers = 0;
  refusals = 0;
  latencies: number[] = [];
  lowest = Infinity;

  constructor(settings: Partial<GradientSettings> = {}) {
    this.limit = new GradientLimit({ ...SETTINGS, ...settings });
  }

  /** The requests per millisecond that the backend can answer. */
  get sustainable(): number {
    return this.capacity / this.serviceMs;
  }

  /** Requests arrive for `ms` at a rate of `perMs`. */
  run(ms: number, perMs: number): this {
    Object.assign(this, { answers: 0, refusals: 0, latencies: [], lowest: Infinity });
    const end = this.now + ms;
    for (let arrival = this.#after(perMs); arrival < end; arrival += this.#after(perMs) - this.now) {
      this.#endUntil(arrival);
      this.now = arrival;
      this.#arrive();
    }
    this.#endUntil(end);
    this.now = end;
    return this;
  }

  /** No request comes; those under way end. */
  idle(ms: number): this {
    this.#endUntil(this.now + ms);
    this.now += ms;
    return this;
  }

  /** Answers per millisecond as a share of the sustainable rate. */
  goodput(ms: number): number {
    return this.answers / ms / this.sustainable;
  }

  get medianLatency(): number {
    return this.latencies.toSorted((a, b) => a - b)[this.latencies.length >> 1] ?? 0;
  }

  #after(perMs: number): number {
    return this.now - Math.log(this.#random()) / perMs;
  }

  #arrive(): void {
    this.lowest = Math.min(this.lowest, this.limit.limit);
    if (this.#working.length + this.#waiting.length >= this.limit.limit) {
      this.refusals++;
      return;
    }
    this.#waiting.push({ sentAt: this.now, endsAt: 0 });
    this.#work(this.now);
  }

  #work(now: number): void {
    while (this.#waiting.length > 0 && this.#working.length < this.capacity) {
      const request = this.#waiting.shift() as Request;
      // Between half and one and a half of the mean.
      request.endsAt = now + this.serviceMs * (0.5 + this.#random());
      this.#working.push(request);
      this.#working.sort((a, b) => a.endsAt - b.endsAt);
    }
  }

  #endUntil(time: number): void {
    while (this.#working.length > 0 && (this.#working[0] as Request).endsAt <= time) {
      const { sentAt, endsAt } = this.#working[0] as Request;
      this.limit.answered(sentAt, endsAt, this.#working.length + this.#waiting.length);
      this.#working.shift();
      this.answers++;
      this.latencies.push(endsAt - sentAt);
      this.#work(endsAt);
    }
  }
}

const MINUTE = 60_000;

describe('under overload', () => {
  test('the limit settles near the capacity: the backend stays busy, and requests wait in it for a short time', () => {
    const simulation = new Simulation();
    simulation.run(10_000, 3 * simulation.sustainable).run(20_000, 3 * simulation.sustainable);
    expect(simulation.limit.limit).toBeGreaterThanOrEqual(CAPACITY * 0.9);
    expect(simulation.limit.limit).toBeLessThanOrEqual(NEAR * CAPACITY);
    expect(simulation.goodput(20_000)).toBeGreaterThan(0.95);
    expect(simulation.medianLatency).toBeLessThan(NEAR * SERVICE_MS);
  });

  test('the limit stays there, although the backend is never at low load', () => {
    const simulation = new Simulation();
    simulation.run(10_000, 3 * simulation.sustainable);
    for (let minute = 0; minute < 5; minute++) {
      simulation.run(MINUTE, 1.5 * simulation.sustainable);
      expect(simulation.limit.limit).toBeLessThanOrEqual(NEAR * CAPACITY);
      expect(simulation.goodput(MINUTE)).toBeGreaterThan(0.95);
      expect(simulation.medianLatency).toBeLessThan(NEAR * SERVICE_MS);
    }
  });

  test('a limit that begins above the capacity comes down, although it has never seen low load', () => {
    const simulation = new Simulation({ minRequests: 1 });
    simulation.capacity = 4;
    simulation.run(5 * MINUTE, 3 * simulation.sustainable).run(MINUTE, 3 * simulation.sustainable);
    expect(simulation.limit.limit).toBeLessThanOrEqual(14);
    expect(simulation.goodput(MINUTE)).toBeGreaterThan(0.95);
  });

  test('the limit follows a capacity that falls, and one that rises', () => {
    const simulation = new Simulation();
    simulation.run(20_000, 3 * simulation.sustainable);
    const rate = 3 * simulation.sustainable;
    simulation.capacity = CAPACITY / 2;
    simulation.run(MINUTE, rate).run(20_000, rate);
    expect(simulation.limit.limit).toBeLessThanOrEqual(NEAR * simulation.capacity);
    expect(simulation.goodput(20_000)).toBeGreaterThan(0.95);
    simulation.capacity = CAPACITY * 2;
    simulation.run(MINUTE, rate).run(20_000, rate);
    expect(simulation.limit.limit).toBeGreaterThanOrEqual(CAPACITY * 2 * 0.9);
    expect(simulation.goodput(20_000)).toBeGreaterThan(0.95);
  });
});

describe('without overload', () => {
  test('no request is refused, also at the start', () => {
    const simulation = new Simulation();
    simulation.run(MINUTE, 0.1 * simulation.sustainable);
    expect(simulation.refusals).toBe(0);
  });

  test('after a short start no request is refused at half of the capacity', () => {
    const simulation = new Simulation();
    simulation.run(5_000, 0.5 * simulation.sustainable).run(2 * MINUTE, 0.5 * simulation.sustainable);
    expect(simulation.refusals).toBe(0);
  });

  test('slow requests at low load do not lower the limit', () => {
    const simulation = new Simulation();
    simulation.run(20_000, 3 * simulation.sustainable).idle(1_000);
    const { limit } = simulation.limit;
    simulation.run(MINUTE, 0.1 * simulation.sustainable);
    simulation.serviceMs = 2 * SERVICE_MS;
    simulation.run(MINUTE, 0.1 * simulation.sustainable);
    expect(simulation.limit.limit).toBe(limit);
  });

  test('of a backend that answers in less than a millisecond, differences of a few milliseconds count as noise', () => {
    const simulation = new Simulation();
    simulation.serviceMs = 0.5;
    simulation.run(1_000, 0.5 * simulation.sustainable);
    simulation.serviceMs = 3;
    simulation.run(5_000, 0.5 * simulation.sustainable);
    expect(simulation.refusals).toBe(0);
  });
});

test('the limit shrinks while the backend is slow, and recovers within seconds', () => {
  const simulation = new Simulation();
  const rate = 0.8 * simulation.sustainable;
  simulation.run(20_000, rate);
  const before = simulation.limit.limit;
  simulation.serviceMs = 10 * SERVICE_MS;
  simulation.run(20_000, rate);
  expect(simulation.limit.limit).toBeLessThan(before);
  simulation.serviceMs = SERVICE_MS;
  simulation.run(10_000, rate).run(20_000, rate);
  expect(simulation.refusals).toBe(0);
  expect(simulation.limit.limit).toBeGreaterThanOrEqual(CAPACITY * 0.8);
});

test('a backend that stays slower gets its requests again: the new latency becomes the usual one', () => {
  const simulation = new Simulation();
  const rate = 0.5 * simulation.sustainable;
  simulation.run(20_000, rate);
  // Slower and with as much more capacity, as behind a slower dependency.
  simulation.serviceMs = 5 * SERVICE_MS;
  simulation.capacity = 5 * CAPACITY;
  simulation.run(MINUTE, rate).run(MINUTE, rate);
  expect(simulation.refusals).toBe(0);
});

test.each([1_000, 60_000, 24 * 60 * MINUTE])('a pause of %d ms changes nothing', (pause) => {
  const simulation = new Simulation();
  const rate = 3 * simulation.sustainable;
  simulation.run(20_000, rate).idle(1_000);
  const { limit } = simulation.limit;
  simulation.idle(pause);
  expect(simulation.limit.limit).toBe(limit);
  simulation.run(20_000, rate);
  expect(simulation.limit.limit).toBeLessThanOrEqual(NEAR * CAPACITY);
  expect(simulation.lowest).toBeGreaterThanOrEqual(CAPACITY / 2);
  expect(simulation.goodput(20_000)).toBeGreaterThan(0.95);
});

test('the limit keeps its bounds', () => {
  const narrow = new Simulation({ minRequests: 20, maxRequests: 30 });
  narrow.run(20_000, 3 * narrow.sustainable);
  expect(narrow.limit.limit).toBe(30);
  narrow.serviceMs = 20 * SERVICE_MS;
  narrow.run(20_000, 3 * narrow.sustainable);
  expect(narrow.limit.limit).toBe(20);
});
