// The metrics of telemetry streams at a controller. What proxies report is not among them: proxies expose that themselves.
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { TelemetryHub } from './hub.ts';
import type { ThreatBlocks } from './threat-blocks.ts';

/** What a hub counts. */
export interface TelemetryCounts extends Pick<TelemetryHub, 'counts'> {
  readonly threats: Pick<ThreatBlocks, 'counts'>;
}

/** The families, read at each scrape. */
export function telemetryFamilies(hub: () => TelemetryCounts): readonly MetricFamily[] {
  const counts = () => hub().counts;
  const blocks = () => hub().threats.counts;
  return [
    single('weir_telemetry_streams', 'gauge', 'Proxies that report to this controller.', () => counts().connected),
    single('weir_telemetry_reports_total', 'counter', 'Reports of proxies.', () => counts().reports),
    single('weir_telemetry_commands_total', 'counter', 'Commands sent to proxies.', () => counts().commands),
    single('weir_telemetry_entries', 'gauge', 'Backends, endpoints, routes and addresses kept, for each proxy.', () => counts().entries),
    single('weir_telemetry_entries_refused_total', 'counter', 'Reported entries for which there was no room.', () => counts().refused),
    single('weir_telemetry_shared_blocks', 'gauge', 'Blocks of threat detection that proxies share.', () => blocks().kept),
    single(
      'weir_telemetry_shared_blocks_refused_total',
      'counter',
      'Blocks of threat detection that are beyond a limit or malformed, and not shared.',
      () => blocks().refused,
    ),
  ];
}
