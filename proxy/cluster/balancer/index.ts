// The balancers by their type in the settings.
import type { Balancer } from './balancer.ts';
import { ByKey } from './by-key.ts';
import { LeastRequest } from './least-request.ts';
import { MaglevTable } from './maglev-table.ts';
import { PeakEwma } from './peak-ewma.ts';
import { Random } from './random.ts';
import { Ring } from './ring.ts';
import { RoundRobin } from './round-robin.ts';

/** The types of balancers. */
export type BalancerType = keyof typeof BALANCERS;

/** The balancer of a variant. Plain data, because equal settings share a variant. */
export interface BalancerSettings {
  readonly type: BalancerType;
  /** For balancers by key: the bound of the load of an endpoint, as a multiple of its share; 0 for none. */
  readonly boundedLoad: number;
}

const BALANCERS = {
  RoundRobin: (): Balancer => new RoundRobin(),
  Random: (): Balancer => new Random(),
  LeastRequest: (): Balancer => new LeastRequest(),
  PeakEWMA: (): Balancer => new PeakEwma(),
  RingHash: ({ boundedLoad }: BalancerSettings): Balancer => new ByKey((candidates) => new Ring(candidates), boundedLoad),
  Maglev: ({ boundedLoad }: BalancerSettings): Balancer => new ByKey((candidates) => new MaglevTable(candidates), boundedLoad),
} as const;

/** All types, in the order of the documentation. */
export const BALANCER_TYPES = Object.keys(BALANCERS) as readonly BalancerType[];

export function makeBalancer(settings: BalancerSettings): Balancer {
  return BALANCERS[settings.type](settings);
}
