// The time of a pick of each balancer, for a hundred and for ten thousand endpoints.
import { TimerWheel } from '#lib/timer-wheel.ts';
import { Endpoint } from '../proxy/cluster/endpoint.ts';
import type { EndpointPool } from '../proxy/cluster/endpoint.ts';
import type { Balancer, Candidate } from '../proxy/cluster/balancer/balancer.ts';
import { BALANCER_TYPES, makeBalancer } from '../proxy/cluster/balancer/index.ts';
import type { BalancerType } from '../proxy/cluster/balancer/index.ts';
import type { Attempt } from '../proxy/exchange/attempt.ts';
import type { UpstreamEndpoint } from '../proxy/exchange/plan.ts';

const COUNTS = [100, 10_000];
const PICKS = 200_000;
const NONE: readonly UpstreamEndpoint[] = [];
const WHEEL = new TimerWheel();
const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};

/** Nanoseconds per pick, and milliseconds to take new endpoints: the median of all rounds. */
export interface PickTimes {
  readonly balancer: string;
  readonly endpoints: number;
  readonly pick: number;
  readonly update: number;
}

/** A balancer with its settings, and whether the weights of the endpoints differ. */
const CASES: readonly { readonly name: string; readonly type: BalancerType; readonly weighted?: boolean; readonly bound?: number }[] = [
  ...BALANCER_TYPES.map((type) => ({ name: type, type })),
  ...(['RoundRobin', 'Random', 'LeastRequest', 'PeakEWMA'] as const).map((type) => ({ name: `${type}, weighted`, type, weighted: true })),
  ...(['RingHash', 'Maglev'] as const).map((type) => ({ name: `${type}, bounded load`, type, bound: 1.25 })),
];

/** Measures all balancers in interleaved rounds, so that a busy machine affects all alike. */
export function benchPicks(rounds: number): PickTimes[] {
  const subjects = COUNTS.flatMap((endpoints) => CASES.map((setting) => new Subject(setting.name, setting, endpoints)));
  for (let round = 0; round <= rounds; round++) for (const subject of subjects) subject.measure(round > 0);
  return subjects.map((subject) => subject.times());
}

class Subject {
  readonly #name: string;
  readonly #balancer: Balancer;
  readonly #candidates: readonly Candidate[];
  readonly #picks: number[] = [];
  readonly #updates: number[] = [];

  constructor(name: string, { type, weighted = false, bound = 0 }: (typeof CASES)[number], endpoints: number) {
    this.#name = name;
    this.#balancer = makeBalancer({ type, boundedLoad: bound });
    this.#candidates = Array.from({ length: endpoints }, (_, i) => {
      const endpoint = new Endpoint(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 80, () => POOL, WHEEL);
      endpoint.active = i % 7;
      return { endpoint, weight: weighted ? (i % 10) + 1 : 1 };
    });
  }

  /** `counts`: false for the round in which the code is compiled. */
  measure(counts: boolean): void {
    const began = cpuTime();
    this.#balancer.update(this.#candidates);
    const updated = cpuTime();
    for (const { endpoint } of this.#candidates) {
      this.#balancer.attemptEnded?.({ endpoint, beganAt: 1, headAt: 2 + endpoint.active, endedAt: 10 } as unknown as Attempt, 'answered');
    }
    const start = cpuTime();
    for (let i = 0; i < PICKS; i++) this.#balancer.pick(Math.imul(i, 0x9e3779b1) >>> 0, NONE);
    if (!counts) return;
    this.#picks.push(((cpuTime() - start) / PICKS) * 1e6);
    this.#updates.push(updated - began);
  }

  times(): PickTimes {
    return { balancer: this.#name, endpoints: this.#candidates.length, pick: median(this.#picks), update: median(this.#updates) };
  }
}

/** Milliseconds of this process: other programs on the machine count less than with a clock. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
