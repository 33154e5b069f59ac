// The metrics of the telemetry stream at a proxy.
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { ReportingState } from './client.ts';

/** The families, read at each scrape. */
export function reportingFamilies(state: () => ReportingState): readonly MetricFamily[] {
  return [
    single('weir_telemetry_connected', 'gauge', '1 if the proxy reports to a controller', () => Number(state().connected)),
    single('weir_telemetry_connects_total', 'counter', 'Telemetry streams since the start of the proxy', () => state().streams),
    single('weir_telemetry_reports_total', 'counter', 'Reports that the proxy sent', () => state().reports),
    single('weir_telemetry_entries_waiting', 'gauge', 'Changed entries that wait for a report', () => state().waiting),
  ];
}
