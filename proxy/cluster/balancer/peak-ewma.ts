// Peak EWMA: of two random endpoints the one with the lower expected time to the head of an answer. The expectation is a moving average that
// rises at once with a slow answer and falls over seconds, multiplied by the open requests. Without requests it falls too, so that an
// endpoint that was slow is tried again.
import { turnTime } from '#lib/turn-clock.ts';
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/** The time after which a measurement counts 1/e: 37 %. */
const DECAY_MS = 10_000;
/** The least time that a failed attempt counts as: a fast failure must not attract requests. */
const FAILED_MS = 1_000;
/** The expectation of an endpoint that has requests and no answer yet: it gets more requests once it has answered one. */
const UNKNOWN_MS = 1_000;

/** The time that attempts at one endpoint take. */
class Latency {
  #ms = 0;
  #at = 0;

  observe(ms: number, now: number): void {
    const expected = this.expected(now);
    const share = Math.exp(-Math.max(0, now - this.#at) / DECAY_MS);
    this.#ms = ms > expected ? ms : this.#ms * share + ms * (1 - share);
    this.#at = now;
  }

  /** Milliseconds; 0 without measurements. */
  expected(now: number): number {
    return this.#ms === 0 ? 0 : this.#ms * Math.exp(-Math.max(0, now - this.#at) / DECAY_MS);
  }
}

export class PeakEwma implements Balancer {
  readonly #now: () => number;
  #endpoints: readonly Endpoint[] = [];
  #latencies = new Map<UpstreamEndpoint, Latency>();
  #choices = new TwoChoices([], () => false);

  /** `now`: the clock, milliseconds. */
  constructor(now: () => number = turnTime) {
    this.#now = now;
  }

  update(candidates: readonly Candidate[]): void {
    const latencies = candidates.map(({ endpoint }) => this.#latencies.get(endpoint) ?? new Latency());
    this.#latencies = new Map(candidates.map(({ endpoint }, place) => [endpoint, latencies[place] as Latency]));
    const endpoints = candidates.map(({ endpoint }) => endpoint);
    const mean = candidates.reduce((sum, { weight }) => sum + weight, 0) / candidates.length;
    const loads = Float64Array.from(candidates, ({ weight }) => mean / weight);
    this.#endpoints = endpoints;
    const cost = (place: number, now: number): number => {
      const { active } = endpoints[place] as Endpoint;
      const expected = (latencies[place] as Latency).expected(now);
      if (expected === 0 && active > 0) return UNKNOWN_MS * (1 + active);
      return expected * (1 + active * (loads[place] as number));
    };
    this.#choices = new TwoChoices(candidates, (a, b) => {
      const now = this.#now();
      return cost(b, now) < cost(a, now);
    });
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    return this.#endpoints[this.#choices.choose(tried)] as Endpoint;
  }

  /** An attempt without an answer took at least the time so far. */
  attemptEnded({ endpoint, beganAt, headAt, endedAt }: Attempt, outcome: AttemptOutcome): void {
    const latency = this.#latencies.get(endpoint);
    if (latency === undefined) return;
    const now = this.#now();
    if (outcome === 'failed') return latency.observe(Math.max(FAILED_MS, endedAt - beganAt), now);
    if (headAt > 0) return latency.observe(headAt - beganAt, now);
    const sofar = endedAt - beganAt;
    if (sofar > latency.expected(now)) latency.observe(sofar, now);
  }
}
