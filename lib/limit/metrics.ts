// Metrics of limits that several processes of a proxy have.
import type { MetricFamily } from '../metric.ts';
import type { LendingStore } from './store.ts';

/** The outcomes of requests at one limit. */
export interface LimitCounts {
  passed: number;
  refused: number;
  shadow: number;
  unavailable: number;
}

/** Keys that a process forgot although they counted something, by store. */
export function evictionFamily(read: () => Readonly<Record<LendingStore, number>>): MetricFamily {
  return {
    name: 'weir_limit_evicted_keys_total',
    type: 'counter',
    help: 'Keys of limits that were forgotten although they counted something, since there were too many',
    read: () => Object.entries(read()).map(([store, value]) => ({ labels: { store }, value })),
  };
}
