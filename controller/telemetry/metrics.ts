// The metrics of telemetry streams at a controller. What proxies report is not among them: proxies expose that themselves.
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { TelemetryHub } from './hub.ts';

/** The families, read at each scrape. */
export function telemetryFamilies(hub: () => Pick<TelemetryHub, 'counts'>): readonly MetricFamily[] {
  const counts = () => hub().counts;
  return [
    single('weir_telemetry_streams', 'gauge', 'Proxies that report to this controller.', () => counts().connected),
    single('weir_telemetry_reports_total', 'counter', 'Reports of proxies.', () => counts().reports),
    single('weir_telemetry_commands_total', 'counter', 'Commands sent to proxies.', () => counts().commands),
    single('weir_telemetry_entries', 'gauge', 'Backends, endpoints, routes and addresses kept, for each proxy.', () => counts().entries),
    single('weir_telemetry_entries_refused_total', 'counter', 'Reported entries for which there was no room.', () => counts().refused),
  ];
}
