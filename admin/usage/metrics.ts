// Metrics of the audit log, of sessions and of unusual logins.
import { single, type MetricFamily } from '#lib/metric.ts';
import type { LoginWatch } from './login-watch.ts';

export interface UsageFacts {
  readonly audit: { readonly owed: number; readonly failures: number };
  readonly logins: Pick<LoginWatch, 'counts'>;
  /** Sessions in force at the last look at the store. */
  readonly sessions: () => number;
}

/** The metric families. */
export function usageFamilies({ audit, logins, sessions }: UsageFacts): readonly MetricFamily[] {
  return [
    single(
      'weir_admin_audit_failures_total',
      'counter',
      'Entries of the audit log that could not be written at once',
      () => audit.failures,
    ),
    single('weir_admin_audit_owed_entries', 'gauge', 'Entries of the audit log that wait for the store', () => audit.owed),
    single('weir_admin_sessions', 'gauge', 'Sessions in force, of all replicas', sessions),
    {
      name: 'weir_admin_login_anomalies_total',
      type: 'counter',
      help: 'Unusual logins, by kind',
      read: () => [...logins.counts].map(([kind, value]) => ({ labels: { kind }, value })),
    },
  ];
}
