// The balancers by their type in the settings.
import type { Balancer } from './balancer.ts';
import { LeastRequest } from './least-request.ts';
import { PeakEwma } from './peak-ewma.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';

/** The balancer of a variant. Plain data, because equal settings share a variant. */
export interface BalancerSettings {
  readonly type: keyof typeof BALANCERS;
}

const BALANCERS = {
  RoundRobin: (): Balancer => new RoundRobin(),
  Random: (): Balancer => new Random(),
  LeastRequest: (): Balancer => new LeastRequest(),
  PeakEWMA: (): Balancer => new PeakEwma(),
} as const;

export function makeBalancer({ type }: BalancerSettings): Balancer {
  return BALANCERS[type]();
}
