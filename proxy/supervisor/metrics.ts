// The metrics of a supervisor itself: its workers, the changes of the configuration, and the version of the program.
import { expiryFamily } from '#lib/certificate-expiry.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { BUILD_INFO } from '#lib/version.ts';
import type { countPairs } from './pairs.ts';

export interface SupervisorSources {
  readonly workers: () => number;
  readonly restarts: () => number;
  readonly version: () => number;
  /** Milliseconds since the epoch; 0 before the first change. */
  readonly changedAt: () => number;
  readonly pairs: () => ReturnType<typeof countPairs>;
}

export function supervisorFamilies(sources: SupervisorSources): readonly MetricFamily[] {
  return [
    single('weir_workers', 'gauge', 'Workers that serve', sources.workers),
    single('weir_worker_restarts_total', 'counter', 'Workers that died and that the supervisor replaced', sources.restarts),
    single('weir_config_changes_total', 'counter', 'Configuration changes that the proxy applied', sources.version),
    single('weir_config_applied_timestamp_seconds', 'gauge', 'Time of the last configuration change', () => sources.changedAt() / 1_000),
    single(
      'weir_secret_problems',
      'gauge',
      'TLS Secrets whose pair of certificate and key is unusable or has expired',
      () => sources.pairs().problems,
    ),
    expiryFamily(() => sources.pairs().expiries),
    BUILD_INFO,
  ];
}
