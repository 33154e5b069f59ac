// The settings of a use of a cluster: those of a BackendTrafficPolicy that need a state beyond one request.
import type { ConnectionPlan } from '../exchange/connection-terms.ts';
import type { BalancerSettings } from './balancer/index.ts';
import type { ActiveCheck } from './health/active-check.ts';
import { STANDARD_OUTLIERS } from './health/outlier-settings.ts';
import type { OutlierSettings } from './health/outlier-settings.ts';
import type { BreakerSettings } from './breaker/breaker-settings.ts';
import type { HashKey } from './key-hash.ts';
import type { ZoneSettings } from './rank.ts';
import type { LimitSettings } from './limits/limit-settings.ts';

/** Plain data: equal settings share a variant. */
export interface ClusterSettings {
  readonly balancer: BalancerSettings;
  /** The parts of the key of a request; none if the balancer does not hash. */
  readonly hashOn: readonly HashKey[];
  /** The time until a new endpoint has its whole weight, milliseconds; 0 is off. */
  readonly slowStart: number;
  /** If less than this percentage of endpoints is usable, health does not count; 0: only if none is. */
  readonly panicThreshold: number;
  /** Null: endpoints are not probed. */
  readonly activeCheck: ActiveCheck | null;
  /** Null: no endpoint is ejected. */
  readonly outliers: OutlierSettings | null;
  readonly zone: ZoneSettings;
  /** Of the whole proxy; null: none. */
  readonly limits: LimitSettings | null;
  /** Of the whole proxy; null: the terms of the worker. */
  readonly connections: ConnectionPlan | null;
  /** The percentile of its answer times that hedging waits for; 0: none, and no times are kept. */
  readonly answerPercentile: number;
  /** Null: none. */
  readonly breaker: BreakerSettings | null;
  /** Only endpoints with these labels are used; names in order. */
  readonly subset: Readonly<Record<string, string>>;
  /** The header in which a request may name its endpoint, in lower case; '' for none. */
  readonly overrideHeader: string;
}

/** Without a policy. */
export const STANDARD: ClusterSettings = Object.freeze({
  balancer: Object.freeze({ type: 'RoundRobin', boundedLoad: 0 }),
  hashOn: Object.freeze([]),
  slowStart: 0,
  panicThreshold: 0,
  activeCheck: null,
  outliers: STANDARD_OUTLIERS,
  zone: Object.freeze({ prefer: 'hints', minEndpoints: 1 }),
  limits: null,
  connections: null,
  answerPercentile: 0,
  breaker: null,
  subset: Object.freeze({}),
  overrideHeader: '',
});
